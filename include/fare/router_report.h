#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/health.h"         // Breaker.
#include "fare/ledger_report.h"  // ReloadReport.
#include "fare/money.h"          // Cost, Money.
#include "fare/price_book.h"     // ModelFacts.
#include "fare/time.h"           // Instant.

namespace fare {

// What the policy calls a target, and what it stands for.
struct TargetFacts {
  std::string_view name;
  ModelFacts model;
};

// What a router has learnt of a target.
struct TargetState {
  Breaker::State health = Breaker::State::kClosed;
  std::uint32_t open = 0;                // Attempts under way.
  std::optional<Duration> first_token;   // Mean, lately; nothing before the first answer.
  std::optional<Duration> output_token;  // For each one after it.
};

// Counts since creation.  Sums are exact; together they are one moment's only if nobody else is
// routing or settling.
struct RouterStats {
  std::uint64_t routed = 0;  // Requests asked for: refused and answered ones included.
  std::uint64_t refused = 0;
  std::uint64_t cached = 0;  // Answered from the gateway's cache.
  std::uint64_t open = 0;    // Tickets not yet settled; routed == refused + cached + open + settled
  std::uint64_t settled = 0;  // + expired.
  std::uint64_t expired = 0;
  std::uint64_t not_priced = 0;  // Settlements whose cost is not whole (not CostStatus::kPriced).
  std::uint64_t degraded = 0;    // Decisions that took a step down the ladder.
  std::uint64_t topped_up = 0;   // Further attempts that were granted.
  Cost cost;                     // The sum of all settlements' totals.
};

// Whether a further attempt may be made.
enum class TopUpStatus : std::uint8_t {
  kGranted,
  kVisited,         // It was tried already.
  kNoAttemptsLeft,  // As many as the policy allows were made.
  kTooLate,         // It would end after the request's deadline.
  kNoRetriesLeft,   // The retry budget of all requests together is used up.
  kEjected,         // The target failed too often lately.
  kRateLimited,     // See retry_at.
  kOverBudget,      // Some budget has less left than it may cost.
  kNotInPlan,       // The decision did not name it.
  kNoHedge,         // The rule does not hedge, or not just one attempt is under way.
  kTooEarly,        // To hedge; see retry_at.
  kNoTicket,        // Settled or expired, or never given out.
};

inline constexpr std::size_t kTopUpStatusCount = 12;

[[nodiscard]] std::string_view to_string(TopUpStatus status);

struct TopUp {
  TopUpStatus status = TopUpStatus::kNoTicket;
  std::optional<Instant> retry_at;
  Money reserved;  // If granted: what this attempt may cost at most; 0 if no budget pays for it.
};

// What a reload changed.
struct RouterReload {
  std::uint64_t generation = 0;  // Counts from 1, the configuration it was created with.
  std::size_t targets_added = 0;
  std::size_t targets_removed = 0;
  std::size_t targets_changed = 0;  // Same name, another model or other limits.
  bool prices_changed = false;
  bool policy_changed = false;
  ReloadReport budgets;
};

}  // namespace fare
