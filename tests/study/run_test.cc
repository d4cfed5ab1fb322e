#include "study/run.h"

#include <gtest/gtest.h>

#include "report/json.h"
#include "study/fixture.h"
#include "study/report.h"

namespace routesim {
namespace {

std::string compare_json(const Scenario& scenario, std::size_t a, std::size_t b, unsigned threads) {
  std::atomic<std::uint64_t> progress{0};
  return to_json(
      study(scenario, {&scenario.variants[a], &scenario.variants[b]}, threads, progress));
}

RunResult run_first(const Scenario& scenario, std::size_t variant) {
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[variant], 0, progress);
}

TEST(RunTest, SameSeedSameBytesWhateverTheThreads) {
  const Scenario scenario = scenario_of(small_scenario());
  const std::string once = compare_json(scenario, 0, 1, 1);
  EXPECT_EQ(compare_json(scenario, 0, 1, 1), once);
  EXPECT_EQ(compare_json(scenario, 0, 1, 2), once);
  EXPECT_EQ(compare_json(scenario, 0, 1, 5), once);
}

TEST(RunTest, AnotherSeedGivesOtherBytes) {
  const Scenario one = scenario_of(small_scenario());
  const Scenario two = scenario_of(small_scenario(), {.seed = 4});
  EXPECT_NE(compare_json(one, 0, 1, 1), compare_json(two, 0, 1, 1));
}

TEST(RunTest, APolicyAgainstItselfDiffersByExactlyZero) {
  const Scenario scenario = scenario_of(small_scenario());
  for (std::size_t variant : {std::size_t{0}, std::size_t{1}}) {
    std::atomic<std::uint64_t> progress{0};
    const Variant* const self = &scenario.variants[variant];
    const Report report = study(scenario, {self, self}, 2, progress);
    for (std::size_t i = 0; i < kMetricsMax; ++i) {
      const std::optional<Estimate>& difference = report.comparison->difference[i];
      ASSERT_EQ(difference.has_value(), report.policies[0].metric[i].has_value());
      if (!difference) continue;
      EXPECT_EQ(difference->mean, 0);
      EXPECT_EQ(*difference->half_width, 0);
    }
    for (std::size_t i = 0; i < kMetricCount; ++i) ASSERT_TRUE(report.comparison->difference[i]);
    EXPECT_EQ(report.comparison->cost_difference_mean, fare::Cost(0));
  }
}

// Goal: policies meet the same requests and the same luck.
// Method: where both send a request to the same model, everything but the split must agree: with a
// policy that can only choose what the other one chooses, results are equal.
TEST(RunTest, PoliciesMeetTheSameRequestsAndTheSameLuck) {
  nlohmann::json json = small_scenario();
  json["policies"][1]["policy"]["rules"][0]["candidates"] = {"dear"};
  json["policies"][1]["policy"]["rules"][0].erase("fallback");
  const Scenario scenario = scenario_of(json);
  const RunResult a = run_first(scenario, 0);
  const RunResult b = run_first(scenario, 1);
  EXPECT_EQ(a.cost, b.cost);
  EXPECT_EQ(a.sojourn_ns, b.sojourn_ns);
  EXPECT_EQ(a.quality_sum, b.quality_sum);
  EXPECT_EQ(a.failed, b.failed);
}

// Goal: luck belongs to the request, not to the model it is sent to.
// Method: two models that differ in price alone, one for each policy: every time and every quality
// agrees, and the costs are as the prices.
TEST(RunTest, LuckBelongsToTheRequestAndNotToTheModel) {
  nlohmann::json json = small_scenario();
  nlohmann::json twin = json["world"]["models"][1];
  twin["model"] = "cheap";
  json["world"]["models"][0] = twin;
  json["policies"][1]["policy"]["rules"][0] = {{"name", "all"}, {"candidates", {"cheap"}}};
  const Scenario scenario = scenario_of(json);
  const RunResult dear = run_first(scenario, 0);
  const RunResult cheap = run_first(scenario, 1);
  EXPECT_GT(dear.failed, 0u);
  EXPECT_EQ(dear.failed, cheap.failed);
  EXPECT_EQ(dear.sojourn_ns, cheap.sojourn_ns);
  EXPECT_EQ(dear.quality_sum, cheap.quality_sum);
  EXPECT_EQ(dear.cost.count(), cheap.cost.count() * 10);
}

TEST(RunTest, CostsSumExactlyByModelClassAndTenant) {
  const Scenario scenario = scenario_of(small_scenario());
  for (std::size_t variant : {std::size_t{0}, std::size_t{1}}) {
    const RunResult run = run_first(scenario, variant);
    fare::Cost models;
    fare::Cost by_hand;
    const fare::Rate rates[2][2] = {{fare::Rate(1'000'000), fare::Rate(2'000'000)},
                                    {fare::Rate(10'000'000), fare::Rate(20'000'000)}};
    for (std::size_t m = 0; m < 2; ++m) {
      for (const fare::Cost cost : run.by_model[m].cost) models += cost;
      by_hand += rates[m][0] * run.by_model[m].used[static_cast<std::size_t>(fare::Meter::kInput)];
      by_hand += rates[m][1] * run.by_model[m].used[static_cast<std::size_t>(fare::Meter::kOutput)];
    }
    fare::Cost classes;
    for (const GroupTally& tally : run.by_class) classes += tally.cost;
    fare::Cost tenants;
    for (const GroupTally& tally : run.by_tenant) tenants += tally.cost;
    EXPECT_GT(run.cost, fare::Cost(0));
    EXPECT_EQ(models, run.cost);
    EXPECT_EQ(classes, run.cost);
    EXPECT_EQ(tenants, run.cost);
    EXPECT_EQ(by_hand, run.cost);
  }
}

TEST(RunTest, FailuresGoToTheFallbackAndThenFail) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][0]["failure_share"] = 1;
  const RunResult fallback = run_first(scenario_of(json), 1);
  EXPECT_EQ(fallback.by_model[0].failures, fallback.by_model[0].attempts);
  EXPECT_GT(fallback.by_model[0].failures, 1'000u);
  EXPECT_GT(fallback.answered, 1'900u);
  for (const fare::Cost cost : fallback.by_model[0].cost) EXPECT_EQ(cost, fare::Cost(0));
  json["world"]["models"][1]["failure_share"] = 1;
  const RunResult outage = run_first(scenario_of(json), 1);
  EXPECT_EQ(outage.failed, outage.requests);
  EXPECT_EQ(outage.cost, fare::Cost(0));
  EXPECT_EQ(outage.first_token.count(), 0u);
}

TEST(RunTest, ARefusalIsCountedByItsReason) {
  nlohmann::json json = small_scenario();
  json["policies"][0]["policy"]["rules"][0]["quality_floor"] = 0.95;
  const RunResult run = run_first(scenario_of(json), 0);
  EXPECT_EQ(run.refused[static_cast<std::size_t>(fare::Refusal::kNoTarget)], run.requests);
  EXPECT_EQ(run.cost, fare::Cost(0));
}

TEST(RunTest, AnExactAnswerCacheTakesExactlyItsShareOfEveryClass) {
  nlohmann::json json = small_scenario();
  json["traffic"]["class_mix"] = "exact";
  json["policies"][0]["answer_cache"] = {{"hit_share", "0.4"}, {"mix", "exact"}, {"latency_ms", 5}};
  const RunResult run = run_first(scenario_of(json), 0);
  EXPECT_EQ(run.by_class[0].requests, 1'400u);
  EXPECT_EQ(run.by_class[1].requests, 600u);
  EXPECT_EQ(run.from_cache, 800u);
}

TEST(RunTest, ARandomAnswerCacheTakesAboutItsShare) {
  nlohmann::json json = small_scenario();
  json["policies"][0]["answer_cache"] = {{"hit_share", "0.25"}, {"latency_ms", 5}};
  const RunResult run = run_first(scenario_of(json), 0);
  // 2,000 tries at 0.25: standard deviation 19.4; four of them either way.
  EXPECT_NEAR(static_cast<double>(run.from_cache), 500, 78);
}

// Goal: doubling every price doubles every cost, to the last digit, and changes nothing else.
TEST(RunTest, DoublePricesDoubleTheCost) {
  nlohmann::json json = small_scenario();
  const RunResult one = run_first(scenario_of(json), 1);
  for (nlohmann::json& model : json["extra_prices"][0]["models"]) {
    nlohmann::json& rates = model["prices"][0]["usd_per_mtok"];
    for (auto& [meter, price] : rates.items()) {
      price = std::to_string(2 * std::stoi(price.get<std::string>()));
    }
  }
  const RunResult two = run_first(scenario_of(json), 1);
  EXPECT_EQ(two.cost, one.cost + one.cost);
  EXPECT_EQ(two.sojourn_ns, one.sojourn_ns);
}

// Of five requests half an hour apart all but the first read what an hour's cache holds, and none
// what one of five minutes does.
TEST(RunTest, AnHoursCacheLastsAnHour) {
  nlohmann::json json = small_scenario();
  json["prices"] = {source_path("pricing")};
  json["world"]["prompts"] = {
      {"prefixes", 1}, {"prefix_tokens", 4'096}, {"block_tokens", 256}, {"names", "runs"}};
  json["world"]["models"][1]["failure_share"] = 0;
  json["traffic"]["input_tokens"] = 6'000;
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 1 / 1'800.0}, {"requests", 5}};
  for (const auto& [rules, reads] : {std::pair("anthropic-1h", 4), std::pair("anthropic-5m", 0)}) {
    json["world"]["models"][1]["cache"] = {{"rules", rules}};
    const Scenario scenario = scenario_of(json);
    std::atomic<std::uint64_t> progress{0};
    const RunResult run = run_once(scenario, scenario.variants[0], 0, progress);
    EXPECT_EQ(run.by_model[1].used[static_cast<std::size_t>(fare::Meter::kCacheRead)],
              fare::Tokens(reads * 4'096))
        << rules;
  }
}

}  // namespace
}  // namespace routesim
