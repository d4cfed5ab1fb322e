#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <utility>  // std::swap.
#include <vector>   // std::vector.

#include "fare/check.h"  // FARE_CHECK.
#include "fare/time.h"   // Duration.

namespace routesim {

// When the patience of each slot ends, the earliest first; of equal instants the lower slot.  A
// binary heap that knows where each slot is, so what is over is taken out at once.  O(log n);
// memory grows with the greatest slot.
class Deadlines {
 public:
  // Duration::max() if there is none.
  fare::Duration next() const { return heap_.empty() ? fare::Duration::max() : heap_.front().at; }

  // Whose deadline is next.  REQUIRES: there is one.
  std::uint32_t first() const {
    FARE_CHECK(!heap_.empty());
    return heap_.front().slot;
  }

  // REQUIRES: the slot has none.
  void add(std::uint32_t slot, fare::Duration at) {
    if (place_.size() <= slot) place_.resize(std::size_t{slot} + 1, kNowhere);
    FARE_CHECK(place_[slot] == kNowhere);
    heap_.push_back({at, slot});
    place_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
    rise(place_[slot]);
  }

  // REQUIRES: the slot has one.
  void remove(std::uint32_t slot) {
    const std::uint32_t hole = place_[slot];
    FARE_CHECK(hole != kNowhere);
    place_[slot] = kNowhere;
    const Deadline last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    heap_[hole] = last;
    place_[last.slot] = hole;
    rise(hole);
    sink(place_[last.slot]);
  }

 private:
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  struct Deadline {
    fare::Duration at;
    std::uint32_t slot;
  };

  bool before(std::size_t a, std::size_t b) const {
    if (heap_[a].at != heap_[b].at) return heap_[a].at < heap_[b].at;
    return heap_[a].slot < heap_[b].slot;
  }

  void swap(std::size_t a, std::size_t b) {
    std::swap(heap_[a], heap_[b]);
    place_[heap_[a].slot] = static_cast<std::uint32_t>(a);
    place_[heap_[b].slot] = static_cast<std::uint32_t>(b);
  }

  void rise(std::size_t i) {
    for (; i > 0 && before(i, (i - 1) / 2); i = (i - 1) / 2) swap(i, (i - 1) / 2);
  }

  void sink(std::size_t i) {
    for (;;) {
      std::size_t child = 2 * i + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && before(child + 1, child)) ++child;
      if (!before(child, i)) return;
      swap(i, child);
      i = child;
    }
  }

  std::vector<Deadline> heap_;
  std::vector<std::uint32_t> place_;  // By slot: into heap_; or kNowhere.
};

}  // namespace routesim
