#pragma once

#include <array>        // std::array.
#include <atomic>       // std::atomic.
#include <cstdint>      // std::uint64_t.
#include <limits>       // std::numeric_limits.
#include <string_view>  // std::string_view.

#include "base/blocks.h"         // Blocks.
#include "fare/outcome.h"        // SettleStatus.
#include "fare/router_report.h"  // RouterStats.
#include "router/open_ticket.h"  // OpenTicket.
#include "spend/spin_lock.h"     // SpinLock.

namespace fare {

// Which tickets are open and what each of them holds.  Split into shards, each with its own lock
// for its free slots and counts, so that threads seldom meet; slots never move.  A ticket names its
// shard, slot and the slot's generation, so an old ticket is told from the new owner of its slot.
// Whoever works on a ticket claims it first; who meets a claimed one waits.
//
// Thread-safe.  Allocates only when a shard has more open tickets, or more of them with further
// attempts, than ever before.
class TicketTable {
 public:
  static constexpr std::uint32_t kShards = 16;

  explicit TicketTable(std::uint32_t open_max) { set_open_max(open_max); }

  // Of a smaller number, tickets above it stay open, and no more are opened.
  void set_open_max(std::uint32_t open_max);

  struct Claimed {
    OpenTicket* data = nullptr;  // Null: not open.
    std::atomic<std::uint64_t>* state = nullptr;
    std::atomic<std::int64_t>* deadline = nullptr;  // Nanoseconds since 1970.
    Ticket ticket{};
    SettleStatus status = SettleStatus::kUnknownTicket;  // Why it is not open.
  };

  static std::uint32_t shard_of(std::uint64_t request);
  static std::uint32_t shard_of(Ticket ticket);

  // How a request ended that opened no ticket.
  enum class Ending : std::uint8_t { kRefused, kCached };
  void count(std::uint32_t shard, Ending ending, bool degraded);

  // A slot for a new ticket, claimed, with what its last owner left in it; null if the shard is
  // full, which counts as a refusal.  open() lets others claim it.
  Claimed take(std::uint32_t shard, Instant deadline, bool degraded);
  void open(const Claimed& claimed);

  Claimed claim(Ticket ticket);

  // Adds an attempt to a claimed ticket.  REQUIRES: it has one, and fewer than kAttemptsMax.
  void add_try(const Claimed& claimed, const Tried& tried);

  // Closes a claimed ticket: settled, or expired.
  struct Closing {
    Cost cost;
    bool priced = true;
    bool expired = false;
  };
  void close(const Claimed& claimed, const Closing& closing);

  void count_top_up(Ticket ticket);

  // Calls visit(claimed) for every open ticket due at `now`, which must open() or close() it.
  template <class Visit>
  void each_due(Instant now, const Visit& visit);

  RouterStats stats() const;
  std::uint64_t routed() const;  // stats().routed, without locks.

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> state = 0;  // The generation, and the phase.
    std::atomic<std::int64_t> deadline = 0;
    std::uint32_t next_free = 0;
    OpenTicket data;
  };

  struct alignas(64) Shard {
    mutable SpinLock lock;
    std::uint32_t first_free = kNone;
    std::atomic<std::uint32_t> size = 0;
    std::atomic<std::uint64_t> routed = 0;
    // No open ticket is due before.  Written under the lock.
    std::atomic<std::int64_t> earliest = std::numeric_limits<std::int64_t>::max();
    Blocks<Slot, 16> slots;
    Blocks<FurtherTried, 4> further;
    std::uint32_t further_size = 0;
    FurtherTried* spare = nullptr;  // The first that is free.
    RouterStats stats;
  };

  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  static bool is_open(std::uint64_t state);
  static Ticket ticket_of(std::uint32_t shard, std::uint32_t index, std::uint64_t state);
  static std::int64_t count_of(Instant at) { return at.time_since_epoch().count(); }
  static FurtherTried& lend(Shard& shard);
  std::uint32_t reset_earliest(Shard& shard);
  void note_deadline(Shard& shard, std::int64_t deadline);

  std::atomic<std::uint32_t> open_max_per_shard_ = 0;
  std::array<Shard, kShards> shards_;
};

template <class Visit>
void TicketTable::each_due(Instant now, const Visit& visit) {
  for (std::uint32_t s = 0; s < kShards; ++s) {
    Shard& shard = shards_[s];
    if (shard.earliest.load(std::memory_order_relaxed) > count_of(now)) continue;
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    // A ticket taken before this is seen by the scan; one taken after it sets `earliest` anew.
    const std::uint32_t size = reset_earliest(shard);
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint64_t state = shard.slots[i].state.load(std::memory_order_acquire);
      if (!is_open(state)) continue;
      const std::int64_t due = shard.slots[i].deadline.load(std::memory_order_relaxed);
      if (due > count_of(now)) {
        earliest = due < earliest ? due : earliest;
        continue;
      }
      const Claimed claimed = claim(ticket_of(s, i, state));
      if (claimed.data != nullptr) visit(claimed);
    }
    note_deadline(shard, earliest);
  }
}

}  // namespace fare
