#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/cache_rules.h"  // CacheRules.
#include "fare/money.h"        // Cost, Rate.
#include "fare/time.h"         // Duration.
#include "fare/tokens.h"       // Tokens.

namespace fare {

// What a prompt cache is worth: pure functions, exact in picodollars.
//
// A token of input costs one of three rates: read from the cache, written to it, or, where the
// prompt is too short to be cached, plain.  `write` is what a cold token costs in a prompt that is
// cached: at vendors that charge nothing for writing it is the plain rate.

struct CachePrices {
  Rate plain;
  Rate read;
  Rate write;    // For the chosen lifetime.
  Rate storage;  // For a token and hour; 0: keeping is free.
};

// The prices that the rules' multiples make of an input price, each rounded down to a picodollar.
// For studies; where a price table has the rates, take those.  REQUIRES: lifetime of the rules.
[[nodiscard]] CachePrices prices_from(const CacheRules& rules, std::uint8_t lifetime, Rate input);

// The input of one request of which `warm` tokens are read.  REQUIRES: 0 <= warm <= input.
[[nodiscard]] Cost input_cost(Tokens input, Tokens warm, const CachePrices& prices);

// What a session's warm prefix saves its next request, compared with a cold start on the same
// target.  Negative where reading costs more than writing.
[[nodiscard]] Cost warm_value(Tokens warm, const CachePrices& prices);

// A session's requests to come: the first has `input` tokens, each later one `growth` more, and
// each reads all that the one before it had.
struct SessionAhead {
  Tokens input;
  Tokens growth;
  std::int64_t requests = 1;  // In [1, 1e6].
};

// What the session's input costs on a target where `warm` tokens of it are cached now.
// REQUIRES: 0 <= warm <= input; no expiry in between.
[[nodiscard]] Cost session_cost(const SessionAhead& ahead, Tokens warm, const CachePrices& prices);

// A target the session might be on: what it holds of the session, and what it charges.
struct CacheSide {
  Tokens warm;
  CachePrices prices;
};

// The regret of a switch: what the input costs more over the requests ahead if the session moves
// than if it stays.  Negative: the move pays.
[[nodiscard]] Cost switch_regret(const SessionAhead& ahead, const CacheSide& stay,
                                 const CacheSide& go);

// The least number of requests ahead from which on the move pays for as long as they come, looking
// at most `requests_max` ahead; nothing if it does not by then.  `ahead.requests` is not read.
[[nodiscard]] std::optional<std::int64_t> switch_break_even(const SessionAhead& ahead,
                                                            const CacheSide& stay,
                                                            const CacheSide& go,
                                                            std::int64_t requests_max);

// Pre-warming writes a prefix once, before requests that all start before the first of them could
// be read: the least number of such requests at which it is cheaper than letting each write.
// Nothing if reading is not cheaper than writing.
[[nodiscard]] std::optional<std::int64_t> pre_warm_break_even(const CachePrices& prices);

// Keeping an entry alive by reading it again and again: how many reads cost no more than writing it
// once more.  0 if none.
[[nodiscard]] std::int64_t keep_alive_reads(const CachePrices& prices);

// Which of the rules' lifetimes makes a prefix cheapest that is used again after these gaps: a use
// within the lifetime reads, a later one writes anew.  The first use writes.
struct LifetimeChoice {
  std::uint8_t lifetime = 0;  // Of equals the first.
  std::int64_t reads = 0;
  std::int64_t writes = 0;    // The first use included.
  std::int64_t cost_ppm = 0;  // Of all uses of one token, in millionths of the input price.
};
[[nodiscard]] LifetimeChoice best_lifetime(const CacheRules& rules, std::span<const Duration> gaps);

// The same for one lifetime.
[[nodiscard]] LifetimeChoice lifetime_cost(const CacheRules& rules, std::uint8_t lifetime,
                                           std::span<const Duration> gaps);

// A prefix shorter than a vendor's minimum can be padded up to it.  The least length from which on
// that costs no more than sending it plain `uses` times: ceil(M (r + (w - r) / N)) in multiples of
// the plain rate, at most `minimum`.  REQUIRES: uses >= 1, plain > 0.
[[nodiscard]] Tokens padding_break_even(Tokens minimum, std::int64_t uses,
                                        const CachePrices& prices);

// What keeping tokens for a while costs.  Rounded up to a picodollar.
[[nodiscard]] Cost storage_cost(Tokens tokens, Duration kept, const CachePrices& prices);

}  // namespace fare
