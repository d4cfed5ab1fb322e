// The caches that need no more than one list in the order of eviction: flat LRU, FIFO, and the two
// LRUs that keep a tree whole.

#include <algorithm>
#include <utility>
#include <vector>

#include "cache/block_index.h"

namespace fare {
namespace {

// Nodes in a circle around the sentinel at 0: behind it the next to be evicted, before it the last.
class EvictionList {
 public:
  explicit EvictionList(std::size_t reserved) {
    nodes_.reserve(reserved + 1);
    nodes_.push_back({});
  }

  std::uint64_t block(std::uint32_t node) const { return nodes_[node].block; }
  std::uint32_t first() const { return nodes_[0].next; }

  std::uint32_t append(std::uint64_t block) {
    std::uint32_t node = free_;
    if (node != kNoNode) {
      free_ = nodes_[node].next;
    } else {
      node = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({});
    }
    nodes_[node].block = block;
    link_last(node);
    return node;
  }

  void move_to_end(std::uint32_t node) {
    unlink(node);
    link_last(node);
  }

  void remove(std::uint32_t node) {
    unlink(node);
    nodes_[node].next = free_;
    free_ = node;
  }

 private:
  struct Node {
    std::uint64_t block = 0;
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
  };

  void unlink(std::uint32_t node) {
    const Node& gone = nodes_[node];
    nodes_[gone.previous].next = gone.next;
    nodes_[gone.next].previous = gone.previous;
  }

  void link_last(std::uint32_t node) {
    nodes_[node].previous = nodes_[0].previous;
    nodes_[node].next = 0;
    nodes_[nodes_[0].previous].next = node;
    nodes_[0].previous = node;
  }

  std::vector<Node> nodes_;
  std::uint32_t free_ = kNoNode;
};

class ListCache : public BlockCache {
 public:
  explicit ListCache(const Options& options)
      : blocks_max_(options.blocks_max),
        uses_(options.eviction != Eviction::kFifo),
        list_(std::min(options.blocks_max, kNodesReserved)) {
    index_.reserve(std::min(options.blocks_max, kNodesReserved));
  }

  std::uint64_t match(BlockList blocks) const override { return match_in(index_, blocks); }

  // Front to back; a block that comes evicts at once, even one of its own request.
  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    const std::uint64_t hits = match(blocks);
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i) touch(run.first + i);
    }
    return hits;
  }

  std::uint64_t blocks() const override { return index_.size(); }

 protected:
  void touch(std::uint64_t block) {
    const auto found = index_.find(block);
    if (found != index_.end()) {
      if (uses_) list_.move_to_end(found->second);
      return;
    }
    if (index_.size() == blocks_max_) evict();
    index_.emplace(block, list_.append(block));
  }

  void evict() {
    const std::uint32_t node = list_.first();
    index_.erase(list_.block(node));
    list_.remove(node);
  }

  std::uint64_t blocks_max_;
  bool uses_;
  EvictionList list_;
  BlockIndex index_;
};

// A request's blocks go to the end of the list tail first, so each block outlives what follows it
// and the cache always holds a tree.  That is vLLM's free queue; and it is the LRU of leaves too:
// all nodes that one request was the last to use lie on one path, of which only the deepest can be
// a leaf, so the oldest leaf is the first node of this list.  Of a request that is longer than the
// cache both keep the front.
class TailFirstCache : public ListCache {
 public:
  using ListCache::ListCache;

  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    const std::uint64_t hits = match(blocks);
    std::uint64_t skipped = count_blocks(blocks);
    skipped -= std::min(skipped, blocks_max_);  // What does not fit: the rest would push it out.
    for (std::size_t r = blocks.size(); r-- > 0;) {
      const BlockRun& run = blocks[r];
      const std::uint64_t fitting = run.count - std::min(run.count, skipped);
      skipped -= run.count - fitting;
      for (std::uint64_t i = fitting; i-- > 0;) touch(run.first + i);
    }
    return hits;
  }
};

}  // namespace

std::unique_ptr<BlockCache> make_list_cache(const BlockCache::Options& options) {
  const bool flat = options.eviction == Eviction::kLruFlat || options.eviction == Eviction::kFifo;
  if (flat) return std::make_unique<ListCache>(options);
  return std::make_unique<TailFirstCache>(options);
}

}  // namespace fare
