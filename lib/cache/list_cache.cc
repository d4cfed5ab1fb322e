// The caches that need no more than one list in the order of eviction: flat LRU, FIFO, and the two
// LRUs that keep a tree whole.  The list is one of stretches: blocks that follow each other in
// prompts and have always been used together are one node of it and one entry of the index.

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "cache/block_index.h"
#include "cache/stretch.h"
#include "cache/stretch_index.h"

namespace fare {
namespace {

constexpr std::uint32_t kEnd = 0;  // The sentinel of the list.

// A place in the order of eviction.
struct alignas(32) Node {  // Two in a cache line.
  Stretch blocks;
  std::uint32_t gone = 0;  // So many of its first blocks were evicted.
  std::uint32_t previous = kEnd;
  std::uint32_t next = kEnd;
  std::uint32_t twin = kNoNode;
};
static_assert(sizeof(Node) == 32);

// Nodes in a circle around the sentinel: behind it the next to be evicted, before it the last.  A
// node is found by its first block, even after that was evicted.
class EvictionList {
 public:
  EvictionList(std::uint64_t blocks_max, std::size_t reserved) : blocks_max_(blocks_max) {
    nodes_.reserve(reserved + 1);
    nodes_.emplace_back();
  }

  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t room() const { return blocks_max_ - blocks_; }

  std::uint32_t find(std::uint64_t block) const {
    return index_.find(mark_of(block), nodes_, lines_,
                       [block](const Node& node) { return node.blocks.first == block; });
  }

  bool has(std::uint64_t block) const { return find(block) != kNoNode; }

  // Lets the processor fetch where a block is found; once that has come, its node; and what is
  // evicted next.
  void fetch(std::uint64_t block) const { index_.fetch(mark_of(block)); }
  void fetch_node(std::uint64_t block) const { index_.fetch_node(mark_of(block), nodes_, lines_); }
  void fetch_first() const {
    const Node& node = nodes_[first()];
    index_.fetch(mark_of(node.blocks.first));
    lines_.fetch(node.blocks.line);
    fetch_line(&nodes_[node.next]);
  }

  Node& at(std::uint32_t node) { return nodes_[node]; }
  const Node& at(std::uint32_t node) const { return nodes_[node]; }
  const NameLines& lines() const { return lines_; }
  std::uint32_t first() const { return nodes_[kEnd].next; }

  // Adds a node that is evicted just before `after`, or last of all if that is kEnd.
  std::uint32_t insert(const Stretch& blocks, std::uint32_t after = kEnd) {
    std::uint32_t node = free_;
    if (node != kNoNode) {
      free_ = nodes_[node].next;
    } else {
      node = static_cast<std::uint32_t>(nodes_.size());
      nodes_.emplace_back();
    }
    nodes_[node].blocks = blocks;
    nodes_[node].gone = 0;
    blocks_ += blocks.count;
    link(node, after);
    enter(node);
    return node;
  }

  void move(std::uint32_t node, std::uint32_t after = kEnd) {
    unlink(node);
    link(node, after);
  }

  // Adds leading blocks of the run to the end of a node; returns how many.
  std::uint64_t append(std::uint32_t node, const BlockRun& run) {
    const std::uint32_t line = nodes_[node].blocks.line;
    const std::uint64_t added = lines_.append(nodes_[node].blocks, run);
    blocks_ += added;
    if (nodes_[node].blocks.line != line) {
      index_.note_line(mark_of(nodes_[node].blocks.first), node, nodes_);
    }
    return added;
  }
  std::uint64_t append(Stretch& blocks, const BlockRun& run) { return lines_.append(blocks, run); }

  // Adds a last node with leading blocks of the run; returns it, and how many it has.
  std::pair<std::uint32_t, std::uint64_t> insert_run(const BlockRun& run) {
    Stretch blocks;
    const std::uint64_t added = lines_.append(blocks, run);
    return {insert(blocks), added};
  }

  // Moves the first `count` blocks of a node to the end; the others stay where it was.
  void move_head(std::uint32_t node, std::uint64_t count) {
    cut(node, count);
    move(node);
  }

  // Splits a node so that it has `count` blocks; the others come to stand before it.
  void cut(std::uint32_t node, std::uint64_t count) {
    if (count >= nodes_[node].blocks.count) return;
    const Stretch rest = lines_.cut(nodes_[node].blocks, static_cast<std::uint32_t>(count));
    blocks_ -= rest.count;
    insert(rest, node);
  }

  // Lets a node begin with the first block that it still has.
  void forget_gone(std::uint32_t node) {
    if (nodes_[node].gone == 0) return;
    index_.erase(mark_of(nodes_[node].blocks.first), node, nodes_);
    lines_.drop_front(nodes_[node].blocks, nodes_[node].gone);
    nodes_[node].gone = 0;
    enter(node);
  }

  // Evicts blocks from the head of the first node, at most `most`; returns how many.
  std::uint64_t evict_front(std::uint64_t most) {
    Node& node = nodes_[first()];
    const std::uint64_t count = std::min<std::uint64_t>(node.blocks.count - node.gone, most);
    node.gone += static_cast<std::uint32_t>(count);
    blocks_ -= count;
    if (node.gone == node.blocks.count) remove(first());
    return count;
  }

  // Evicts blocks from the tail of the first nodes on until `room` more fit in.
  void evict_tails(std::uint64_t room) {
    while (blocks_ + room > blocks_max_) {
      Node& node = nodes_[first()];
      const std::uint64_t count =
          std::min<std::uint64_t>(node.blocks.count, blocks_ + room - blocks_max_);
      blocks_ -= count;
      node.blocks.count -= static_cast<std::uint32_t>(count);
      if (node.blocks.count == 0) remove(first());
    }
  }

 private:
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

  void remove(std::uint32_t node) {
    unlink(node);
    index_.erase(mark_of(nodes_[node].blocks.first), node, nodes_);
    lines_.release(nodes_[node].blocks);
    nodes_[node].next = free_;
    free_ = node;
  }

  void enter(std::uint32_t node) { index_.enter(mark_of(nodes_[node].blocks.first), node, nodes_); }

  static std::uint32_t mark_of(std::uint64_t block) {
    return static_cast<std::uint32_t>(BlockHash()(block) >> 32);
  }

  std::uint64_t blocks_max_;
  std::uint64_t blocks_ = 0;  // Of all nodes, but for those that are gone.
  std::vector<Node> nodes_;
  NameLines lines_;
  std::uint32_t free_ = kNoNode;
  StretchIndex<Node> index_;
};

class ListCache : public BlockCache {
 public:
  explicit ListCache(const Options& options)
      : blocks_max_(options.blocks_max),
        list_(options.blocks_max, std::min(options.blocks_max, kNodesReserved)) {}

  std::uint64_t match(BlockList blocks) const override {
    std::uint64_t hits = 0;
    NameCursor cursor(blocks);
    while (!cursor.done()) {
      const std::uint32_t node = list_.find(cursor.name());
      if (node == kNoNode || list_.at(node).gone > 0) break;
      hits += list_.lines().pass(list_.at(node).blocks, cursor);
    }
    return hits;
  }

  // Stretches begin, as a rule, where prompts do and where their own words do.
  void fetch(BlockList blocks) const override {
    if (blocks.empty()) return;
    list_.fetch(blocks.front().first);
    const BlockRun& last = blocks.back();
    for (std::uint64_t i = 0; i < std::min(last.count, kFetched); ++i) list_.fetch(last.first + i);
    list_.fetch_first();
  }

  void fetch_found(BlockList blocks) const override {
    if (!blocks.empty()) list_.fetch_node(blocks.front().first);
  }

  std::uint64_t blocks() const override { return list_.blocks(); }

 protected:
  static constexpr std::uint64_t kFetched = 4;

  std::uint64_t blocks_max_;
  EvictionList list_;
};

// Front to back; a block that comes evicts at once, even one of its own request.
class FlatCache : public ListCache {
 public:
  explicit FlatCache(const Options& options)
      : ListCache(options), uses_(options.eviction != Eviction::kFifo) {}

  // Until the first miss nothing is evicted, so the hits are counted on the way.
  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    std::uint64_t hits = 0;
    bool missed = false;
    std::uint32_t grown = kNoNode;  // The node that the block before was added to.
    NameCursor cursor(blocks);
    while (!cursor.done()) {
      std::uint32_t node = list_.find(cursor.name());
      if (node != kNoNode && list_.at(node).gone > 0) {
        list_.forget_gone(node);
        node = list_.find(cursor.name());
      }
      if (node == kNoNode) {
        missed = true;
        const BlockRun run{cursor.name(), count_missing(cursor)};
        grown = let_in(run, grown);
        cursor.advance(run.count);
        continue;
      }
      const std::uint64_t passed = touch(node, cursor);
      hits += missed ? 0 : passed;
      grown = kNoNode;
    }
    return hits;
  }

 private:
  // Passes the blocks of the node; returns how many.
  std::uint64_t touch(std::uint32_t node, NameCursor& cursor) {
    const std::uint64_t passed = list_.lines().pass(list_.at(node).blocks, cursor);
    if (!uses_) return passed;
    list_.move_head(node, passed);
    return passed;
  }

  // How many of the next run's blocks are missing, of which the first is known to be.  The look-ups
  // stand alone, so that the processor has many of them under way.
  std::uint64_t count_missing(const NameCursor& cursor) const {
    std::uint64_t missing = 1;
    while (missing < cursor.left() && !list_.has(cursor.name() + missing)) ++missing;
    return missing;
  }

  // Adds blocks to the node `grown`, which is the last of the list, or else to new ones; returns
  // the last of them.
  std::uint32_t let_in(BlockRun run, std::uint32_t grown) {
    while (run.count > 0) {
      std::uint64_t count = std::min(run.count, list_.room());
      if (count == 0) {
        const bool is_own = list_.first() == grown;
        count = list_.evict_front(run.count);
        if (is_own && list_.room() == blocks_max_) grown = kNoNode;
      }
      const BlockRun now{run.first, count};
      std::uint64_t added = grown == kNoNode ? 0 : list_.append(grown, now);
      if (added == 0) std::tie(grown, added) = list_.insert_run(now);
      run = {run.first + added, run.count - added};
    }
    return grown;
  }

  bool uses_;
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
    NameCursor cursor(blocks);
    const std::uint64_t hits = find_hits(cursor);
    for (std::size_t i = found_.size(); i-- > 0;) list_.move(found_[i]);
    // What does not fit is passed over: the front would only push it out again.
    const std::uint64_t kept = std::min(count_blocks(blocks), blocks_max_);
    if (kept > hits) let_in(cursor, kept - hits);
    return hits;
  }

 private:
  // Leaves their nodes in `found_`.
  std::uint64_t find_hits(NameCursor& cursor) {
    std::uint64_t hits = 0;
    found_.clear();
    while (!cursor.done()) {
      const std::uint32_t node = list_.find(cursor.name());
      if (node == kNoNode) return hits;
      const std::uint64_t passed = list_.lines().pass(list_.at(node).blocks, cursor);
      list_.cut(node, passed);
      hits += passed;
      found_.push_back(node);
    }
    return hits;
  }

  // Puts the next `left` blocks before the hits, where they are evicted before them.
  void let_in(NameCursor& cursor, std::uint64_t left) {
    list_.evict_tails(left);
    std::uint32_t after = found_.empty() ? kEnd : found_.back();
    while (left > 0) {
      Stretch blocks;
      while (left > 0) {
        const BlockRun next{cursor.name(), std::min(left, cursor.left())};
        const std::uint64_t added = list_.append(blocks, next);
        if (added == 0) break;
        cursor.advance(added);
        left -= added;
      }
      after = list_.insert(blocks, after);
    }
  }

  std::vector<std::uint32_t> found_;
};

}  // namespace

std::unique_ptr<BlockCache> make_list_cache(const BlockCache::Options& options) {
  const bool flat = options.eviction == Eviction::kLruFlat || options.eviction == Eviction::kFifo;
  if (flat) return std::make_unique<FlatCache>(options);
  return std::make_unique<TailFirstCache>(options);
}

}  // namespace fare
