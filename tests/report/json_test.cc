#include "report/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace routesim {
namespace {

using Json = nlohmann::json;

// One policy, one model, built by hand: the renderer must not need a simulation.
Report plain() {
  Report report;
  report.scenario = "s";
  report.replications = 1;
  report.models = {"acme/small"};
  PolicyReport policy;
  policy.name = "p";
  policy.total.by_model.resize(1);
  policy.total.by_model[0].attempts = 10;
  report.policies.push_back(std::move(policy));
  return report;
}

Json json_of(const Report& report) { return Json::parse(to_json(report)); }

TEST(JsonTest, EveryFaultIsCountedByModelAndKind) {
  Report report = plain();
  ModelTally& tally = report.policies[0].total.by_model[0];
  Json due;
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    tally.faults[i] = 100 + i;
    tally.failures += 100 + i;
    due[std::string(to_string(static_cast<Fault>(i)))] = 100 + i;
  }
  EXPECT_EQ(json_of(report)["policies"][0]["by_model"][0]["faults"], due);
  tally.faults.fill(0);
  tally.faults[static_cast<std::size_t>(Fault::kCutOff)] = 3;
  EXPECT_EQ(json_of(report)["policies"][0]["by_model"][0]["faults"], Json({{"cut_off", 3}}));
}

TEST(JsonTest, BudgetsAreExact) {
  Report report = plain();
  BudgetForecast one;
  one.scope = "team:a";
  one.budget = "month";
  one.mode = fare::BudgetMode::kStrict;
  one.window = {*fare::parse_instant("2026-11-01T00:00:00Z"), fare::kNever};
  one.is_over = false;
  one.limit = fare::Money(123'456'789'012'345'678);
  one.spent_before = fare::Money(1);
  one.p10 = fare::Money(2);
  one.p50 = fare::Money(30'000'000'000);
  one.p90 = fare::Money(30'000'000'001);
  one.replications = 8;
  one.exhausted = 2;
  one.probability = {.value = 0.25, .low = 0.125, .high = 0.5};
  one.exhausted_mean = *fare::parse_instant("2026-11-05T06:00:00Z");
  report.policies[0].budgets.push_back(one);
  EXPECT_EQ(json_of(report)["policies"][0]["budgets"], Json::parse(R"([{
    "scope": "team:a", "budget": "month", "mode": "strict",
    "window": {"from": "2026-11-01T00:00:00Z", "until": null, "is_over": false},
    "limit_usd": "123456789.012345678", "spent_usd": "0.000000001", "p10_usd": "0.000000002",
    "p50_usd": "30", "p90_usd": "30.000000001", "replications": 8, "exhausted": 2,
    "exhaustion_probability": 0.25, "exhaustion_interval": [0.125, 0.5],
    "exhausted_at": "2026-11-05T06:00:00Z"}])"));
}

TEST(JsonTest, WhatIsNotThereHasNoKey) {
  const Json policy = json_of(plain())["policies"][0];
  EXPECT_FALSE(policy.contains("budgets"));
  EXPECT_FALSE(policy["by_model"][0].contains("faults"));
}

}  // namespace
}  // namespace routesim
