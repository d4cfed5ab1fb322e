#pragma once

#include <array>     // std::array.
#include <atomic>    // std::atomic.
#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.

#include "base/blocks.h"       // Blocks.
#include "fare/reservation.h"  // LedgerTicket, kBudgetsPerTicketMax.
#include "spend/account.h"     // Second.
#include "spend/spin_lock.h"   // SpinLock.

namespace fare {

// An open reservation: what it holds, where.
struct alignas(64) TicketSlot {
  // The generation, which counts the tickets of this slot, and the phase.
  std::atomic<std::uint64_t> state = 0;
  std::atomic<std::int64_t> deadline = 0;  // Nanoseconds since 1970.
  std::atomic<std::int64_t> counted = -1;  // Nanodollars; negative: nothing was.
  Money worst;
  Money expected;
  std::uint32_t next_free = 0;
  std::uint16_t by_expected = 0;  // Bit i: entry i holds `expected`, else `worst`.
  std::uint8_t entries = 0;
  std::array<std::uint32_t, kBudgetsPerTicketMax> account{};
  std::array<Second, kBudgetsPerTicketMax> window{};

  bool holds_expected(std::size_t entry) const { return (by_expected >> entry & 1u) != 0; }
  Money held(std::size_t entry) const { return holds_expected(entry) ? expected : worst; }
};

// Where tickets live: slots that never move, in shards with a lock each for the free ones.  A
// ticket names shard, slot and the slot's generation.  Whoever works on a ticket claims its slot
// first; who meets a claimed one waits.
//
// Thread-safe.  Allocates only when a shard has more open tickets than ever before.
class TicketSlots {
 public:
  explicit TicketSlots(std::uint32_t open_max);

  struct Claimed {
    TicketSlot* slot = nullptr;  // Null: not open.
    std::uint32_t index = 0;
    std::uint32_t shard = 0;
    CloseStatus status = CloseStatus::kUnknownTicket;  // Why not.
    LedgerTicket ticket{};
  };

  // A slot for a new ticket, claimed; null if its shard is full.  Who has equal `spread` (a scope)
  // shares a shard, so that scopes which never meet seldom share one.
  Claimed take(std::uint32_t spread, std::int64_t deadline);

  // Claims an open ticket's slot.
  Claimed claim(LedgerTicket ticket);

  // The open slot of a ticket, not claimed: for its atomics only.  Null if it is not open.
  TicketSlot* find(LedgerTicket ticket) const;

  void open(const Claimed& claimed);   // The ticket is open, and others may claim it.
  void close(const Claimed& claimed);  // The ticket is closed, its slot free.

  // Calls visit(claimed) for every open ticket due at `now`, which must open() or close() it.
  template <class Visit>
  void each_due(std::int64_t now, const Visit& visit);

  // Calls visit(slot) for every open ticket.  REQUIRES: nobody else works on tickets.
  template <class Visit>
  void each_open(const Visit& visit) const;

  std::uint64_t open_count() const;

 private:
  static constexpr std::uint32_t kShards = 16;

  struct alignas(64) Shard {
    mutable SpinLock lock;
    std::uint32_t first_free = kNone;
    std::uint32_t open = 0;
    std::atomic<std::uint32_t> size = 0;
    // No open ticket is due before.  Written under the lock.
    std::atomic<std::int64_t> earliest = std::numeric_limits<std::int64_t>::max();
    Blocks<TicketSlot, 16> slots;

    std::uint32_t reset_earliest();
    void note_deadline(std::int64_t deadline);
  };

  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  static bool is_open(std::uint64_t state);
  static LedgerTicket ticket_of(std::uint32_t shard, std::uint32_t index, std::uint64_t state);

  std::uint32_t open_max_per_shard_;
  std::array<Shard, kShards> shards_;
};

template <class Visit>
void TicketSlots::each_due(std::int64_t now, const Visit& visit) {
  for (std::uint32_t s = 0; s < kShards; ++s) {
    Shard& shard = shards_[s];
    if (shard.earliest.load(std::memory_order_relaxed) > now) continue;
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    // A ticket taken before this is seen by the scan; one taken after it sets `earliest` anew.
    const std::uint32_t size = shard.reset_earliest();
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint64_t state = shard.slots[i].state.load(std::memory_order_acquire);
      const std::int64_t deadline = shard.slots[i].deadline.load(std::memory_order_relaxed);
      if (deadline > now && is_open(state)) earliest = std::min(earliest, deadline);
      if (deadline > now || !is_open(state)) continue;
      const Claimed claimed = claim(ticket_of(s, i, state));
      if (claimed.slot != nullptr) visit(claimed);
    }
    shard.note_deadline(earliest);
  }
}

template <class Visit>
void TicketSlots::each_open(const Visit& visit) const {
  for (const Shard& shard : shards_) {
    const std::uint32_t size = shard.size.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < size; ++i) {
      if (is_open(shard.slots[i].state.load(std::memory_order_acquire))) visit(shard.slots[i]);
    }
  }
}

}  // namespace fare
