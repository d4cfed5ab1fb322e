#include "fare/paged_cache.h"

#include "cache/block_index.h"
#include "fare/check.h"

namespace fare {

struct PagedCache::State {
  struct Page {
    std::uint64_t block = 0;
    bool cached = false;               // Whether `block` means something.
    std::uint32_t same = kNoNode;      // The next page that holds the same block.
    std::uint32_t holders = 0;         // Running requests.
    std::uint32_t previous = kNoNode;  // In the queue of free pages, a circle around the page
    std::uint32_t next = kNoNode;      // behind the last one.
  };

  explicit State(std::uint32_t count) : pages(count + std::size_t{1}), sentinel(count) {
    index.reserve(count);
    pages[sentinel].previous = pages[sentinel].next = sentinel;
    for (std::uint32_t page = 0; page < count; ++page) append(page);
  }

  void append(std::uint32_t page) {
    pages[page].previous = pages[sentinel].previous;
    pages[page].next = sentinel;
    pages[pages[sentinel].previous].next = page;
    pages[sentinel].previous = page;
    ++free;
  }

  void unlink(std::uint32_t page) {
    pages[pages[page].previous].next = pages[page].next;
    pages[pages[page].next].previous = pages[page].previous;
    --free;
  }

  void hold(std::uint32_t page) {
    if (pages[page].holders++ == 0) unlink(page);
  }

  // The free page at the front, without what it held.
  std::uint32_t take() {
    const std::uint32_t page = pages[sentinel].next;
    forget(page);
    hold(page);
    return page;
  }

  void forget(std::uint32_t page) {
    if (!pages[page].cached) return;
    pages[page].cached = false;
    const auto entry = index.find(pages[page].block);
    if (entry->second == page) {
      if (pages[page].same == kNoNode) {
        index.erase(entry);
      } else {
        entry.value() = pages[page].same;
      }
    } else {
      std::uint32_t before = entry->second;
      while (pages[before].same != page) before = pages[before].same;
      pages[before].same = pages[page].same;
    }
    pages[page].same = kNoNode;
  }

  void keep(std::uint32_t page, std::uint64_t block) {
    if (pages[page].cached) return;
    pages[page].block = block;
    pages[page].cached = true;
    const auto [entry, is_new] = index.try_emplace(block, page);
    if (is_new) return;
    std::uint32_t last = entry->second;
    while (pages[last].same != kNoNode) last = pages[last].same;
    pages[last].same = page;
  }

  std::vector<Page> pages;  // And the sentinel.
  std::uint32_t sentinel;
  std::uint64_t free = 0;
  BlockIndex index;  // The first page of each block.
};

PagedCache::PagedCache(std::uint32_t pages) {
  FARE_CHECK(pages >= 1);
  state_ = std::make_unique<State>(pages);
}

PagedCache::~PagedCache() = default;
PagedCache::PagedCache(PagedCache&&) noexcept = default;
PagedCache& PagedCache::operator=(PagedCache&&) noexcept = default;

std::uint64_t PagedCache::match(BlockList full_blocks) const {
  return match_in(state_->index, full_blocks);
}

std::optional<std::uint64_t> PagedCache::start(BlockList full_blocks, std::uint64_t pages,
                                               Table& table) {
  State& state = *state_;
  FARE_CHECK(table.empty());
  FARE_CHECK(pages >= count_blocks(full_blocks));
  const std::uint64_t hits = match(full_blocks);
  std::uint64_t waiting = 0;  // Hits that are in the queue, and will not be there to be taken.
  std::uint64_t at = 0;
  for (const BlockRun& run : full_blocks) {
    for (std::uint64_t i = 0; i < run.count && at < hits; ++i, ++at) {
      if (state.pages[state.index.find(run.first + i)->second].holders == 0) ++waiting;
    }
  }
  if (pages - hits > state.free - waiting) return std::nullopt;
  table.reserve(pages);
  for (const BlockRun& run : full_blocks) {
    for (std::uint64_t i = 0; i < run.count && table.size() < hits; ++i) {
      table.push_back(state.index.find(run.first + i)->second);
      state.hold(table.back());
    }
  }
  while (table.size() < pages) table.push_back(state.take());
  at = 0;
  for (const BlockRun& run : full_blocks) {
    for (std::uint64_t i = 0; i < run.count; ++i, ++at) {
      if (at >= hits) state.keep(table[at], run.first + i);
    }
  }
  return hits;
}

bool PagedCache::grow(Table& table) {
  if (state_->free == 0) return false;
  table.push_back(state_->take());
  return true;
}

void PagedCache::fill(const Table& table, std::size_t index, std::uint64_t block) {
  FARE_CHECK(index < table.size());
  state_->keep(table[index], block);
}

void PagedCache::finish(Table& table) {
  while (!table.empty()) {
    State::Page& page = state_->pages[table.back()];
    FARE_CHECK(page.holders > 0);
    if (--page.holders == 0) state_->append(table.back());
    table.pop_back();
  }
}

std::uint64_t PagedCache::free_pages() const { return state_->free; }

std::vector<std::uint32_t> PagedCache::free_queue() const {
  std::vector<std::uint32_t> queue;
  const State& state = *state_;
  for (std::uint32_t page = state.pages[state.sentinel].next; page != state.sentinel;
       page = state.pages[page].next) {
    queue.push_back(page);
  }
  return queue;
}

}  // namespace fare
