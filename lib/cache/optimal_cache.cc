#include <algorithm>
#include <vector>

#include "cache/block_index.h"
#include "fare/check.h"

namespace fare {
namespace {

// Belady on the leaves of the prefix tree (L. A. Belady, "A study of replacement algorithms for a
// virtual-storage computer", 1966).  Two leaves are never needed first by the same request, for
// what one request needs lies on one path; so there are no ties to break among those that matter.
class OptimalCache : public BlockCache {
 public:
  explicit OptimalCache(const Options& options) : blocks_max_(options.blocks_max) {}

  std::uint64_t match(BlockList blocks) const override { return match_in(index_, blocks); }

  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t> next_use) override {
    FARE_CHECK(next_use.size() == count_blocks(blocks));
    const std::uint64_t hits = match(blocks);
    std::uint64_t at = 0;
    std::uint32_t parent = kNoNode;
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i, ++at) {
        if (at < hits) {
          parent = index_.find(run.first + i)->second;
          nodes_[parent].next_use = next_use[at];
          if (at + 1 == hits && nodes_[parent].children == 0) push(parent);
        } else {
          parent = let_in(run.first + i, parent, next_use[at]);
          if (parent == kNoNode) return hits;
        }
      }
    }
    return hits;
  }

  std::uint64_t blocks() const override { return index_.size(); }

 private:
  struct Node {
    std::uint64_t block;
    std::uint32_t parent;
    std::uint32_t children;
    std::uint32_t next_use;
  };
  struct Leaf {
    std::uint32_t next_use;
    std::uint32_t node;
    std::uint64_t block;

    static bool before(const Leaf& a, const Leaf& b) { return a.next_use < b.next_use; }
  };

  // The new node, or kNoNode if the block had better stay outside.
  std::uint32_t let_in(std::uint64_t block, std::uint32_t parent, std::uint32_t next_use) {
    if (next_use == Future::kNever) return kNoNode;
    if (index_.size() == blocks_max_ && !evict_for(parent, next_use)) return kNoNode;
    std::uint32_t node = static_cast<std::uint32_t>(nodes_.size());
    if (free_.empty()) {
      nodes_.push_back({});
    } else {
      node = free_.back();
      free_.pop_back();
    }
    nodes_[node] = {block, parent, 0, next_use};
    // Where the names break their rule, the block may have come back elsewhere.
    index_.insert_or_assign(block, node);
    if (parent != kNoNode) ++nodes_[parent].children;
    push(node);
    return node;
  }

  // Evicts the leaf that is needed last, if that is after `next_use`; never `parent`.
  bool evict_for(std::uint32_t parent, std::uint32_t next_use) {
    while (!leaves_.empty() && !is_current(leaves_.front())) pop();
    if (leaves_.empty()) return false;
    const Leaf leaf = leaves_.front();
    if (leaf.next_use <= next_use || leaf.node == parent) return false;
    pop();
    index_.erase(leaf.block);
    const std::uint32_t above = nodes_[leaf.node].parent;
    nodes_[leaf.node].next_use = 0;
    free_.push_back(leaf.node);
    if (above != kNoNode && --nodes_[above].children == 0) push(above);
    return true;
  }

  bool is_current(const Leaf& leaf) const {
    const auto found = index_.find(leaf.block);
    if (found == index_.end() || found->second != leaf.node) return false;
    return nodes_[leaf.node].children == 0 && nodes_[leaf.node].next_use == leaf.next_use;
  }

  void push(std::uint32_t node) {
    if (leaves_.size() >= 2 * index_.size() + kNodesReserved) {
      std::erase_if(leaves_, [this](const Leaf& old) { return !is_current(old); });
      std::make_heap(leaves_.begin(), leaves_.end(), Leaf::before);
    }
    leaves_.push_back({nodes_[node].next_use, node, nodes_[node].block});
    std::push_heap(leaves_.begin(), leaves_.end(), Leaf::before);
  }

  void pop() {
    std::pop_heap(leaves_.begin(), leaves_.end(), Leaf::before);
    leaves_.pop_back();
  }

  std::uint64_t blocks_max_;
  BlockIndex index_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  std::vector<Leaf> leaves_;  // A heap; entries that are no longer so are passed over.
};

}  // namespace

std::unique_ptr<BlockCache> make_optimal_cache(const BlockCache::Options& options) {
  return std::make_unique<OptimalCache>(options);
}

}  // namespace fare
