// Goal: a run hedges as a gateway would: the second attempt begins when the rule says so, the first
// answer is taken, the other attempt is cut off and paid for, and nobody pays beyond the scope.
// Method: worlds whose times are known ahead or whose law is; the run's own invariants hold as
// always.

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/json.h"
#include "report/text.h"
#include "study/budgets.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run.h"

namespace routesim {
namespace {

using fare::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kSlow = 0;  // The first attempt's model,
constexpr std::size_t kFast = 1;  // and the second one's.

// "cheap" answers after ten seconds, "dear" after one; a second attempt comes after two seconds.
nlohmann::json hedged_scenario(const std::string& hedges_usd = "1000") {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 0.01}, {"requests", 100}};
  json["traffic"]["input_tokens"] = 1'000;
  json["traffic"]["output_tokens"] = 101;
  json["world"]["models"][kSlow] = {{"model", "cheap"},
                                    {"origin", "assumed"},
                                    {"skill", 1},
                                    {"first_token_ms", 9'000},
                                    {"ms_per_output_token", 10}};
  json["world"]["models"][kFast] = {{"model", "dear"},
                                    {"origin", "assumed"},
                                    {"skill", 3},
                                    {"first_token_ms", 500},
                                    {"ms_per_output_token", 5}};
  nlohmann::json& variant = json["policies"][1];
  json["policies"] = {variant};
  nlohmann::json& policy = json["policies"][0];
  policy["policy"]["rules"] = {{{"name", "all"},
                                {"candidates", {"cheap"}},
                                {"fallback", {"dear"}},
                                {"hedge", {{"after_ms", 2'000}, {"scope", "hedges"}}}}};
  policy["spending"] =
      spending_of(nlohmann::json::array({budget_scope("hedges", "tag", "day", hedges_usd),
                                         budget_scope("team:*", "team", "day", "1000")}));
  return json;
}

nlohmann::json& model_of(nlohmann::json& json, std::size_t model) {
  return json["world"]["models"][model];
}

RunResult run_hedged(const nlohmann::json& json) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[0], 0, progress);
}

std::uint64_t held_back(const RunResult& run, fare::TopUpStatus status) {
  return run.held_back[static_cast<std::size_t>(status)];
}

TEST(HedgingRunTest, TheFasterOneIsTaken) {
  const RunResult run = run_hedged(hedged_scenario());
  EXPECT_EQ(run.answered, 100u);
  EXPECT_EQ(run.hedged, 100u);
  EXPECT_EQ(run.hedges_won, 100u);
  EXPECT_EQ(run.by_model[kSlow].cancelled, 100u);
  EXPECT_EQ(run.sojourn_ns, 100 * fare::Int128{Duration(seconds(3)).count()});
  // Of the slow one nothing came before it was cut off: 1,000 and 101 tokens of the other.
  EXPECT_EQ(run.cost, *fare::parse_usd("1.202"));
  EXPECT_EQ(run.not_priced, 0u);
}

TEST(HedgingRunTest, WhoHasBegunToAnswerIsNotHedged) {
  nlohmann::json json = hedged_scenario();
  model_of(json, kSlow)["first_token_ms"] = 2'000;
  EXPECT_EQ(run_hedged(json).hedged, 0u);
  model_of(json, kSlow)["first_token_ms"] = 2'001;
  EXPECT_EQ(run_hedged(json).hedged, 100u);
}

TEST(HedgingRunTest, TheLoserIsPaidForWhatItGave) {
  nlohmann::json json = hedged_scenario();
  // It begins at 2.5 s, and has given 51 of its tokens when the other one answers at 3 s.
  model_of(json, kSlow)["first_token_ms"] = 2'500;
  const RunResult run = run_hedged(json);
  EXPECT_EQ(run.hedges_won, 100u);
  EXPECT_EQ(run.cost, *fare::parse_usd("1.202") + *fare::parse_usd("0.1102"));
}

TEST(HedgingRunTest, ASlowHedgeLoses) {
  nlohmann::json json = hedged_scenario();
  model_of(json, kFast)["first_token_ms"] = 20'000;
  const RunResult run = run_hedged(json);
  EXPECT_EQ(run.hedged, 100u);
  EXPECT_EQ(run.hedges_won, 0u);
  EXPECT_EQ(run.by_model[kFast].cancelled, 100u);
  EXPECT_EQ(run.sojourn_ns, 100 * fare::Int128{Duration(seconds(10)).count()});
}

// A hedge that fails leaves the first attempt alone; where that fails, the hedge goes on alone.
TEST(HedgingRunTest, OneFailureOfTwoIsNone) {
  for (const std::size_t failing : {kSlow, kFast}) {
    nlohmann::json json = hedged_scenario();
    model_of(json, failing)["failure_share"] = 1;
    model_of(json, kFast)["first_token_ms"] = failing == kSlow ? 15'000 : 500;
    const RunResult run = run_hedged(json);
    EXPECT_EQ(run.answered, 100u);
    EXPECT_EQ(run.failed, 0u);
    EXPECT_EQ(run.by_model[failing].failures, 100u);
    EXPECT_EQ(run.hedges_won, failing == kSlow ? 100u : 0u);
  }
}

TEST(HedgingRunTest, HedgesEndWithTheirScope) {
  // A hedge may cost 1,000 and 2,000 tokens, 0.05; each takes 0.01202 of the dollar for good.
  const RunResult run = run_hedged(hedged_scenario("1"));
  EXPECT_EQ(run.hedged, 80u);  // The 81st finds 0.0384 left.
  EXPECT_EQ(held_back(run, fare::TopUpStatus::kOverBudget), 20u);
  EXPECT_EQ(run.answered, 100u);
}

TEST(HedgingRunTest, WhoGivesUpCutsOffBoth) {
  nlohmann::json json = hedged_scenario();
  json["traffic"]["users"] = {{"patience_seconds", 2.75}};
  const RunResult run = run_hedged(json);
  EXPECT_EQ(run.abandoned, 100u);
  EXPECT_EQ(run.by_model[kSlow].cancelled, 100u);
  EXPECT_EQ(run.by_model[kFast].cancelled, 100u);
  // The second one has given 51 tokens in its quarter of a second.
  EXPECT_EQ(run.cost, *fare::parse_usd("1.102"));
}

// Goal: under exponential times the mean is that of min(X, d + Y): m (1 - e^(-d/m) / 2).
TEST(HedgingRunTest, TheMeanIsThatOfTheirMinimum) {
  nlohmann::json json = hedged_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 1}, {"requests", 40'000}};
  json["traffic"]["output_tokens"] = 1;
  for (const std::size_t model : {kSlow, kFast}) {
    model_of(json, model)["first_token_ms"] = {{"kind", "exponential"}, {"mean", 3'000}};
  }
  json["policies"][0]["policy"]["retry"] = {{"per_1000", 1'000}, {"saved_max", 1'000'000}};
  const RunResult run = run_hedged(json);
  const double mean = 3 * (1 - std::exp(-2.0 / 3) / 2);
  const double found = static_cast<double>(run.sojourn_ns) / 1e9 / 40'000;
  // The standard deviation of one is below 3 s: four standard errors.
  EXPECT_NEAR(found, mean, 4 * 3 / 200.0);
  EXPECT_NEAR(static_cast<double>(run.hedged) / 40'000, std::exp(-2.0 / 3), 4 * 0.5 / 200);
  EXPECT_NEAR(static_cast<double>(run.hedges_won) / static_cast<double>(run.hedged), 0.5, 0.02);
}

// In one pool both attempts can end in the same instant; in lines both can wait.
TEST(HedgingRunTest, InPoolsAndLinesTheInvariantsHold) {
  for (const int sequences : {1, 2, 8}) {
    nlohmann::json json = hedged_scenario();
    json["traffic"]["arrivals"] = {
        {"process", "poisson"}, {"per_second", sequences}, {"requests", 2'000}};
    json["traffic"]["users"] = {{"patience_seconds", {{"kind", "exponential"}, {"mean", 20}}},
                                {"retries", {{"max", 2}}}};
    json["world"]["models"][kSlow]["concurrency"] = sequences;
    json["world"]["models"][kFast] = {
        {"model", "dear"},
        {"skill", 3},
        {"pool",
         {{"origin", "assumed"},
          {"iteration_us", {{"base", 11'000}, {"per_sequence", 1'000}, {"per_prefill_token", 100}}},
          {"sequences", sequences},
          {"batch_tokens", 2'048},
          {"blocks", 1'000},
          {"overhead_ms", 5},
          {"replicas", 1},
          {"gpus_per_replica", 1},
          {"usd_per_gpu_hour", "3.60"}}}};
    json["policies"][0]["policy"]["targets"].push_back(
        {{"name", "dear2"}, {"model", "dear"}, {"quality", 0.9}});
    json["policies"][0]["policy"]["rules"][0]["candidates"] = {"dear"};
    json["policies"][0]["policy"]["rules"][0]["fallback"] = {"dear2", "cheap"};
    json["policies"][0]["policy"]["rules"][0]["hedge"]["after_ms"] = 100;
    const RunResult run = run_hedged(json);
    EXPECT_GT(run.hedged, 500u);
    EXPECT_GT(run.answered, 300u);
    EXPECT_GT(run.abandoned, 0u);
  }
}

TEST(HedgingRunTest, TheReportCountsThem) {
  const Scenario scenario = scenario_of(hedged_scenario());
  std::atomic<std::uint64_t> progress{0};
  const Report report = study(scenario, {&scenario.variants[0]}, 2, progress);
  const nlohmann::json parsed = nlohmann::json::parse(to_json(report));
  const nlohmann::json& policy = parsed["policies"][0];
  EXPECT_EQ(policy["hedged"], 300);
  EXPECT_EQ(policy["hedges_won"], 300);
  EXPECT_FALSE(policy.contains("notes"));
  EXPECT_THAT(to_text(report, {}), testing::HasSubstr("300 of the hedges answered first"));
}

}  // namespace
}  // namespace routesim
