#include <algorithm>

#include "cache/block_index.h"

namespace fare {

// Backwards: what a block's map entry holds is then its next use.
Future::Future(std::span<const BlockList> requests) : begin_(requests.size() + 1) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    begin_[i + 1] = begin_[i] + count_blocks(requests[i]);
  }
  next_.resize(begin_.back());
  BlockIndex seen;
  for (std::size_t i = requests.size(); i-- > 0;) {
    std::size_t at = begin_[i];
    for (const BlockRun& run : requests[i]) {
      for (std::uint64_t k = 0; k < run.count; ++k, ++at) {
        const auto [entry, is_new] = seen.try_emplace(run.first + k, kNever);
        next_[at] = entry->second;
        entry.value() = static_cast<std::uint32_t>(i);
      }
    }
  }
}

std::span<const std::uint32_t> Future::of(std::size_t request) const {
  return std::span(next_).subspan(begin_[request], begin_[request + 1] - begin_[request]);
}

}  // namespace fare
