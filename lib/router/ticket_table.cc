#include "router/ticket_table.h"

namespace fare {
namespace {

// Shard in the low bits, then the slot, then the generation: 4 + 28 + 32.
constexpr unsigned kShardBits = 4;
constexpr unsigned kSlotBits = 28;
constexpr std::size_t kInitialSlots = 1'024;

Ticket make_ticket(std::uint64_t shard, std::uint64_t slot, std::uint64_t generation) {
  return static_cast<Ticket>(generation << (kShardBits + kSlotBits) | slot << kShardBits | shard);
}

}  // namespace

TicketTable::TicketTable(std::uint32_t open_max)
    : open_max_per_shard_((open_max - 1) / kShards + 1) {
  for (Shard& shard : shards_) {
    shard.generation.reserve(kInitialSlots);
    shard.free.reserve(kInitialSlots);
  }
}

TicketTable::Shard& TicketTable::shard_of(std::uint64_t request) {
  return shards_[(request * 0x9e3779b97f4a7c15u) >> (64 - kShardBits)];  // Fibonacci hashing.
}

std::optional<Ticket> TicketTable::open(std::uint64_t request) {
  Shard& shard = shard_of(request);
  const std::scoped_lock lock(shard.mutex);
  ++shard.stats.routed;
  if (shard.stats.open >= open_max_per_shard_) {
    ++shard.stats.refused;
    return std::nullopt;
  }
  if (shard.free.empty()) {
    shard.free.push_back(static_cast<std::uint32_t>(shard.generation.size()));
    shard.generation.push_back(0);
    shard.free.reserve(shard.generation.capacity());  // So that closing never allocates.
  }
  const std::uint32_t slot = shard.free.back();
  shard.free.pop_back();
  ++shard.stats.open;
  const auto index = static_cast<std::uint64_t>(&shard - shards_.data());
  return make_ticket(index, slot, ++shard.generation[slot]);
}

void TicketTable::refuse(std::uint64_t request) {
  Shard& shard = shard_of(request);
  const std::scoped_lock lock(shard.mutex);
  ++shard.stats.routed;
  ++shard.stats.refused;
}

SettleStatus TicketTable::close(Ticket ticket, Cost cost, bool priced) {
  const auto bits = static_cast<std::uint64_t>(ticket);
  Shard& shard = shards_[bits & (kShards - 1)];
  const auto slot = static_cast<std::uint32_t>(bits >> kShardBits & ((1u << kSlotBits) - 1));
  const auto generation = static_cast<std::uint32_t>(bits >> (kShardBits + kSlotBits));
  const std::scoped_lock lock(shard.mutex);
  const bool known =
      slot < shard.generation.size() && generation % 2 == 1 && generation <= shard.generation[slot];
  if (!known) return SettleStatus::kUnknownTicket;
  if (generation != shard.generation[slot]) return SettleStatus::kAlreadySettled;
  ++shard.generation[slot];
  shard.free.push_back(slot);
  --shard.stats.open;
  ++shard.stats.settled;
  shard.stats.not_priced += priced ? 0 : 1;
  shard.stats.cost += cost;
  return SettleStatus::kSettled;
}

RouterStats TicketTable::stats() const {
  RouterStats total;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    total.routed += shard.stats.routed;
    total.refused += shard.stats.refused;
    total.open += shard.stats.open;
    total.settled += shard.stats.settled;
    total.not_priced += shard.stats.not_priced;
    total.cost += shard.stats.cost;
  }
  return total;
}

}  // namespace fare
