#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/rate_limit.h"     // RateLimits.
#include "fare/reservation.h"    // Reservation, ScopeId.
#include "router/open_ticket.h"  // Tried, Bounds.
#include "router/snapshot.h"     // Snapshot.

namespace fare {

// What one attempt would send, and who pays for it.
struct AttemptAsk {
  TargetId target{};
  std::uint32_t request_class = 0;
  Tokens input;
  Tokens cache_read;  // Of it, as expected.
  Tokens expected_output;
  std::optional<Tokens> output_max;
  bool is_probe = false;
  std::span<const ScopeId> scopes;  // Who pays, at most kScopesMax + 1; the target's side scopes
                                    // come on top.
};

// The output an attempt can have at most: of the request's cap, the model's and what its context
// leaves, the tightest; nothing if there is none.
std::optional<Tokens> output_bound(const RoutedTarget& target, Tokens input,
                                   std::optional<Tokens> output_max);

// What `input` and `output` tokens cost at most on a target at `at`, rounded up: each at the
// dearest rate that text may be billed at there.  Nothing if that has no price, or is above
// kReserveMax.
std::optional<Money> worst_cost(const Snapshot& snapshot, const RoutedTarget& target, Tokens input,
                                Tokens output, Instant at);

// An attempt that was granted, or why not.
struct Grant {
  Verdict verdict = Verdict::kChosen;               // Else the reason, and nothing is held.
  ReserveStatus status = ReserveStatus::kReserved;  // Of kOverBudget: why.
  std::optional<Instant> retry_at;
  Tried tried;
  Reservation reservation;
};

// Takes everything an attempt needs, or nothing: its probe, its limits, its money.  Allocates
// nothing.
Grant grant(const Snapshot& snapshot, RateLimits& limits, const AttemptAsk& ask, Instant now);

// Gives back what an attempt took that is not sent.
void take_back(const Snapshot& snapshot, RateLimits& limits, const Tried& tried, Instant now);

// Lets go of one of which nobody knows what became: its limits keep the estimate.  Its money is the
// caller's.
void lose_attempt(const Snapshot& snapshot, RateLimits& limits, const Tried& tried, Instant now);

// Tells target and limits how an attempt ended that was granted.  Its money is the caller's.
void end_attempt(const Snapshot& snapshot, RateLimits& limits, Tried& tried, const Attempt& attempt,
                 std::uint32_t request_class, Instant now);

}  // namespace fare
