#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "cache/block_index.h"

namespace fare {
namespace {

// A heap of (uses, last use); entries that a later use overtook stay in it and are passed over when
// they come up, or thrown out together once they are most of it.
class LfuCache : public BlockCache {
 public:
  explicit LfuCache(const Options& options) : blocks_max_(options.blocks_max) {}

  std::uint64_t match(BlockList blocks) const override {
    std::uint64_t hits = 0;
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i, ++hits) {
        if (uses_.find(run.first + i) == uses_.end()) return hits;
      }
    }
    return hits;
  }

  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    const std::uint64_t hits = match(blocks);
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i) touch(run.first + i);
    }
    return hits;
  }

  std::uint64_t blocks() const override { return uses_.size(); }

 private:
  struct Use {
    std::uint64_t count = 0;
    std::uint64_t last = 0;  // The number of the touch, from 1.
  };
  struct Entry {
    Use use;
    std::uint64_t block;

    // Whether `a` is evicted after `b`: std::push_heap keeps the greatest in front.
    static bool after(const Entry& a, const Entry& b) {
      return std::pair(a.use.count, a.use.last) > std::pair(b.use.count, b.use.last);
    }
  };

  void touch(std::uint64_t block) {
    auto found = uses_.find(block);
    if (found == uses_.end()) {
      if (uses_.size() == blocks_max_) evict();
      found = uses_.emplace(block, Use{}).first;
    }
    Use& use = found.value();
    ++use.count;
    use.last = ++touches_;
    push({use, block});
  }

  void push(const Entry& entry) {
    if (heap_.size() >= 2 * uses_.size() + kNodesReserved) {
      std::erase_if(heap_, [this](const Entry& old) { return !is_current(old); });
      std::make_heap(heap_.begin(), heap_.end(), Entry::after);
    }
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), Entry::after);
  }

  bool is_current(const Entry& entry) const {
    const auto found = uses_.find(entry.block);
    return found != uses_.end() && found->second.last == entry.use.last;
  }

  void evict() {
    for (;;) {
      std::pop_heap(heap_.begin(), heap_.end(), Entry::after);
      const Entry entry = heap_.back();
      heap_.pop_back();
      if (!is_current(entry)) continue;
      uses_.erase(entry.block);
      return;
    }
  }

  std::uint64_t blocks_max_;
  std::uint64_t touches_ = 0;
  tsl::robin_map<std::uint64_t, Use, BlockHash> uses_;
  std::vector<Entry> heap_;
};

}  // namespace

std::unique_ptr<BlockCache> make_lfu_cache(const BlockCache::Options& options) {
  return std::make_unique<LfuCache>(options);
}

}  // namespace fare
