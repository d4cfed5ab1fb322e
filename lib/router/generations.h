#pragma once

#include <array>     // std::array.
#include <atomic>    // std::atomic.
#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.

namespace fare {

struct Snapshot;

// The configurations that are in use: the current one, and older ones that open tickets hold.
//
// A reader pins the current one by a counter of its own shard and checks that it still is the
// current one; so readers write to no common place, and who replaces it waits for nobody.  A slot
// is free again once its counters are zero: whoever came too late to see that never looked inside.
// Thread-safe, but publish() and free_slot() are for one thread at a time.
class Generations {
 public:
  static constexpr std::uint32_t kSlots = 64;
  static constexpr std::uint32_t kShards = 16;

  Generations();
  ~Generations();
  Generations(const Generations&) = delete;
  Generations& operator=(const Generations&) = delete;

  // Pins the current one; its slot.  REQUIRES: publish() came before; shard < kShards.
  std::uint32_t pin(std::uint32_t shard) const;
  // REQUIRES: pinned by pin() of the same shard.
  void unpin(std::uint32_t slot, std::uint32_t shard) const;

  const Snapshot& operator[](std::uint32_t slot) const { return *slots_[slot].snapshot; }
  std::uint32_t current() const { return current_.load(std::memory_order_seq_cst); }

  // Drops what nobody holds any longer, calling drop(snapshot) first; then a slot for a new one, or
  // nothing if all are held.
  template <class Drop>
  std::optional<std::uint32_t> free_slot(const Drop& drop);

  // REQUIRES: a slot of free_slot().
  void publish(std::uint32_t slot, std::unique_ptr<const Snapshot> snapshot);

  // The slot of the configuration of that number, if it is still there.  For publish()'s thread.
  std::optional<std::uint32_t> find(std::uint64_t generation) const;

 private:
  struct alignas(64) Count {
    std::atomic<std::uint64_t> pins = 0;
  };
  struct Slot {
    std::unique_ptr<const Snapshot> snapshot;
    mutable std::array<Count, kShards> count;

    bool is_pinned() const;
  };

  std::array<Slot, kSlots> slots_;
  std::atomic<std::uint32_t> current_ = 0;
};

template <class Drop>
std::optional<std::uint32_t> Generations::free_slot(const Drop& drop) {
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    Slot& slot = slots_[i];
    if (slot.snapshot != nullptr && (i == current() || slot.is_pinned())) continue;
    if (slot.snapshot != nullptr) {
      drop(*slot.snapshot);
      slot.snapshot.reset();
    }
    if (!found) found = i;
  }
  return found;
}

}  // namespace fare
