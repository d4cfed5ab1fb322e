#include "study/budget_watch.h"

#include <algorithm>

#include "study/report.h"

namespace routesim {
namespace {

using fare::BudgetReport;
using fare::WindowKind;

bool ends_by_itself(const BudgetReport& line) {
  return line.window.end != fare::kNever && line.kind != WindowKind::kRolling &&
         line.kind != WindowKind::kSession;
}

fare::Money spent_before(const Variant& variant, const BudgetReport& line) {
  fare::Money sum;
  for (const fare::SpentBefore& one : variant.spending->before) {
    if (one.scope == line.scope && one.budget == line.budget) sum += one.spent;
  }
  return sum;
}

BudgetEnd end_of(const Variant& variant, const BudgetReport& line, bool is_over) {
  BudgetEnd end;
  end.scope = line.scope;
  end.budget = line.budget;
  end.mode = line.mode;
  end.window = line.window;
  end.limit = line.limit;
  end.spent_before = spent_before(variant, line);
  end.spent = line.settled + line.reserved + line.leased;
  end.exhausted_at = line.refused_at;
  end.is_over = is_over;
  return end;
}

}  // namespace

std::optional<fare::Instant> BudgetWatch::look(const fare::Router& router, fare::Instant now) {
  return note(router, now, false);
}

void BudgetWatch::look_last(const fare::Router& router, fare::Instant now) {
  note(router, now, true);
}

// Notes the budgets whose window ends with the nanosecond that begins `now`, or all that are left;
// the last nanosecond of the window that ends next.
std::optional<fare::Instant> BudgetWatch::note(const fare::Router& router, fare::Instant now,
                                               bool is_last) {
  std::optional<fare::Instant> next;
  for (const BudgetReport& line : router.budgets(now)) {
    if (line.is_past) continue;
    std::pair<std::string, std::string> name(line.scope, line.budget);
    if (noted_.contains(name)) continue;
    const fare::Instant last = line.window.end - fare::Duration(1);
    const bool is_over = ends_by_itself(line) && (last <= now || line.window.end <= until_);
    if (is_last || (is_over && last <= now)) {
      ends_.push_back(end_of(variant_, line, is_over));
      noted_.insert(std::move(name));
    } else if (ends_by_itself(line)) {
      next = std::min(next.value_or(last), last);
    }
  }
  return next;
}

std::optional<fare::Instant> last_window_end(const Scenario& scenario, const Variant& variant) {
  const auto router = fare::Router::create(config_of(scenario, variant), scenario.start);
  std::optional<fare::Instant> last;
  if (!router) return last;
  for (const BudgetReport& line : (*router)->budgets(scenario.start)) {
    if (ends_by_itself(line)) last = std::max(last.value_or(line.window.end), line.window.end);
  }
  return last;
}

WatchedRuns run_watched(const Scenario& scenario, const std::vector<const Variant*>& variants,
                        unsigned threads, std::atomic<std::uint64_t>& progress) {
  const fare::Instant until = scenario.start + span_of(scenario.traffic);
  std::vector<std::vector<BudgetWatch>> watches;
  for (const Variant* variant : variants) {
    watches.emplace_back(scenario.replications, BudgetWatch(*variant, until));
  }
  const auto observer = [&](std::size_t variant, std::uint32_t replication) -> RunObserver* {
    return variants[variant]->spending ? &watches[variant][replication] : nullptr;
  };
  WatchedRuns watched{.runs = run_all_replications(scenario, variants, threads, progress, observer),
                      .budgets = {}};
  for (std::vector<BudgetWatch>& of_variant : watches) {
    std::vector<std::vector<BudgetEnd>> ends;
    for (BudgetWatch& watch : of_variant) ends.push_back(watch.take());
    watched.budgets.push_back(forecast_budgets(ends));
  }
  return watched;
}

std::vector<BudgetForecast> forecast_budgets(const Scenario& scenario, const Variant& variant,
                                             unsigned threads,
                                             std::atomic<std::uint64_t>& progress) {
  return run_watched(scenario, {&variant}, threads, progress).budgets.front();
}

}  // namespace routesim
