#pragma once

#include <array>    // std::array.
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <limits>   // std::numeric_limits.
#include <vector>   // std::vector.

#include "base/fetch.h"      // fetch_line.
#include "fare/block_run.h"  // BlockList, BlockRun.

namespace fare {

// Walks a list block by block.  A value; allocates nothing.
class NameCursor {
 public:
  explicit NameCursor(BlockList blocks) : run_(blocks.data()), end_(blocks.data() + blocks.size()) {
    advance(0);
  }

  bool done() const { return run_ == end_; }

  // The next block, and how many names from it on stand in one run.  REQUIRES: not done().
  std::uint64_t name() const { return run_->first + offset_; }
  std::uint64_t left() const { return run_->count - offset_; }

  // REQUIRES: count <= left(), or 0.
  void advance(std::uint64_t count) {
    offset_ += count;
    while (run_ != end_ && offset_ >= run_->count) {
      offset_ -= run_->count;
      ++run_;
    }
  }

 private:
  const BlockRun* run_;
  const BlockRun* end_;
  std::uint64_t offset_ = 0;  // Into *run_.
};

// Blocks that follow each other in prompts: consecutive names, as many as can be counted, or else
// names of any kind, as many as a line of memory holds.
struct Stretch {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t line = kNoLine;  // Where the names stand that are not consecutive.

  static constexpr std::uint32_t kNoLine = 0xffffffff;
  static constexpr std::uint64_t kCountMax = 0xffffffff;
};

// The names of stretches that are not consecutive, a cache line for each such stretch: prompts of
// true hashes are looked up and compared eight blocks at a time.
class NameLines {
 public:
  static constexpr std::size_t kNames = 8;

  // Adds as many leading blocks of the run to the end of the stretch as it can; returns how many.
  // A stretch of consecutive names takes all that continue it, up to kCountMax.
  std::uint64_t append(Stretch& stretch, const BlockRun& run);

  // Passes the leading blocks of the stretch, at most `most`, that stand next at the cursor;
  // returns how many.
  std::uint64_t pass(const Stretch& stretch, NameCursor& cursor,
                     std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const {
    const std::uint64_t end = stretch.count < most ? stretch.count : most;
    std::uint64_t passed = 0;
    if (stretch.line == Stretch::kNoLine) {
      while (passed < end && !cursor.done() && cursor.name() == stretch.first + passed) {
        const std::uint64_t left = cursor.left();
        const std::uint64_t step = left < end - passed ? left : end - passed;
        passed += step;
        cursor.advance(step);
      }
      return passed;
    }
    const Line& line = lines_[stretch.line];
    while (passed < end && !cursor.done() && cursor.name() == line.names[passed]) {
      ++passed;
      cursor.advance(1);
    }
    return passed;
  }

  // Cuts the stretch to its first `count` blocks; returns the others.  REQUIRES: 1 <= count, and
  // less than it has.
  Stretch cut(Stretch& stretch, std::uint32_t count);

  // Forgets the first `count` blocks.  REQUIRES: less than it has.
  void drop_front(Stretch& stretch, std::uint32_t count);

  // Gives the stretch's line back.
  void release(Stretch& stretch);

  // Lets the processor fetch a line that will be wanted.
  void fetch(std::uint32_t line) const {
    if (line != Stretch::kNoLine) fetch_line(&lines_[line]);
  }

  void clear();

 private:
  struct alignas(64) Line {
    std::array<std::uint64_t, kNames> names{};
  };

  std::uint32_t new_line();

  std::vector<Line> lines_;
  std::uint32_t free_ = Stretch::kNoLine;  // The first free line; each holds the next one's number.
};

}  // namespace fare
