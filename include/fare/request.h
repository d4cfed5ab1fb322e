#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.

#include "fare/block_run.h"     // BlockList.
#include "fare/prompt_cache.h"  // CachePosition, CacheBreakpoint.
#include "fare/time.h"          // Duration.
#include "fare/tokens.h"        // Tokens.

namespace fare {

class ChoiceScratch;

// A property of a request that rules may ask for, such as {"team", "legal"}.
struct Tag {
  std::string_view key;
  std::string_view value;
};

// The prompt as prompt caches see it (fare/prompt_cache.h).
struct PromptBlocks {
  BlockList blocks{};   // Empty: not known; every input token then counts as new.
  Tokens block_tokens;  // Of each block.
  std::span<const CachePosition> positions{};
  std::span<const CacheBreakpoint> breakpoints{};
  std::uint64_t caller = 0;  // Who shares caches with whom: as cache_scope() makes it, or 0.
};

// A whole answer that the gateway's own cache holds for this request.
struct CachedAnswer {
  std::string_view scope;  // Whose it is.  Only a request whose first scope it is is given it.
  double quality = 0;      // The probability that it is good enough.
};

inline constexpr std::size_t kScopesMax = 8;  // That one request may name.

// What a gateway knows of a request before it is sent.  Views are read during route() only.
struct Request {
  std::uint64_t id = 0;            // The gateway's own number; spreads load over locks, no more.
  std::string_view request_class;  // The complexity class, if known; empty: not classified.
  std::span<const Tag> tags;
  std::span<const std::string_view> capabilities;  // All of them are needed: "tools", "vision".
  Tokens input;                                    // Counted input tokens, in [0, kTokensMax].
  std::optional<Tokens> expected_output;  // If better known than the policy's figure for the class.
  std::optional<Tokens> max_output;       // The caller's cap on output, if any.
  std::optional<Duration>
      latency_bound;  // Until the last token; the rule's own bound holds as well.

  // Who pays: ids of Config::budgets.  The end of a chain (its ancestors are found), then any side
  // scopes.  Empty: nobody's budget is touched.  Without Config::budgets only the first one is
  // read, for CachedAnswer.
  std::span<const std::string_view> scopes{};
  std::uint64_t session = 0;    // The conversation, for pinning; 0: none.
  std::string_view language{};  // "de", if known.
  std::string_view text{};      // The prompt, for Config::model.
  std::span<const float> embedding{};
  ChoiceScratch* scratch = nullptr;  // Memory to read `text` in, one a thread; without it `text`
                                     // is not read.
  PromptBlocks prompt{};
  std::optional<CachedAnswer> cached_answer{};
  std::optional<Instant> deadline{};  // No attempt is begun that would end after it.
  // 64 uniform random bits of this request alone, for whatever a policy leaves to chance (splits,
  // canaries, balancing); nothing: a hash of `id`.
  std::optional<std::uint64_t> luck{};
};

}  // namespace fare
