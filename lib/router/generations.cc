#include "router/generations.h"

#include "router/snapshot.h"

namespace fare {

Generations::Generations() = default;
Generations::~Generations() = default;

// The counter is raised before `current_` is read again, and publish() writes `current_` before
// anyone reads the counters: one of the two sees the other.
std::uint32_t Generations::pin(std::uint32_t shard) const {
  for (;;) {
    const std::uint32_t slot = current();
    slots_[slot].count[shard].pins.fetch_add(1, std::memory_order_seq_cst);
    if (current() == slot) return slot;
    unpin(slot, shard);
  }
}

void Generations::unpin(std::uint32_t slot, std::uint32_t shard) const {
  slots_[slot].count[shard].pins.fetch_sub(1, std::memory_order_release);
}

void Generations::publish(std::uint32_t slot, std::unique_ptr<const Snapshot> snapshot) {
  slots_[slot].snapshot = std::move(snapshot);
  current_.store(slot, std::memory_order_seq_cst);
}

std::optional<std::uint32_t> Generations::find(std::uint64_t generation) const {
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const auto& snapshot = slots_[i].snapshot;
    if (snapshot != nullptr && snapshot->generation == generation) return i;
  }
  return std::nullopt;
}

bool Generations::Slot::is_pinned() const {
  for (const Count& one : count) {
    if (one.pins.load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

}  // namespace fare
