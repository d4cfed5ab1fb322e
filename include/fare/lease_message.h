#pragma once

#include <compare>  // operator<=>.
#include <cstdint>  // std::uint64_t.

#include "fare/money.h"  // Money.
#include "fare/time.h"   // Duration.

namespace fare {

// What the two sides of fare/lease.h send each other.

// From a replica: its totals since its incarnation began.
struct LeaseRequest {
  std::uint32_t replica = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t generation = 0;  // The server's, as last heard; 0: none yet.
  std::uint64_t sequence = 0;    // Ascending within an incarnation.
  Money granted;
  Money returned;
  Money settled;
  Money reserved;
  Money wanted;  // What it would like to hold, by its demand.
  Money needed;  // The largest request it had to refuse for want of money; 0 if none.

  friend auto operator<=>(const LeaseRequest&, const LeaseRequest&) = default;
};

struct LeaseReply {
  std::uint32_t replica = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t generation = 0;
  std::uint64_t sequence = 0;  // Of the request it answers.
  Money granted;               // In total; 0 if the replica must first report to this generation.
  Money hold_max;              // Whoever holds more gives it back.
  Duration valid_for{};        // From the sending of the request, by the replica's own clock;
                               // 0: as `granted`.

  friend auto operator<=>(const LeaseReply&, const LeaseReply&) = default;
};

}  // namespace fare
