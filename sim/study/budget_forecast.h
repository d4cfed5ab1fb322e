#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/budget.h"     // BudgetMode.
#include "fare/money.h"      // Money.
#include "fare/time.h"       // Instant.
#include "fare/window.h"     // WindowSpan.
#include "study/resample.h"  // Interval.

namespace routesim {

// What one budget came to in one replication, in the first of its windows that was seen.
struct BudgetEnd {
  std::string scope;
  std::string budget;
  fare::BudgetMode mode = fare::BudgetMode::kStrict;
  fare::WindowSpan window{};
  fare::Money limit;
  fare::Money spent_before;  // Already when the run began.
  fare::Money spent;         // At the end of the window: settled, and what open requests reserved,
                             // which is the most that they can cost.
  // The first instant in the window at which it refused a request, or would have if it did more
  // than observe.
  std::optional<fare::Instant> exhausted_at;
  bool is_over = true;  // False: the traffic ended before the window, and `spent` is of then.
};

// How one budget's window is likely to end.
struct BudgetForecast {
  std::string scope;
  std::string budget;
  fare::BudgetMode mode = fare::BudgetMode::kStrict;
  fare::WindowSpan window{};
  fare::Money limit;
  fare::Money spent_before;
  // Of what is spent at the window's end: the least amount that at least a tenth, half, nine tenths
  // of the replications do not exceed.
  fare::Money p10, p50, p90;
  std::uint32_t replications = 0;
  std::uint32_t exhausted = 0;  // So many replications.
  // Of exhaustion, with Wilson's 95 % interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927): unlike
  // the normal one it holds where all or none of the replications are exhausted.
  Interval probability;
  std::optional<fare::Instant> exhausted_mean;  // Over those that were exhausted.
  bool is_over = true;                          // In every replication.
};

// Sums up replications; a budget that some of them never saw (a template's scope) counts there as
// one on which nothing was spent.  In the order of first appearance.
[[nodiscard]] std::vector<BudgetForecast> forecast_budgets(
    const std::vector<std::vector<BudgetEnd>>& replications);

}  // namespace routesim
