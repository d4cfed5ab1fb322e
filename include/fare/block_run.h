#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <span>     // std::span.

namespace fare {

// A prompt, as caches see it, is a list of blocks.  A block is named by its chained hash: equal
// names mean that the block and everything before it are equal, so a name determines its prefix.
// Names may be true hashes or numbers that a trace gave out; either way a list is written as runs
// of consecutive names, {7, 3} being 7, 8, 9.  Long prompts whose names were given out in order are
// a few runs, and a walk over them takes as many steps.
struct BlockRun {
  std::uint64_t first;
  std::uint64_t count;  // At least 1; first + count does not wrap.

  friend bool operator==(const BlockRun&, const BlockRun&) = default;
};

using BlockList = std::span<const BlockRun>;

// How many blocks a list has.
[[nodiscard]] std::uint64_t count_blocks(BlockList blocks);

// How many leading blocks two lists share.  O(runs).
[[nodiscard]] std::uint64_t common_prefix(BlockList a, BlockList b);

// Walks a list run by run, where runs that continue each other are one.  A value; allocates
// nothing.
class RunCursor {
 public:
  explicit RunCursor(BlockList blocks) : blocks_(blocks) {}

  // The next names are run().first ... for run().count blocks; none are left if the count is 0.
  BlockRun run();

  // Passes `count` of the names that run() gave.
  void advance(std::uint64_t count) { offset_ += count; }

 private:
  BlockList blocks_;
  std::size_t index_ = 0;
  std::uint64_t offset_ = 0;  // Into blocks_[index_]; may reach into runs that continue it.
};

}  // namespace fare
