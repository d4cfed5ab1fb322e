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
  static constexpr std::uint32_t kEnd = 0;  // The sentinel.

  explicit EvictionList(std::size_t reserved) {
    nodes_.reserve(reserved + 1);
    nodes_.push_back({});
  }

  std::uint64_t block(std::uint32_t node) const { return nodes_[node].block; }
  std::uint32_t first() const { return nodes_[0].next; }

  // Adds a node that is evicted just before `after`, or last of all if that is kEnd.
  std::uint32_t insert(std::uint64_t block, std::uint32_t after = kEnd) {
    std::uint32_t node = free_;
    if (node != kNoNode) {
      free_ = nodes_[node].next;
    } else {
      node = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({});
    }
    nodes_[node].block = block;
    link(node, after);
    return node;
  }

  void move(std::uint32_t node, std::uint32_t after = kEnd) {
    unlink(node);
    link(node, after);
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

  void link(std::uint32_t node, std::uint32_t after) {
    nodes_[node].previous = nodes_[after].previous;
    nodes_[node].next = after;
    nodes_[nodes_[after].previous].next = node;
    nodes_[after].previous = node;
  }

  std::vector<Node> nodes_;
  std::uint32_t free_ = kNoNode;
};

class ListCache : public BlockCache {
 public:
  explicit ListCache(const Options& options)
      : blocks_max_(options.blocks_max),
        uses_(options.eviction != Eviction::kFifo),
        list_{std::min(options.blocks_max, kNodesReserved)} {
    index_.reserve(std::min(options.blocks_max, kNodesReserved));
  }

  std::uint64_t match(BlockList blocks) const override { return match_in(index_, blocks); }

  // Front to back; a block that comes evicts at once, even one of its own request.  Until the first
  // miss nothing is evicted, so the hits are counted on the way.
  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    std::uint64_t hits = 0;
    bool missed = false;
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i) {
        missed = !touch(run.first + i) || missed;
        hits += missed ? 0 : 1;
      }
    }
    return hits;
  }

  std::uint64_t blocks() const override { return index_.size(); }

 protected:
  // Whether it was there.
  bool touch(std::uint64_t block) {
    const auto found = index_.find(block);
    if (found != index_.end()) {
      if (uses_) list_.move(found->second);
      return true;
    }
    if (index_.size() == blocks_max_) evict();
    index_.emplace(block, list_.insert(block));
    return false;
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
    const std::uint64_t hits = find_hits(blocks);
    for (std::size_t i = found_.size(); i-- > 0;) list_.move(found_[i]);
    const std::uint32_t last_hit = found_.empty() ? EvictionList::kEnd : found_.back();
    std::uint64_t left = count_blocks(blocks) - hits;
    // What does not fit is passed over: the front would only push it out again.
    std::uint64_t skipped = hits + left - std::min(hits + left, blocks_max_);
    for (std::size_t r = blocks.size(); left > 0 && r-- > 0;) {
      for (std::uint64_t i = blocks[r].count; left > 0 && i-- > 0; --left) {
        if (skipped > 0) {
          --skipped;
        } else {
          let_in(blocks[r].first + i, last_hit);
        }
      }
    }
    return hits;
  }

 private:
  // Leaves their nodes in `found_`.
  std::uint64_t find_hits(BlockList blocks) {
    found_.clear();
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i) {
        const auto found = index_.find(run.first + i);
        if (found == index_.end()) return found_.size();
        found_.push_back(found->second);
      }
    }
    return found_.size();
  }

  // Puts a block before the hits, where it is evicted before them.
  void let_in(std::uint64_t block, std::uint32_t after) {
    const auto found = index_.find(block);
    if (found != index_.end()) {  // Only where names break their rule.
      if (found->second != after) list_.move(found->second, after);
      return;
    }
    if (index_.size() == blocks_max_) evict();
    index_.emplace(block, list_.insert(block, after));
  }

  std::vector<std::uint32_t> found_;
};

}  // namespace

std::unique_ptr<BlockCache> make_list_cache(const BlockCache::Options& options) {
  const bool flat = options.eviction == Eviction::kLruFlat || options.eviction == Eviction::kFifo;
  if (flat) return std::make_unique<ListCache>(options);
  return std::make_unique<TailFirstCache>(options);
}

}  // namespace fare
