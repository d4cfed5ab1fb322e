#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/block_run.h"   // BlockRun.
#include "fare/request.h"     // PromptBlocks.
#include "traffic/arrival.h"  // Arrival.
#include "world/prompts.h"    // Prompt, SyntheticPrompts.
#include "world/world.h"      // World.

namespace routesim {

// What all askings of one request have in common: its index less what each asking again adds.
inline std::uint64_t first_asked(const Arrival& arrival) {
  return arrival.index & ((std::uint64_t{1} << 52) - 1);
}

// What prompt caches see of the requests of one run: the blocks that the traffic brings, or else
// those of the world's "prompts".  Not thread-safe.  Allocates only for a prompt of more runs than
// all before it.
//
// Of the traffic's own blocks a position stands where the first run ends (what sessions share),
// where what a call of the session sent before it ends, and at the last whole block; breakpoints
// are the first and the last of them.
class ArrivalPrompts {
 public:
  ArrivalPrompts(const World& world, std::uint64_t seed, std::uint32_t replication);

  // The prompt of a request of which `input` tokens are sent, at most all; null if it has none.  It
  // is valid until the next call and as long as the arrival's blocks.
  const Prompt* of(const Arrival& arrival, fare::Tokens input);

  // The same, of the whole input, as the router is told of it: only what the traffic brings.
  fare::PromptBlocks blocks_of(const Arrival& arrival);

 private:
  const Prompt* brought(const Arrival& arrival, fare::Tokens input);
  void add_position(std::uint64_t blocks);

  std::optional<SyntheticPrompts> synthetic_;
  Prompt prompt_{};
  std::vector<fare::BlockRun> runs_;  // Of a prompt that is cut short.
  std::array<fare::CachePosition, 3> positions_{};
  std::uint32_t position_count_ = 0;
  std::array<fare::CacheBreakpoint, 2> breakpoints_{
      {{0, fare::kPromptLifetime}, {0, fare::kPromptLifetime}}};
};

}  // namespace routesim
