#pragma once

#include <cstdint>      // std::uint64_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/block_cache.h"      // Eviction.
#include "traffic/prompt_trace.h"  // PromptTrace.

namespace routesim {

// A share of hits.  There is no such thing as *the* hit rate: the same trace gives rates several
// points apart by what is counted, so each stands with its name and definition.
struct HitRate {
  std::string_view name;  // "tok", "blk", "full_blk", "request_mean"; ending in "_2nd" where only
                          // the second half of the calls is measured.
  double value = 0;       // In [0, 1]; 0 of nothing is 0.
  std::string_view definition;
};

// What a cache of blocks did for a trace.
struct BlockReplay {
  std::uint64_t calls = 0;     // All of them went through the cache,
  std::uint64_t measured = 0;  // and so many were counted.
  std::int64_t hit_tokens = 0;
  std::int64_t input_tokens = 0;
  std::uint64_t hit_blocks = 0;
  std::uint64_t blocks = 0;
  std::vector<HitRate> rates;
};

struct BlockReplayOptions {
  fare::BlockCache::Options cache{};
  bool second_half = false;  // Count the calls from number calls / 2 on; the others warm it up.
};

// Sends the calls of a trace through one cache, in their order (sessions one after the other where
// a trace has them).  A hit is a leading run of cached blocks; h hit blocks stand for
// min(h * block_tokens, weight) tokens.  A pure function.  O(blocks).
[[nodiscard]] BlockReplay replay_blocks(const PromptTrace& trace,
                                        const BlockReplayOptions& options);

// Why a trace is too big to be replayed block by block; empty if it is not.
[[nodiscard]] std::string why_too_big(const PromptTrace& trace, fare::Eviction eviction);

// How many blocks of a call are full: all, or all but the last.
[[nodiscard]] std::uint64_t full_blocks(const PromptCall& call);

// What so many leading blocks of a call stand for.
[[nodiscard]] std::int64_t tokens_of(const PromptCall& call, std::uint64_t blocks);

// Counts hits call by call, for whoever replays.
class HitTally {
 public:
  void add(const PromptCall& call, std::uint64_t hit_blocks, std::int64_t hit_tokens);

  // Ends the counting: `calls` went through the cache.
  BlockReplay finish(std::uint64_t calls, bool second_half);

 private:
  BlockReplay replay_;
  std::uint64_t full_hits_ = 0;
  std::uint64_t full_blocks_ = 0;
  double shares_ = 0;
};

}  // namespace routesim
