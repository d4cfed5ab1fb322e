#include "study/budget_forecast.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace routesim {
namespace {

using fare::Money;

const fare::Instant kStart = fare::parse_instant("2026-11-01T00:00:00Z").value();

BudgetEnd end_of(std::string scope, std::int64_t dollars) {
  BudgetEnd end;
  end.scope = std::move(scope);
  end.budget = "month";
  end.limit = Money(100'000'000'000);
  end.spent = Money(dollars * 1'000'000'000);
  return end;
}

std::vector<std::vector<BudgetEnd>> ends_of(const std::vector<std::int64_t>& dollars) {
  std::vector<std::vector<BudgetEnd>> all;
  for (const std::int64_t one : dollars) all.push_back({end_of("acme", one)});
  return all;
}

TEST(BudgetForecastTest, QuantilesAreTheLeastThatTheShareDoesNotExceed) {
  const auto forecast = forecast_budgets(ends_of({70, 10, 30, 20, 50, 60, 40, 80, 100, 90}));
  ASSERT_EQ(forecast.size(), 1u);
  EXPECT_EQ(forecast[0].p10, Money(10'000'000'000));
  EXPECT_EQ(forecast[0].p50, Money(50'000'000'000));
  EXPECT_EQ(forecast[0].p90, Money(90'000'000'000));
  const auto one = forecast_budgets(ends_of({7}));
  EXPECT_EQ(one[0].p10, one[0].p90);
}

// Against Wilson's formula by hand: 0 of 10 is [0, 0.2775], 5 of 10 is [0.2366, 0.7634].
TEST(BudgetForecastTest, ProbabilityHasWilsonsInterval) {
  auto all = ends_of(std::vector<std::int64_t>(10, 1));
  EXPECT_EQ(forecast_budgets(all)[0].probability.value, 0);
  EXPECT_EQ(forecast_budgets(all)[0].probability.low, 0);
  EXPECT_NEAR(forecast_budgets(all)[0].probability.high, 0.2775, 5e-5);
  for (int i = 0; i < 5; ++i) all[i][0].exhausted_at = kStart + std::chrono::hours(i);
  const BudgetForecast half = forecast_budgets(all)[0];
  EXPECT_EQ(half.exhausted, 5u);
  EXPECT_EQ(half.probability.value, 0.5);
  EXPECT_NEAR(half.probability.low, 0.2366, 5e-5);
  EXPECT_NEAR(half.probability.high, 0.7634, 5e-5);
  EXPECT_EQ(half.exhausted_mean, kStart + std::chrono::hours(2));
  for (auto& end : all) end[0].exhausted_at = kStart;
  EXPECT_EQ(forecast_budgets(all)[0].probability.high, 1);
}

TEST(BudgetForecastTest, AScopeThatWasNotSeenSpentNothing) {
  std::vector<std::vector<BudgetEnd>> all = ends_of({5, 5, 5, 5});
  all[2].push_back(end_of("user:ann", 9));
  const auto forecast = forecast_budgets(all);
  ASSERT_EQ(forecast.size(), 2u);
  EXPECT_EQ(forecast[1].scope, "user:ann");
  EXPECT_EQ(forecast[1].p50, Money(0));
  EXPECT_EQ(forecast[1].p90, Money(9'000'000'000));
  EXPECT_EQ(forecast[1].replications, 4u);
}

TEST(BudgetForecastTest, AWindowThatOutlastsOneReplicationsTrafficIsNotOver) {
  auto all = ends_of({1, 2});
  EXPECT_TRUE(forecast_budgets(all)[0].is_over);
  all[1][0].is_over = false;
  EXPECT_FALSE(forecast_budgets(all)[0].is_over);
}

}  // namespace
}  // namespace routesim
