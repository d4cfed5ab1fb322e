#include "study/budget_forecast.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "fare/check.h"

namespace routesim {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // The normal distribution's 97.5 % quantile.

Interval wilson(std::uint32_t hits, std::uint32_t trials) {
  const double n = trials;
  const double share = hits / n;
  const double z2 = kNormal975 * kNormal975;
  const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half =
      kNormal975 * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {share, hits == 0 ? 0 : middle - half, hits == trials ? 1 : middle + half};
}

// The least of the sorted values that at least `percent` of them do not exceed.
fare::Money quantile(const std::vector<fare::Money>& sorted, std::size_t percent) {
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

// The mean of instants: of their distances from the first, so that the sum stays small.
fare::Instant mean_of(const std::vector<fare::Instant>& instants) {
  fare::Int128 sum = 0;
  for (const fare::Instant one : instants) sum += (one - instants.front()).count();
  return instants.front() + fare::Duration(static_cast<std::int64_t>(
                                sum / static_cast<fare::Int128>(instants.size())));
}

BudgetForecast sum_up(const std::vector<const BudgetEnd*>& ends, std::uint32_t replications) {
  const BudgetEnd& first = *ends.front();
  BudgetForecast forecast;
  forecast.scope = first.scope;
  forecast.budget = first.budget;
  forecast.mode = first.mode;
  forecast.window = first.window;
  forecast.limit = first.limit;
  forecast.spent_before = first.spent_before;
  forecast.replications = replications;
  std::vector<fare::Money> spent(replications - ends.size());  // Never seen: nothing.
  std::vector<fare::Instant> exhausted;
  for (const BudgetEnd* end : ends) {
    spent.push_back(end->spent);
    if (end->exhausted_at) exhausted.push_back(*end->exhausted_at);
    forecast.is_over = forecast.is_over && end->is_over;
  }
  std::sort(spent.begin(), spent.end());
  forecast.p10 = quantile(spent, 10);
  forecast.p50 = quantile(spent, 50);
  forecast.p90 = quantile(spent, 90);
  forecast.exhausted = static_cast<std::uint32_t>(exhausted.size());
  forecast.probability = wilson(forecast.exhausted, replications);
  if (!exhausted.empty()) forecast.exhausted_mean = mean_of(exhausted);
  return forecast;
}

}  // namespace

std::vector<BudgetForecast> forecast_budgets(
    const std::vector<std::vector<BudgetEnd>>& replications) {
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  std::vector<std::vector<const BudgetEnd*>> by_budget;
  for (const std::vector<BudgetEnd>& replication : replications) {
    for (const BudgetEnd& end : replication) {
      const auto [place, is_new] = places.try_emplace({end.scope, end.budget}, by_budget.size());
      if (is_new) by_budget.emplace_back();
      by_budget[place->second].push_back(&end);
    }
  }
  std::vector<BudgetForecast> forecasts;
  for (const std::vector<const BudgetEnd*>& ends : by_budget) {
    FARE_CHECK(ends.size() <= replications.size());
    forecasts.push_back(sum_up(ends, static_cast<std::uint32_t>(replications.size())));
  }
  return forecasts;
}

}  // namespace routesim
