#pragma once

#include <array>    // std::array.
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <memory>   // std::unique_ptr.
#include <span>     // std::span.

#include "fare/block_run.h"    // BlockList.
#include "fare/cache_rules.h"  // CacheRules.
#include "fare/time.h"         // Instant.
#include "fare/tokens.h"       // Tokens.

namespace fare {

// A place in a prompt where a content block or message ends: so much stands before it.
struct CachePosition {
  std::uint64_t blocks;
  Tokens tokens;
};

inline constexpr std::uint8_t kPromptLifetime = 0xff;

struct CacheBreakpoint {
  std::uint32_t position;  // Index into the prompt's positions.
  std::uint8_t lifetime;   // Index into the rules' lifetimes; kPromptLifetime: the prompt's.
};

// A prompt as a vendor's cache sees it.  Views are read during the call only.
struct CachePrompt {
  std::uint64_t scope = 0;  // Who asks, as cache_scope() makes it: others see nothing of it.
  BlockList blocks;
  Tokens input;         // All of it; at least what the blocks stand for but for the last one.
  Tokens block_tokens;  // Of each block: n blocks stand for min(n * block_tokens, input).
  Tokens minimum;       // CacheRules::minimum_for() of its model.
  std::span<const CachePosition> positions{};  // kBreakpoints: ascending, not empty.
  std::span<const CacheBreakpoint>
      breakpoints{};          // kBreakpoints: none is one on the last position.
  std::uint8_t lifetime = 0;  // Of everything but breakpoints that say otherwise.
  double life = 0;            // Where in [ttl, ttl_max] the entry lives that is written: 0 to 1.
};

// Why a vendor would refuse the prompt (with a 400).
enum class CacheProblem : std::uint8_t {
  kNone,
  kTooManyBreakpoints,
  kNoSuchPosition,       // Or no such lifetime, or breakpoints that do not ascend.
  kShorterBeforeLonger,  // A longer lifetime must come before a shorter one.
};

// How the input of one prompt is billed: the parts add up to it.
struct CacheBill {
  Tokens read;
  std::array<Tokens, kCacheLifetimesMax> written{};  // By lifetime.
  Tokens plain;

  Tokens all_written() const;

  friend bool operator==(const CacheBill&, const CacheBill&) = default;
};

struct CacheAnswer {
  CacheProblem problem = CacheProblem::kNone;  // Else nothing is read and nothing will be written.
  std::uint64_t hit_blocks = 0;
  CacheBill bill;
  Tokens limited;  // What counts toward the limit of input tokens a minute.
};

// One vendor's prompt cache, in all the ways that CacheRules can say.  Live, it estimates what is
// warm; simulated, it is the vendor's cache.  Time is an argument.
//
//   const CacheAnswer answer = cache.begin(prompt, now);        // The request starts.
//   cache.store(prompt, now, first_token);                      // What it writes, readable then.
//
// Deterministic.  Not thread-safe: the owner locks.  Memory grows with what is alive, at most about
// twice: entries that died are swept out as others come, O(1) amortised.
class PromptCache {
 public:
  // REQUIRES: rules from a CacheRuleBook, or as valid: 1 to kCacheLifetimesMax lifetimes.
  explicit PromptCache(const CacheRules& rules);
  ~PromptCache();
  PromptCache(PromptCache&&) noexcept;
  PromptCache& operator=(PromptCache&&) noexcept;

  // What the prompt would read and be billed.  Changes nothing, allocates nothing.  O(runs), with
  // a look-up for each run or eight short ones, and one wherever prompts were stored that part
  // there; or, with breakpoints, O(breakpoints * lookback + runs).
  [[nodiscard]] CacheAnswer look_up(const CachePrompt& prompt, Instant now) const;

  // Lets the processor fetch what the other calls for this prompt will look at first: worth a call
  // where much is cached and the prompt is known some hundred nanoseconds before.  Changes nothing.
  // REQUIRES: as look_up(), and a prompt without problems.
  void fetch(const CachePrompt& prompt) const;
  // The same for what that leads to, once it has come: some hundred nanoseconds after fetch().
  void fetch_found(const CachePrompt& prompt) const;

  // The same as look_up(), and what was read lives anew.
  CacheAnswer begin(const CachePrompt& prompt, Instant now);

  // Writes what a prompt that began at `started` leaves behind, readable from `readable` on.  An
  // entry that is alive keeps the earlier of both instants and lives on.  For kUnits call it again
  // with the answer behind the prompt, if its blocks are known.
  // REQUIRES: a prompt whose answer had no problem; started <= readable.
  void store(const CachePrompt& prompt, Instant started, Instant readable);

  [[nodiscard]] std::size_t entries() const;  // That are kept, dead ones too.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare
