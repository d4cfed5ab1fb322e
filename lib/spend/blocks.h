#pragma once

#include <array>    // std::array.
#include <atomic>   // std::atomic.
#include <bit>      // std::bit_width.
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.

namespace fare {

// An array that grows by doubling and whose elements never move, so that readers need no lock.
// Elements are value-initialised.  grow() is for one thread at a time; everything else for any.
template <class T, std::uint32_t kFirst>
class Blocks {
  static_assert(std::has_single_bit(kFirst));

 public:
  Blocks() = default;
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    for (std::atomic<T*>& block : blocks_) delete[] block.load(std::memory_order_relaxed);
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
      blocks_[block].store(new T[std::size_t{kFirst} << block](), std::memory_order_release);
    }
  }

 private:
  static constexpr std::uint32_t kFirstBits = std::bit_width(kFirst) - 1;

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
