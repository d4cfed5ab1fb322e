#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint64_t.
#include <mutex>     // std::mutex.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/decision.h"  // Ticket.
#include "fare/outcome.h"   // SettleStatus.
#include "fare/router.h"    // RouterStats.

namespace fare {

// Which tickets are open, and what they came to.  Split into shards, each with its own lock, so
// that threads seldom meet; a ticket names its shard, slot and the slot's generation, so an old
// ticket is told from the new owner of its slot.
//
// Thread-safe.  Allocates only when a shard has more open tickets than ever before.
class TicketTable {
 public:
  explicit TicketTable(std::uint32_t open_max);

  // Opens a ticket; nothing if the shard of `request` is full.  Counts the request as routed.
  std::optional<Ticket> open(std::uint64_t request);

  // Counts a request that was refused.
  void refuse(std::uint64_t request);

  // Closes a ticket, once.
  SettleStatus close(Ticket ticket, Cost cost, bool priced);

  RouterStats stats() const;

 private:
  static constexpr std::uint32_t kShards = 16;

  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<std::uint32_t> generation;  // By slot: odd while open.
    std::vector<std::uint32_t> free;
    RouterStats stats;
  };

  Shard& shard_of(std::uint64_t request);

  std::uint32_t open_max_per_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace fare
