#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <span>      // std::span.
#include <vector>    // std::vector.

#include "base/json_reader.h"   // JsonNode.
#include "base/random.h"        // RandomKey.
#include "base/samplers.h"      // Zipf.
#include "fare/block_run.h"     // BlockList, BlockRun.
#include "fare/prompt_cache.h"  // CachePosition, CacheBreakpoint.
#include "fare/tokens.h"        // Tokens.

namespace routesim {

// A prompt as prompt caches see it.  The views are those of whoever made it.
struct Prompt {
  fare::BlockList blocks{};
  fare::Tokens block_tokens;  // Of each block, the last one perhaps fewer.
  std::span<const fare::CachePosition> positions{};
  std::span<const fare::CacheBreakpoint> breakpoints{};
};

// Prompts that begin alike: each starts with one of `prefixes` texts of `prefix_tokens`, or with as
// much of it as its input has, and goes on with words of its own.  Where caches want a breakpoint
// it stands at the end of what is shared: nobody pays for writing what is never read again.
struct PromptMix {
  std::uint64_t prefixes = 1;     // 1 to 1e9.
  double zipf_exponent = 0;       // Which prefix: 0 all alike, else Zipf; at most 10.
  fare::Tokens prefix_tokens{1};  // 1 to 1e9.
  fare::Tokens block_tokens{1};   // 1 to 1e6.
  bool hashed = false;            // Blocks of prefixes are named one by one, as true hashes are.
  bool own_blocks =
      true;  // Prompts name their own words' blocks too.  Nobody reads those again, so
             // only bounds (they take up room) and caches of whole units need them.
};

// Reads {"prefixes": 1000, "zipf_exponent": 1.1, "prefix_tokens": 2048, "block_tokens": 64,
//        "names": "runs" | "hashes"}.
std::optional<PromptMix> read_prompt_mix(const fare::JsonNode& node);

// The prompts of one replication: the same request has the same prompt under every policy.
// Not thread-safe.  Allocates only for a prompt longer than all before it; O(1), hashed O(blocks of
// the prefix).
class SyntheticPrompts {
 public:
  SyntheticPrompts(const PromptMix& mix, std::uint64_t seed, std::uint32_t replication);
  SyntheticPrompts(const SyntheticPrompts&) = delete;
  SyntheticPrompts& operator=(const SyntheticPrompts&) = delete;

  // The prompt of request number `index`, of `input` tokens.  Its views live until the next call
  // for another one; asking for the same one again costs nothing.
  // REQUIRES: 1 <= input <= kTokensMax; index < 2^40.
  const Prompt& of(std::uint64_t index, fare::Tokens input);

 private:
  void make(std::uint64_t index, fare::Tokens input);
  std::uint64_t draw_prefix(std::uint64_t index) const;

  PromptMix mix_;
  fare::RandomKey key_;
  std::optional<fare::Zipf> zipf_;
  std::uint64_t index_ = 0;  // Whose prompt is made,
  fare::Tokens input_;       // and its length; 0: none is.
  Prompt prompt_;
  std::vector<fare::BlockRun> runs_;
  std::array<fare::CachePosition, 2> positions_{};
  // On the first position.
  std::array<fare::CacheBreakpoint, 1> breakpoints_{{{0, fare::kPromptLifetime}}};
};

}  // namespace routesim
