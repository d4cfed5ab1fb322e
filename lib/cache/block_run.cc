#include "fare/block_run.h"

#include <algorithm>

namespace fare {

std::uint64_t count_blocks(BlockList blocks) {
  std::uint64_t count = 0;
  for (const BlockRun& run : blocks) count += run.count;
  return count;
}

BlockRun RunCursor::run() {
  while (index_ < blocks_.size() && offset_ >= blocks_[index_].count) {
    offset_ -= blocks_[index_++].count;
  }
  if (index_ == blocks_.size()) return {0, 0};
  const std::uint64_t first = blocks_[index_].first + offset_;
  std::uint64_t end = blocks_[index_].first + blocks_[index_].count;
  for (std::size_t i = index_ + 1; i < blocks_.size() && blocks_[i].first == end; ++i) {
    end += blocks_[i].count;
  }
  return {first, end - first};
}

std::uint64_t common_prefix(BlockList a, BlockList b) {
  RunCursor left(a);
  RunCursor right(b);
  std::uint64_t common = 0;
  for (;;) {
    const BlockRun x = left.run();
    const BlockRun y = right.run();
    const std::uint64_t step = std::min(x.count, y.count);
    if (step == 0 || x.first != y.first) return common;
    common += step;
    left.advance(step);
    right.advance(step);
  }
}

}  // namespace fare
