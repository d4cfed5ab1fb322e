#include "router/ticket_table.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/fetch.h"

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

std::uint32_t index_of(Ticket ticket) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticket) >> kShardBits &
                                    ((1u << kSlotBits) - 1));
}

}  // namespace

void TicketTable::set_open_max(std::uint32_t open_max) {
  open_max_per_shard_.store(std::min((open_max - 1) / kShards + 1, 1u << kSlotBits),
                            std::memory_order_relaxed);
}

bool TicketTable::is_open(std::uint64_t state) { return (state & kPhaseMask) != kFree; }

Ticket TicketTable::ticket_of(std::uint32_t shard, std::uint32_t index, std::uint64_t state) {
  return static_cast<Ticket>(generation_of(state) << (kShardBits + kSlotBits) |
                             std::uint64_t{index} << kShardBits | shard);
}

std::uint32_t TicketTable::shard_of(std::uint64_t request) {
  const std::uint64_t mixed = request * 0x9e3779b97f4a7c15u;  // Fibonacci hashing.
  return static_cast<std::uint32_t>(mixed >> (64 - kShardBits));
}

std::uint32_t TicketTable::shard_of(Ticket ticket) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticket) & (kShards - 1));
}

std::uint32_t TicketTable::reset_earliest(Shard& shard) {
  const std::scoped_lock guard(shard.lock);
  shard.earliest.store(std::numeric_limits<std::int64_t>::max(), std::memory_order_relaxed);
  return shard.size.load(std::memory_order_relaxed);
}

void TicketTable::note_deadline(Shard& shard, std::int64_t deadline) {
  const std::scoped_lock guard(shard.lock);
  if (deadline < shard.earliest.load(std::memory_order_relaxed)) {
    shard.earliest.store(deadline, std::memory_order_relaxed);
  }
}

void TicketTable::count(std::uint32_t shard, Ending ending, bool degraded) {
  Shard& one = shards_[shard];
  const std::scoped_lock guard(one.lock);
  one.routed.store(one.routed.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  ++(ending == Ending::kCached ? one.stats.cached : one.stats.refused);
  one.stats.degraded += degraded ? 1 : 0;
}

TicketTable::Claimed TicketTable::take(std::uint32_t s, Instant deadline, bool degraded) {
  Claimed claimed;
  Shard& shard = shards_[s];
  const std::scoped_lock guard(shard.lock);
  shard.routed.store(shard.routed.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (shard.stats.open >= open_max_per_shard_.load(std::memory_order_relaxed)) {
    ++shard.stats.refused;
    return claimed;
  }
  ++shard.stats.open;
  shard.stats.degraded += degraded ? 1 : 0;
  std::uint32_t index = shard.first_free;
  if (index == kNone) {
    index = shard.size.load(std::memory_order_relaxed);
    shard.slots.grow(index + 1);
    shard.size.store(index + 1, std::memory_order_release);
  } else {
    shard.first_free = shard.slots[index].next_free;
  }
  Slot& slot = shard.slots[index];
  // 32 bits of the generation are in the ticket; none is zero, so no ticket is.
  std::uint64_t generation = generation_of(slot.state.load(std::memory_order_relaxed)) + 1;
  if (generation >> 32 != 0) generation = 1;
  const std::uint64_t state = state_of(generation, kClaimed);
  slot.deadline.store(count_of(deadline), std::memory_order_relaxed);
  slot.state.store(state, std::memory_order_release);
  if (count_of(deadline) < shard.earliest.load(std::memory_order_relaxed)) {
    shard.earliest.store(count_of(deadline), std::memory_order_relaxed);
  }
  return {.data = &slot.data,
          .state = &slot.state,
          .deadline = &slot.deadline,
          .ticket = ticket_of(s, index, state),
          .status = SettleStatus::kSettled};
}

void TicketTable::open(const Claimed& claimed) {
  const std::uint64_t state = claimed.state->load(std::memory_order_relaxed);
  claimed.state->store(state_of(generation_of(state), kOpen), std::memory_order_release);
}

TicketTable::Claimed TicketTable::claim(Ticket ticket) {
  Claimed claimed;
  const std::uint64_t generation = static_cast<std::uint64_t>(ticket) >> (kShardBits + kSlotBits);
  Slot* slot = shards_[shard_of(ticket)].slots.find(index_of(ticket));
  if (slot == nullptr || generation == 0) return claimed;
  fetch(*slot);
  std::uint64_t state = slot->state.load(std::memory_order_acquire);
  for (int spins = 0;; ++spins) {
    if (generation > generation_of(state)) return claimed;
    if (generation < generation_of(state) || (state & kPhaseMask) == kFree) {
      claimed.status = SettleStatus::kAlreadySettled;
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
  return {.data = &slot->data,
          .state = &slot->state,
          .deadline = &slot->deadline,
          .ticket = ticket,
          .status = SettleStatus::kSettled};
}

FurtherTried& TicketTable::lend(Shard& shard) {
  const std::scoped_lock guard(shard.lock);
  if (shard.spare != nullptr) return *std::exchange(shard.spare, shard.spare->next_free);
  shard.further.grow(shard.further_size + 1);
  return shard.further[shard.further_size++];
}

void TicketTable::add_try(const Claimed& claimed, const Tried& tried) {
  OpenTicket& ticket = *claimed.data;
  if (ticket.further == nullptr) ticket.further = &lend(shards_[shard_of(claimed.ticket)]);
  ticket.at(ticket.tried_size++) = tried;
}

void TicketTable::close(const Claimed& claimed, const Closing& closing) {
  FurtherTried* const further = std::exchange(claimed.data->further, nullptr);
  const std::uint64_t state = claimed.state->load(std::memory_order_relaxed);
  claimed.state->store(state_of(generation_of(state), kFree), std::memory_order_release);
  Shard& shard = shards_[shard_of(claimed.ticket)];
  const std::uint32_t index = index_of(claimed.ticket);
  const std::scoped_lock guard(shard.lock);
  shard.slots[index].next_free = shard.first_free;
  shard.first_free = index;
  if (further != nullptr) further->next_free = std::exchange(shard.spare, further);
  --shard.stats.open;
  if (closing.expired) {
    ++shard.stats.expired;
    return;
  }
  ++shard.stats.settled;
  shard.stats.not_priced += closing.priced ? 0 : 1;
  shard.stats.cost += closing.cost;
}

void TicketTable::count_top_up(Ticket ticket) {
  Shard& shard = shards_[shard_of(ticket)];
  const std::scoped_lock guard(shard.lock);
  ++shard.stats.topped_up;
}

std::uint64_t TicketTable::routed() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.routed.load(std::memory_order_relaxed);
  return sum;
}

RouterStats TicketTable::stats() const {
  RouterStats total;
  for (const Shard& shard : shards_) {
    const std::scoped_lock guard(shard.lock);
    total.routed += shard.routed.load(std::memory_order_relaxed);
    total.refused += shard.stats.refused;
    total.cached += shard.stats.cached;
    total.open += shard.stats.open;
    total.settled += shard.stats.settled;
    total.expired += shard.stats.expired;
    total.not_priced += shard.stats.not_priced;
    total.degraded += shard.stats.degraded;
    total.topped_up += shard.stats.topped_up;
    total.cost += shard.stats.cost;
  }
  return total;
}

}  // namespace fare
