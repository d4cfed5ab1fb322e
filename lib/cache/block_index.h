#pragma once

#include <tsl/robin_map.h>
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <memory>   // std::unique_ptr.

#include "fare/block_cache.h"  // BlockCache, BlockList.

namespace fare {

// Names of blocks may be consecutive numbers, so their bits are mixed (the finaliser of SplitMix64:
// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct BlockHash {
  std::size_t operator()(std::uint64_t block) const {
    block = (block ^ block >> 30) * 0xbf58476d1ce4e5b9u;
    block = (block ^ block >> 27) * 0x94d049bb133111ebu;
    return block ^ block >> 31;
  }
};

// Where the node of a block stands.  Never iterated.
using BlockIndex = tsl::robin_map<std::uint64_t, std::uint32_t, BlockHash>;

inline constexpr std::uint32_t kNoNode = 0xffffffff;

// So many nodes are made room for at once, unless the cache may never hold them.
inline constexpr std::uint64_t kNodesReserved = std::uint64_t{1} << 16;

// How many leading blocks stand in an index.
inline std::uint64_t match_in(const BlockIndex& index, BlockList blocks) {
  std::uint64_t hits = 0;
  for (const BlockRun& run : blocks) {
    for (std::uint64_t i = 0; i < run.count; ++i, ++hits) {
      if (index.find(run.first + i) == index.end()) return hits;
    }
  }
  return hits;
}

// The kinds of caches, for BlockCache::create().
std::unique_ptr<BlockCache> make_list_cache(const BlockCache::Options& options);
std::unique_ptr<BlockCache> make_lfu_cache(const BlockCache::Options& options);
std::unique_ptr<BlockCache> make_optimal_cache(const BlockCache::Options& options);

}  // namespace fare
