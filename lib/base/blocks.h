#pragma once

#include <array>    // std::array.
#include <atomic>   // std::atomic.
#include <bit>      // std::bit_width.
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <memory>   // std::destroy_n.

#include "base/huge_pages.h"  // new_table, delete_table.

namespace fare {

// An array that grows by doubling and whose elements never move, so that readers need no lock.
// Elements are value-initialised; many of them lie in huge pages (base/huge_pages.h).  grow() is
// for one thread at a time; everything else for any.  REQUIRES: making an element does not throw.
template <class T, std::uint32_t kFirst>
class Blocks {
  static_assert(std::has_single_bit(kFirst));

 public:
  Blocks() = default;
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    for (std::uint32_t block = 0; block < blocks_.size(); ++block) {
      T* const table = blocks_[block].load(std::memory_order_relaxed);
      if (table == nullptr) continue;
      std::destroy_n(table, size_of(block));
      delete_table(table, size_of(block) * sizeof(T), alignof(T));
    }
  }

  // The element; REQUIRES: grow(i + 1) came before.
  T& operator[](std::uint32_t i) const {
    const Place place(i);
    return blocks_[place.block].load(std::memory_order_acquire)[place.at];
  }

  // The element; null if there is none yet.
  T* find(std::uint32_t i) const {
    const Place place(i);
    T* block = blocks_[place.block].load(std::memory_order_acquire);
    return block == nullptr ? nullptr : block + place.at;
  }

  // Makes room for `size` elements.
  void grow(std::uint32_t size) {
    if (size == 0) return;
    for (std::uint32_t block = 0; block <= Place(size - 1).block; ++block) {
      if (blocks_[block].load(std::memory_order_relaxed) != nullptr) continue;
      T* const table = static_cast<T*>(new_table(size_of(block) * sizeof(T), alignof(T)));
      std::uninitialized_value_construct_n(table, size_of(block));
      blocks_[block].store(table, std::memory_order_release);
    }
  }

 private:
  static constexpr std::uint32_t kFirstBits = std::bit_width(kFirst) - 1;

  static constexpr std::size_t size_of(std::uint32_t block) { return std::size_t{kFirst} << block; }

  // Block b holds kFirst << b elements, from kFirst * (2^b - 1) on.
  struct Place {
    explicit Place(std::uint32_t i) {
      const std::uint64_t shifted = std::uint64_t{i} + kFirst;
      block = static_cast<std::uint32_t>(std::bit_width(shifted)) - 1 - kFirstBits;
      at = shifted - (std::uint64_t{kFirst} << block);
    }
    std::uint32_t block;
    std::uint64_t at;
  };

  std::array<std::atomic<T*>, 33 - kFirstBits> blocks_{};
};

}  // namespace fare
