#pragma once

#include <algorithm>  // std::max.
#include <cstddef>    // std::size_t.
#include <cstdint>    // std::uint64_t.
#include <vector>     // std::vector.

#include "cache/block_index.h"    // BlockHash, kNoNode.
#include "cache/stretch.h"        // NameCursor, NameLines, Stretch.
#include "cache/stretch_index.h"  // StretchIndex.
#include "fare/block_run.h"       // BlockList.
#include "fare/time.h"            // Instant.

namespace fare {

// A block of one scope.
struct ScopedBlock {
  std::uint64_t scope;
  std::uint64_t block;

  friend bool operator==(const ScopedBlock&, const ScopedBlock&) = default;
};

struct ScopedBlockHash {
  std::size_t operator()(const ScopedBlock& key) const {
    return BlockHash()(key.block + 0x9e3779b97f4a7c15u * key.scope);
  }
};

// Saturates, so that what lives for ever needs no case of its own.
inline Instant later(Instant now, Duration life) {
  return life > Instant::max() - now ? Instant::max() : now + life;
}

// How long something is there, and from when on it can be read.
struct CacheLife {
  Instant expires = Instant::min();   // The last instant.
  Instant readable = Instant::max();  // The first one.
  Duration span{};                    // What a read lets it live from then on.

  bool alive(Instant now) const { return now <= expires; }
  bool can_read(Instant now) const { return alive(now) && readable <= now; }

  void extend(Instant now) { expires = std::max(expires, later(now, span)); }

  // Written again by a request that began at `started`.
  void join(const CacheLife& other, Instant started) {
    if (!alive(started)) {
      *this = other;
      return;
    }
    expires = std::max(expires, other.expires);
    readable = std::min(readable, other.readable);
    span = std::max(span, other.span);
  }
};

// The prefixes of all prompts of all scopes, as stretches of blocks that have always been treated
// alike.  A stretch is found by its first block, for that names its whole prefix; where prompts
// part, a stretch is cut.  What touches a block touches all before it, so nothing outlives its
// prefix.
class PrefixTree {
 public:
  // How many leading blocks are alive, or can be read.  O(stretches) look-ups.
  std::uint64_t alive_prefix(std::uint64_t scope, BlockList blocks, Instant now) const;
  std::uint64_t readable_prefix(std::uint64_t scope, BlockList blocks, Instant now) const;

  // How many leading blocks the longest unit has that can be read.
  std::uint64_t readable_unit(std::uint64_t scope, BlockList blocks, Instant now) const;

  // Lets all blocks of a list live as `life`, adding what is missing.
  void write(std::uint64_t scope, BlockList blocks, const CacheLife& life, Instant started);

  // Marks the end of the first `count` blocks, which must be there.
  void write_unit(std::uint64_t scope, BlockList blocks, std::uint64_t count, const CacheLife& life,
                  Instant started);

  // Lets the first `count` blocks, and a unit that ends there, live on from `now`.
  void extend(std::uint64_t scope, BlockList blocks, std::uint64_t count, Instant now);

  // Lets the processor fetch what a list that begins with this block needs first; then, once that
  // has come, what it leads to.
  void fetch(std::uint64_t scope, std::uint64_t block) const {
    index_.fetch(mark_of(scope, block));
  }
  void fetch_segment(std::uint64_t scope, std::uint64_t block) const {
    index_.fetch_node(mark_of(scope, block), segments_, lines_);
  }

  std::size_t size() const { return segments_.size() - free_.size(); }  // Stretches.
  void sweep(Instant now);                                              // Forgets what is dead.
  void clear();

 private:
  struct alignas(64) Segment {  // One cache line.
    std::uint64_t scope = 0;
    Stretch blocks;  // None: the slot is free.
    CacheLife life;  // Of its blocks.
    std::uint32_t twin = kNoNode;
  };

  std::uint32_t find(std::uint64_t scope, std::uint64_t block) const {
    return index_.find(mark_of(scope, block), segments_, lines_, [=](const Segment& segment) {
      return segment.blocks.first == block && segment.scope == scope;
    });
  }
  static std::uint32_t mark_of(std::uint64_t scope, std::uint64_t block) {
    return static_cast<std::uint32_t>(ScopedBlockHash()({scope, block}) >> 32);
  }
  template <class Test>
  std::uint64_t count_prefix(std::uint64_t scope, BlockList blocks, const Test& test) const;
  void add_rest(std::uint64_t scope, NameCursor& cursor, const CacheLife& life);
  std::uint32_t add(const Segment& segment);
  void cut(std::uint32_t segment, std::uint64_t count);
  CacheLife& unit_of(std::uint32_t segment);

  std::vector<Segment> segments_;
  std::vector<CacheLife> units_;  // By segment: of the unit that ends with its last block, if any.
  NameLines lines_;
  std::vector<std::uint32_t> free_;
  StretchIndex<Segment> index_;
};

}  // namespace fare
