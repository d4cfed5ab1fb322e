// Goal: a simulation with budgets is held to them as a gateway would be, and a forecast says how
// their windows end.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "study/budget_watch.h"
#include "study/budgets.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run_notes.h"

namespace routesim {
namespace {

using fare::Money;

// The small scenario, its dear policy under one strict budget for all tenants; some $9 are wanted.
nlohmann::json with_limit(const std::string& limit_usd) {
  nlohmann::json json = small_scenario();
  nlohmann::json teams = budget_scope("team:*", "team", "day", "1000");
  teams["parent"] = "org";
  json["policies"][0]["spending"] =
      spending_of(nlohmann::json::array({budget_scope("org", "org", "month", limit_usd), teams}));
  return json;
}

// What the books of a run's budgets were at its end.
class LastLook : public RunObserver {
 public:
  void look_last(const fare::Router& router, fare::Instant now) override {
    for (const fare::BudgetReport& line : router.budgets(now)) {
      if (line.scope == "org") org = line;
      teams += line.scope.starts_with("team:") ? line.settled : Money();
    }
  }
  fare::BudgetReport org;
  Money teams;
};

struct Ran {
  RunResult run;
  LastLook look;
};

Ran run_with(const nlohmann::json& json) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  Ran ran;
  ran.run = run_once(scenario, scenario.variants[0], 0, progress, &ran.look);
  return ran;
}

std::uint64_t over_budget(const RunResult& run) {
  return run.refused[static_cast<std::size_t>(fare::Refusal::kOverBudget)];
}

TEST(SpendingTest, AnAmpleBudgetRefusesNothingAndBooksEveryCent) {
  const Ran ran = run_with(with_limit("1000"));
  EXPECT_EQ(ran.run.refusals(), 0u);
  EXPECT_EQ(ran.look.org.reserved, Money());
  EXPECT_EQ(ran.look.org.settled, ran.look.teams);
  // Each request is rounded once, by at most half a nanodollar.
  const fare::Int128 books = fare::Int128{ran.look.org.settled.count()} * 1'000;
  const fare::Int128 off = books - ran.run.cost.count();
  EXPECT_LE(off < 0 ? -off : off, fare::Int128{ran.run.requests} * 500);
}

TEST(SpendingTest, AStrictBudgetIsExceededByNothing) {
  const Ran ran = run_with(with_limit("3"));
  EXPECT_GT(over_budget(ran.run), 100u);
  EXPECT_LE(ran.look.org.settled, ran.look.org.limit);
  EXPECT_GE(ran.look.org.free, Money());
  EXPECT_TRUE(ran.look.org.refused_at.has_value());
}

TEST(SpendingTest, WhatWasSpentBeforeIsGone) {
  nlohmann::json json = with_limit("3");
  json["policies"][0]["spending"]["spent"] = {
      {{"scope", "org"}, {"budget", "month"}, {"usd", "2.999"}}};
  const Ran ran = run_with(json);
  EXPECT_EQ(ran.run.answered, 0u);
  EXPECT_EQ(over_budget(ran.run), ran.run.requests);
}

// Goal: what the gateway's cache holds for a similar request is given where the ladder has that
// step, to those it has something for, and only if it is good enough.
TEST(SpendingTest, ASimilarAnswerIsGivenWhereTheLadderSaysSo) {
  nlohmann::json json = with_limit("0");
  nlohmann::json& cache = json["policies"][0]["answer_cache"];
  cache = {
      {"hit_share", "0"}, {"latency_ms", 5}, {"similar", {{"share", "0.25"}, {"quality", 0.8}}}};
  EXPECT_EQ(run_with(json).run.from_cache, 0u) << "there is no such step";
  nlohmann::json& rule = json["policies"][0]["policy"]["rules"][0];
  rule["degrade"] = {{{"name", "cached"}, {"cached_answer", true}}};
  const RunResult run = run_with(json).run;
  const auto requests = static_cast<double>(run.requests);
  EXPECT_NEAR(static_cast<double>(run.similar), 0.25 * requests,
              4 * std::sqrt(0.25 * 0.75 * requests));
  EXPECT_EQ(run.from_cache, run.similar);
  EXPECT_EQ(run.degraded, run.similar);
  EXPECT_EQ(over_budget(run), run.requests - run.similar);
  EXPECT_EQ(run.cost, fare::Cost());
  json["traffic"]["users"] = {{"escalation", {{"share", 1}}}};
  const auto escalated = static_cast<double>(run_with(json).run.escalated);
  const double bad = 0.2 * static_cast<double>(run.similar);
  EXPECT_NEAR(escalated, bad, 4 * std::sqrt(0.8 * bad)) << "whose answer is not good asks again";
  cache["similar"]["quality"] = 0.4;  // The floor is 0.5.
  EXPECT_EQ(run_with(json).run.similar, 0u);
}

TEST(SpendingTest, ProblemsAreToldWithTheirPlace) {
  nlohmann::json json = with_limit("3");
  nlohmann::json& spending = json["policies"][0]["spending"];
  spending["budgets"]["scopes"][0]["kind"] = "firm";
  spending["scopes"] = nlohmann::json::array();
  spending["spent"] = {{{"scope", "org"}, {"budget", "month"}, {"usd", "-1"}}};
  const auto scenario = load_json(json);
  ASSERT_FALSE(scenario);
  const std::string text = fare::to_text(scenario.error());
  EXPECT_NE(text.find("firm"), std::string::npos) << text;
  EXPECT_NE(text.find("/policies/0/spending/scopes"), std::string::npos) << text;
  EXPECT_NE(text.find("/policies/0/spending/spent/0/usd"), std::string::npos) << text;
}

TEST(SpendingTest, ABudgetThatIsNotThereIsAnError) {
  nlohmann::json json = with_limit("3");
  json["policies"][0]["spending"]["spent"] = {
      {{"scope", "org"}, {"budget", "mouth"}, {"usd", "1"}}};
  const auto scenario = load_json(json);
  ASSERT_FALSE(scenario);
  EXPECT_NE(fare::to_text(scenario.error()).find("org/mouth"), std::string::npos);
}

std::vector<BudgetForecast> forecast(const nlohmann::json& json, unsigned threads) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  return forecast_budgets(scenario, scenario.variants[0], threads, progress);
}

TEST(SpendingTest, AForecastTellsWhatRunsOutAndWhen) {
  const std::vector<BudgetForecast> budgets = forecast(with_limit("3"), 1);
  ASSERT_GE(budgets.size(), 2u);
  const BudgetForecast& org = budgets[0];
  EXPECT_EQ(org.scope, "org");
  EXPECT_EQ(org.exhausted, 3u);
  EXPECT_EQ(org.probability.value, 1);
  EXPECT_LE(org.p90, org.limit);
  EXPECT_FALSE(org.is_over);  // The month goes on when the traffic is over.
  const fare::Instant start = fare::parse_instant("2026-11-23T00:00:00Z").value();
  EXPECT_GT(*org.exhausted_mean, start);
  EXPECT_LT(*org.exhausted_mean, start + std::chrono::seconds(100));
  for (std::size_t i = 1; i < budgets.size(); ++i) EXPECT_EQ(budgets[i].exhausted, 0u);
}

TEST(SpendingTest, AForecastIsTheSameOnAnyNumberOfThreads) {
  const auto one = forecast(with_limit("8.5"), 1);
  const auto two = forecast(with_limit("8.5"), 2);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].p50, two[i].p50);
    EXPECT_EQ(one[i].exhausted, two[i].exhausted);
    EXPECT_EQ(one[i].exhausted_mean, two[i].exhausted_mean);
  }
}

// Fifty seconds before midnight: the day's window ends in the run, the month's does not.
TEST(SpendingTest, AWindowThatEndsInTheRunIsReadAtItsEnd) {
  nlohmann::json json = with_limit("1000");
  json["start"] = "2026-11-23T23:59:10Z";
  json["world"]["models"][1].erase("concurrency");  // No line, so little is reserved at midnight.
  const std::vector<BudgetForecast> budgets = forecast(json, 1);
  ASSERT_GE(budgets.size(), 2u);
  Money days;
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    if (!budgets[i].scope.starts_with("team:")) continue;
    EXPECT_EQ(budgets[i].window.begin, fare::parse_instant("2026-11-23T00:00:00Z").value());
    EXPECT_TRUE(budgets[i].is_over);
    days += budgets[i].p50;
  }
  EXPECT_GT(days, Money());
  for (const BudgetForecast& one : budgets) {
    if (one.scope == "org") {
      EXPECT_LT(days, one.p50);
    }
  }
}

// A study watches its budgets as a forecast does, and watching changes nothing that is watched: the
// window that ends within the run makes the watch look then.
TEST(SpendingTest, AReportHasItsBudgetsAndIsOtherwiseThatOfRunsUnwatched) {
  nlohmann::json json = with_limit("5");
  json["start"] = "2026-11-23T23:59:10Z";
  json["replications"] = 3;
  const Scenario scenario = scenario_of(json);
  const std::vector<const Variant*> variants = {&scenario.variants[0], &scenario.variants[1]};
  std::atomic<std::uint64_t> progress{0};
  const Report report = study(scenario, variants, 2, progress);
  const auto forecasts = forecast_budgets(scenario, scenario.variants[0], 1, progress);
  const std::vector<BudgetForecast>& budgets = report.policies[0].budgets;
  ASSERT_GE(budgets.size(), 2u);
  ASSERT_EQ(budgets.size(), forecasts.size());
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    EXPECT_EQ(budgets[i].scope, forecasts[i].scope);
    EXPECT_EQ(budgets[i].limit, forecasts[i].limit);
    EXPECT_EQ(budgets[i].p50, forecasts[i].p50);
    EXPECT_EQ(budgets[i].exhausted, forecasts[i].exhausted);
  }
  EXPECT_TRUE(report.policies[1].budgets.empty());
  RunResult sum;
  const auto unwatched = run_all_replications(scenario, variants, 2, progress);
  for (const RunResult& run : unwatched[0]) {
    sum.requests += run.requests;
    sum.cost += run.cost;
    sum.length = std::max(sum.length, run.length);
    sum.in_flight_ns += run.in_flight_ns;
  }
  EXPECT_EQ(report.policies[0].total.requests, sum.requests);
  EXPECT_EQ(report.policies[0].total.cost, sum.cost);
  EXPECT_EQ(report.policies[0].total.length, sum.length);
  EXPECT_TRUE(report.policies[0].total.in_flight_ns == sum.in_flight_ns);
}

// What a run leaves out of a policy is said, not passed over.
TEST(SpendingTest, WhatIsNotPutOffIsNoted) {
  RunResult deferring;
  deferring.requests = deferring.answered = 7;
  deferring.undeferred = 3;
  ASSERT_EQ(notes_of(deferring).size(), 1u);
  EXPECT_EQ(notes_of(deferring)[0].note, RunNote::kNotDeferred);
  EXPECT_EQ(to_string(notes_of(deferring)[0].note), "not_deferred");
}

}  // namespace
}  // namespace routesim
