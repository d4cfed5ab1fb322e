#pragma once

#include <atomic>    // std::atomic.
#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <set>       // std::set.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

#include "fare/router.h"            // Router, BudgetReport.
#include "study/budget_forecast.h"  // BudgetEnd, BudgetForecast.
#include "study/run.h"              // RunObserver.

namespace routesim {

// Looks at the books of one replication at the end of each budget's first window, and at the end
// of the run.  Rolling and session windows have no end of their own: theirs is the run's.
class BudgetWatch : public RunObserver {
 public:
  // `until`: when the traffic ends.  `variant` must outlive it.
  BudgetWatch(const Variant& variant, fare::Instant until) : variant_(variant), until_(until) {}

  std::optional<fare::Instant> look(const fare::Router& router, fare::Instant now) override;
  void look_last(const fare::Router& router, fare::Instant now) override;

  // What every budget came to; after the run.
  std::vector<BudgetEnd> take() { return std::move(ends_); }

 private:
  std::optional<fare::Instant> note(const fare::Router& router, fare::Instant now, bool is_last);

  const Variant& variant_;
  fare::Instant until_;
  std::vector<BudgetEnd> ends_;
  std::set<std::pair<std::string, std::string>> noted_;  // Their scopes and budgets.
};

// When the last of the variant's first windows ends that have an end of their own: a forecast
// simulates until then.  Nothing if there is none.
[[nodiscard]] std::optional<fare::Instant> last_window_end(const Scenario& scenario,
                                                           const Variant& variant);

// All replications of some variants, as run_all_replications() runs them, and how the budgets of
// each variant end: watching changes no figure of a run.
struct WatchedRuns {
  std::vector<std::vector<RunResult>> runs;          // runs[variant][replication].
  std::vector<std::vector<BudgetForecast>> budgets;  // By variant; none without "spending".
};
[[nodiscard]] WatchedRuns run_watched(const Scenario& scenario,
                                      const std::vector<const Variant*>& variants, unsigned threads,
                                      std::atomic<std::uint64_t>& progress);

// The same of one variant, for its budgets alone.  `threads` changes only how long it takes.
[[nodiscard]] std::vector<BudgetForecast> forecast_budgets(const Scenario& scenario,
                                                           const Variant& variant, unsigned threads,
                                                           std::atomic<std::uint64_t>& progress);

}  // namespace routesim
