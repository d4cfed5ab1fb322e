#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <memory>       // std::unique_ptr.
#include <span>         // std::span.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/block_run.h"  // BlockList.
#include "fare/expected.h"   // Expected.

namespace fare {

// What goes when a cache of blocks is full.
enum class Eviction : std::uint8_t {
  kNone,     // Nothing: the cache has no bound.
  kLruFlat,  // The block that was used longest ago; a request uses its blocks front to back, so an
             // ancestor can go before its descendants, which are unreachable from then on.
  kLruLeaf,  // The leaf of the prefix tree that was used longest ago.  Only what was hit is used.
  kLruRev,   // As vLLM: a finished request frees its blocks tail first, so at equal age tails go.
  kFifo,     // The block that came first.
  kLfu,      // The block that was used least often, of equals the one used longest ago.
  kOptimal,  // Belady's oracle on leaves: the leaf that is needed last, or never; and a block that
             // is needed later than all of them is not let in.  An upper bound, not a policy.
};

// "none", "lru-flat", "lru-leaf", "lru-rev", "fifo", "lfu", "optimal".
[[nodiscard]] std::string_view to_string(Eviction eviction);
[[nodiscard]] Expected<Eviction> parse_eviction(std::string_view name);

// A cache of equal blocks with a bound on their number, as a pool of accelerators has.  It knows no
// time but the order of calls.  A hit is a leading run of blocks that are all cached.
//
// Deterministic.  Not thread-safe: the owner locks.  Blocks must be named by chained hashes (see
// block_run.h); otherwise the answers mean nothing, but nothing breaks.
class BlockCache {
 public:
  struct Options {
    Eviction eviction = Eviction::kNone;
    std::uint64_t blocks_max = 0;  // In [1, 1e9]; ignored for kNone.
  };

  // REQUIRES: the options as said.
  [[nodiscard]] static std::unique_ptr<BlockCache> create(const Options& options);

  virtual ~BlockCache() = default;

  // How many leading blocks are cached.  Changes nothing, allocates nothing.  O(hit blocks), but
  // for the LRUs and kFifo O(runs) as PromptCache::look_up().
  [[nodiscard]] virtual std::uint64_t match(BlockList blocks) const = 0;

  // One request: returns match(), then counts its blocks as used, lets the others in and evicts
  // what is too much.  `next_use` is read by kOptimal alone and may be empty otherwise: for each
  // block of the list when it is used next, as Future tells.  O(blocks), kLfu and kOptimal times
  // the logarithm of the cache, of the LRUs and kFifo O(runs + missing blocks); allocates only
  // when the cache holds more blocks, or they lie more scattered, than ever before.
  virtual std::uint64_t use(BlockList blocks, std::span<const std::uint32_t> next_use = {}) = 0;

  // Lets the processor fetch what use() of this list will look at first, as far as that is known
  // beforehand; then, some hundred nanoseconds later, what that leads to.  Changes nothing.
  virtual void fetch(BlockList /*blocks*/) const {}
  virtual void fetch_found(BlockList /*blocks*/) const {}

  [[nodiscard]] virtual std::uint64_t blocks() const = 0;  // That are cached now.
};

// What an oracle knows: for every block of every request, which request uses it next.  4 bytes a
// block.
class Future {
 public:
  static constexpr std::uint32_t kNever = 0xffffffff;

  // REQUIRES: fewer than 2^32 - 1 requests.
  explicit Future(std::span<const BlockList> requests);

  // For each block of the request, the index of the next request that has it, or kNever.
  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t request) const;

 private:
  std::vector<std::uint32_t> next_;
  std::vector<std::size_t> begin_;  // By request, and one more.
};

}  // namespace fare
