#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <vector>   // std::vector.

#include "fare/check.h"  // FARE_CHECK.
#include "fare/time.h"   // Duration.

namespace routesim {

// Something that will happen: when, what (a kind of the model's own), and to whom (a slot).
struct Event {
  fare::Duration at;
  std::uint32_t kind;
  std::uint32_t slot;
};

// The future: events ordered by (time, order of scheduling), so equal times happen in the order in
// which they were scheduled, always.
//
// An implicit 4-ary heap of 16-byte keys: time in the upper 64 bits; sequence number, kind and slot
// in the lower ones, compared as one 128-bit number (bench/event_queue_bench has the figures).
// Not thread-safe.  push() is amortised O(log n); top() is O(1).  Allocates only when more events
// are pending than ever before.
class EventQueue {
 public:
  static constexpr std::uint32_t kKinds = 1u << 4;   // kind in [0, kKinds).
  static constexpr std::uint32_t kSlots = 1u << 27;  // slot in [0, kSlots).

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }

  // Schedules an event.  REQUIRES: event.at >= 0; at most 2^33 events in all.
  void push(const Event& event) {
    heap_.push_back(Key{});
    rise(heap_.size() - 1, key_of(event));
  }

  // The event that happens next.  REQUIRES: !empty().
  Event top() const {
    const Key key = heap_.front();
    const auto low = static_cast<std::uint64_t>(key);
    return {fare::Duration(static_cast<std::int64_t>(key >> 64)),
            static_cast<std::uint32_t>(low >> kSlotBits) & (kKinds - 1),
            static_cast<std::uint32_t>(low) & (kSlots - 1)};
  }

  // Takes the next event away.  REQUIRES: !empty().
  void pop() {
    const Key last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(0, last);
  }

  // pop() and push(event) in one, at half the work.  REQUIRES: !empty().
  void replace_top(const Event& event) { sink(0, key_of(event)); }

 private:
  __extension__ typedef unsigned __int128 Key;
  static constexpr unsigned kSlotBits = 27;
  static constexpr unsigned kKindBits = 4;
  static constexpr std::uint64_t kSequenceMax = (std::uint64_t{1} << 33) - 1;

  Key key_of(const Event& event) {
    FARE_CHECK(event.at.count() >= 0);
    FARE_CHECK(event.kind < kKinds);
    FARE_CHECK(event.slot < kSlots);
    FARE_CHECK(sequence_ < kSequenceMax);
    const std::uint64_t low = sequence_++ << (kSlotBits + kKindBits) |
                              std::uint64_t{event.kind} << kSlotBits | event.slot;
    return static_cast<Key>(static_cast<std::uint64_t>(event.at.count())) << 64 | low;
  }

  void rise(std::size_t i, Key key) {
    while (i > 0) {
      const std::size_t parent = (i - 1) / 4;
      if (heap_[parent] <= key) break;
      heap_[i] = heap_[parent];
      i = parent;
    }
    heap_[i] = key;
  }

  void sink(std::size_t i, Key key) {
    const std::size_t size = heap_.size();
    for (;;) {
      const std::size_t child = 4 * i + 1;
      if (child >= size) break;
      const std::size_t least = least_child(child, size);
      if (key <= heap_[least]) break;
      heap_[i] = heap_[least];
      i = least;
    }
    heap_[i] = key;
  }

  // With four children the comparisons become conditional moves: the branches of a loop over them
  // would be mispredicted every other time.
  std::size_t least_child(std::size_t child, std::size_t size) const {
    if (child + 4 <= size) {
      const std::size_t a = child + (heap_[child + 1] < heap_[child]);
      const std::size_t b = child + 2 + (heap_[child + 3] < heap_[child + 2]);
      return heap_[b] < heap_[a] ? b : a;
    }
    std::size_t least = child;
    for (std::size_t i = child + 1; i < size; ++i) {
      if (heap_[i] < heap_[least]) least = i;
    }
    return least;
  }

  std::vector<Key> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace routesim
