#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/block_run.h"  // BlockList.

namespace fare {

// The memory of a self-hosted model: pages that running requests hold, and that keep their contents
// for later ones until they are needed.  As vLLM v1 does it (docs/design/prefix_caching.md): pages
// of running requests are never evicted; a finished request frees its pages tail first to the end
// of one queue, from whose front pages are taken; only full blocks are cached, each as soon as it
// is full; and two pages may hold the same block.
//
// BlockCache with kLruRev is what this comes to when requests come one after the other.
// Deterministic.  Not thread-safe.  Allocates in its constructor, and where a table grows.
class PagedCache {
 public:
  // The pages of one request, in the order of its tokens.  Owned by the caller.
  using Table = std::vector<std::uint32_t>;

  explicit PagedCache(std::uint32_t pages);  // At least 1.
  ~PagedCache();
  PagedCache(PagedCache&&) noexcept;
  PagedCache& operator=(PagedCache&&) noexcept;

  // How many leading blocks are in the cache.  Changes nothing, allocates nothing.
  [[nodiscard]] std::uint64_t match(BlockList full_blocks) const;

  // A request starts: takes the pages of leading blocks that are cached, and new ones up to `pages`
  // in all; its full blocks are cached at once.  Returns how many it found, or nothing if the pages
  // do not suffice, and then changes nothing.
  // vLLM computes the last token of a prompt anew, so a prompt that ends with a full block is told
  // without that block and fills it afterwards.
  // REQUIRES: an empty table; pages >= count_blocks(full_blocks).
  std::optional<std::uint64_t> start(BlockList full_blocks, std::uint64_t pages, Table& table);

  // Takes one more page; false if there is none.
  bool grow(Table& table);

  // The page at `index` of the table is full now, of the block of that name.
  void fill(const Table& table, std::size_t index, std::uint64_t block);

  // The request has finished or is preempted: frees its pages, and empties the table.
  void finish(Table& table);

  [[nodiscard]] std::uint64_t free_pages() const;  // That no running request holds.
  [[nodiscard]] std::vector<std::uint32_t> free_queue()
      const;  // Those, the next to be taken first.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare
