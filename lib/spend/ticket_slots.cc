#include "spend/ticket_slots.h"

#include <algorithm>
#include <mutex>

namespace fare {
namespace {

// Shard in the low bits, then the slot, then the generation: 4 + 28 + 32.
constexpr unsigned kShardBits = 4;
constexpr unsigned kSlotBits = 28;

// The low two bits of a slot's state; the generation is above them.
enum Phase : std::uint64_t { kFree = 0, kOpen = 1, kClaimed = 2 };
constexpr std::uint64_t kPhaseMask = 3;
constexpr unsigned kPhaseBits = 2;

constexpr std::uint64_t generation_of(std::uint64_t state) { return state >> kPhaseBits; }
constexpr std::uint64_t state_of(std::uint64_t generation, Phase phase) {
  return generation << kPhaseBits | phase;
}

}  // namespace

TicketSlots::TicketSlots(std::uint32_t open_max)
    : open_max_per_shard_(std::min((open_max - 1) / kShards + 1, 1u << kSlotBits)) {}

bool TicketSlots::is_open(std::uint64_t state) { return (state & kPhaseMask) != kFree; }

LedgerTicket TicketSlots::ticket_of(std::uint32_t shard, std::uint32_t index, std::uint64_t state) {
  return static_cast<LedgerTicket>(generation_of(state) << (kShardBits + kSlotBits) |
                                   std::uint64_t{index} << kShardBits | shard);
}

std::uint32_t TicketSlots::Shard::reset_earliest() {
  const std::scoped_lock guard(lock);
  earliest.store(std::numeric_limits<std::int64_t>::max(), std::memory_order_relaxed);
  return size.load(std::memory_order_relaxed);
}

void TicketSlots::Shard::note_deadline(std::int64_t deadline) {
  const std::scoped_lock guard(lock);
  if (deadline < earliest.load(std::memory_order_relaxed)) {
    earliest.store(deadline, std::memory_order_relaxed);
  }
}

TicketSlots::Claimed TicketSlots::take(std::uint32_t spread, std::int64_t deadline) {
  Claimed claimed;
  claimed.shard = spread * 0x9e3779b9u >> (32 - kShardBits);  // Fibonacci hashing.
  Shard& shard = shards_[claimed.shard];
  const std::scoped_lock lock(shard.lock);
  if (shard.open >= open_max_per_shard_) return claimed;
  ++shard.open;
  if (shard.first_free == kNone) {
    claimed.index = shard.size.load(std::memory_order_relaxed);
    shard.slots.grow(claimed.index + 1);
    shard.size.store(claimed.index + 1, std::memory_order_release);
  } else {
    claimed.index = shard.first_free;
    shard.first_free = shard.slots[claimed.index].next_free;
  }
  claimed.slot = &shard.slots[claimed.index];
  // 32 bits of the generation are in the ticket; none is zero, so no ticket is.
  std::uint64_t generation = generation_of(claimed.slot->state.load(std::memory_order_relaxed)) + 1;
  if (generation >> 32 != 0) generation = 1;
  const std::uint64_t state = state_of(generation, kClaimed);
  claimed.slot->deadline.store(deadline, std::memory_order_relaxed);
  claimed.slot->counted.store(-1, std::memory_order_relaxed);
  claimed.slot->state.store(state, std::memory_order_release);
  claimed.ticket = ticket_of(claimed.shard, claimed.index, state);
  if (deadline < shard.earliest.load(std::memory_order_relaxed)) {
    shard.earliest.store(deadline, std::memory_order_relaxed);
  }
  return claimed;
}

TicketSlots::Claimed TicketSlots::claim(LedgerTicket ticket) {
  const auto bits = static_cast<std::uint64_t>(ticket);
  Claimed claimed;
  claimed.ticket = ticket;
  claimed.shard = static_cast<std::uint32_t>(bits & (kShards - 1));
  claimed.index = static_cast<std::uint32_t>(bits >> kShardBits & ((1u << kSlotBits) - 1));
  const std::uint64_t generation = bits >> (kShardBits + kSlotBits);
  TicketSlot* slot = shards_[claimed.shard].slots.find(claimed.index);
  if (slot == nullptr || generation == 0) return claimed;
  std::uint64_t state = slot->state.load(std::memory_order_acquire);
  for (int spins = 0;; ++spins) {
    if (generation > generation_of(state)) return claimed;
    if (generation < generation_of(state) || (state & kPhaseMask) == kFree) {
      claimed.status = CloseStatus::kAlreadyClosed;
      return claimed;
    }
    if ((state & kPhaseMask) == kOpen) {
      const std::uint64_t wanted = state_of(generation, kClaimed);
      if (slot->state.compare_exchange_weak(state, wanted, std::memory_order_acquire)) break;
      continue;
    }
    if (spins > 100) sched_yield();
    state = slot->state.load(std::memory_order_acquire);
  }
  claimed.slot = slot;
  return claimed;
}

TicketSlot* TicketSlots::find(LedgerTicket ticket) const {
  const auto bits = static_cast<std::uint64_t>(ticket);
  const auto index = static_cast<std::uint32_t>(bits >> kShardBits & ((1u << kSlotBits) - 1));
  TicketSlot* slot = shards_[bits & (kShards - 1)].slots.find(index);
  if (slot == nullptr) return nullptr;
  const std::uint64_t state = slot->state.load(std::memory_order_acquire);
  const bool same = generation_of(state) == bits >> (kShardBits + kSlotBits);
  return same && is_open(state) ? slot : nullptr;
}

void TicketSlots::open(const Claimed& claimed) {
  const std::uint64_t generation =
      generation_of(claimed.slot->state.load(std::memory_order_relaxed));
  claimed.slot->state.store(state_of(generation, kOpen), std::memory_order_release);
}

void TicketSlots::close(const Claimed& claimed) {
  const std::uint64_t generation =
      generation_of(claimed.slot->state.load(std::memory_order_relaxed));
  claimed.slot->state.store(state_of(generation, kFree), std::memory_order_release);
  Shard& shard = shards_[claimed.shard];
  const std::scoped_lock lock(shard.lock);
  claimed.slot->next_free = shard.first_free;
  shard.first_free = claimed.index;
  --shard.open;
}

std::uint64_t TicketSlots::open_count() const {
  std::uint64_t open = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.lock);
    open += shard.open;
  }
  return open;
}

}  // namespace fare
