// Goal: the oracle is a lower bound: no policy serves the same requests for less.

#include "study/oracle.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>

#include "base/random.h"
#include "study/fixture.h"
#include "study/report.h"

namespace routesim {
namespace {

using testing::HasSubstr;

// Constant lengths, dealt classes, evenly spaced, nothing fails: a run is what it is expected to
// be.
nlohmann::json exact_scenario() {
  nlohmann::json json = small_scenario();
  json["replications"] = 1;
  json["traffic"] = nlohmann::json::parse(R"({"class_mix": "exact",
    "arrivals": {"process": "even", "per_second": 1, "requests": 200},
    "classes": [{"name": "simple", "share": 3, "input_tokens": 400, "output_tokens": 100},
                {"name": "complex", "share": 1, "input_tokens": 900, "output_tokens": 300}]})");
  for (nlohmann::json& model : json["world"]["models"]) {
    model["failure_share"] = 0;
    model.erase("concurrency");
  }
  for (nlohmann::json& variant : json["policies"]) variant.erase("answer_cache");
  return json;
}

nlohmann::json& policy_of(nlohmann::json& json) { return json["policies"][1]["policy"]; }

Oracle oracle_in(const Scenario& scenario, std::size_t variant) {
  const auto oracle = oracle_of(scenario, scenario.variants[variant]);
  EXPECT_TRUE(oracle) << fare::to_text(oracle.error());
  return oracle ? *oracle : Oracle{};
}

// 150 simple requests of 400 and 100 tokens at $1 and $2 a million, 50 complex ones of 900 and 300
// at $10 and $20, where the cheap model is below the floor.
TEST(OracleTest, IsWhatPencilAndPaperSay) {
  const Scenario scenario = scenario_of(exact_scenario());
  const Oracle split = oracle_in(scenario, 1);
  EXPECT_EQ(split.policy, "split");
  EXPECT_EQ(split.requests, 200);
  EXPECT_EQ(split.unserved, 0);
  EXPECT_EQ(fare::to_usd(split.cost), "0.84");
  EXPECT_EQ(fare::to_usd(oracle_in(scenario, 0).cost), "1.65") << "all by the dear one";
}

TEST(OracleTest, LimitsLeaveTheRestToTheDearer) {
  nlohmann::json json = exact_scenario();
  policy_of(json)["targets"][0]["limits"] = {{"requests_per_minute", 10}};
  // 200 s are four minutes begun, and a burst: 50 of the 150, at $0.0006 instead of $0.006.
  EXPECT_EQ(fare::to_usd(oracle_in(scenario_of(json), 1).cost), "1.38");
  policy_of(json)["targets"][1]["limits"] = {{"requests_per_minute", 20}};
  const Oracle oracle = oracle_in(scenario_of(json), 1);
  EXPECT_EQ(oracle.unserved, 200 - 50 - 100);
}

TEST(OracleTest, CachedAnswersAreFree) {
  nlohmann::json json = exact_scenario();
  json["policies"][1]["answer_cache"] = {{"hit_share", "0.5"}, {"latency_ms", 1}};
  const Oracle oracle = oracle_in(scenario_of(json), 1);
  EXPECT_EQ(oracle.requests, 100);
  EXPECT_EQ(fare::to_usd(oracle.cost), "0.42");
}

// Random policies over the same two targets; each run is held against its own oracle.
TEST(OracleTest, NoPolicyIsBelowIt) {
  const fare::RandomKey key(5, 0, fare::Purpose::kTest);
  int above = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream random(key, seed);
    nlohmann::json json = exact_scenario();
    nlohmann::json& policy = policy_of(json);
    nlohmann::json& rule = policy["rules"][0];
    rule["candidates"] = {"cheap", "dear"};
    rule["quality_floor"] = 0.1 * static_cast<double>(random.below(9));
    switch (random.below(4)) {
      case 0:
        rule["objective"]["split"] = {{"cheap", 1 + random.below(3)}, {"dear", 1}};
        break;
      case 1:
        rule["objective"]["utility"] = {{"usd_per_answer", fmt::format("0.0{}1", random.below(9))}};
        break;
      case 2:
        rule["objective"]["threshold"] = {{"strong", "dear"}, {"weak", "cheap"}, {"gain", 0.1}};
        break;
    }
    if (random.below(2) == 0) {
      policy["targets"][0]["limits"] = {{"requests_per_minute", 5 + random.below(60)}};
    }
    const Scenario scenario = scenario_of(json);
    std::atomic<std::uint64_t> done{0};
    const Report report = study(scenario, {&scenario.variants[1]}, 1, done);
    const RunResult& total = report.policies[0].total;
    const Oracle oracle = oracle_in(scenario, 1);
    if (total.refusals() > 0) continue;  // Less was served, and that may cost less.
    ASSERT_EQ(total.answered, static_cast<std::uint64_t>(oracle.requests));
    EXPECT_EQ(oracle.unserved, 0);
    EXPECT_GE(total.cost, oracle.cost);
    if (total.cost > oracle.cost) ++above;
  }
  EXPECT_GT(above, 10) << "a bound that is always met says little";
}

TEST(OracleTest, RefusesWhereItWouldBeNoBound) {
  const auto why = [](const nlohmann::json& json) {
    const Scenario scenario = scenario_of(json);
    const auto oracle = oracle_of(scenario, scenario.variants[1]);
    return oracle ? "an oracle" : fare::to_text(oracle.error());
  };
  nlohmann::json json = exact_scenario();
  json["traffic"]["sessions"] = {{"turns", 2}, {"think_seconds", 5}};
  EXPECT_THAT(why(json), HasSubstr("has no oracle: sessions"));
  json = exact_scenario();
  policy_of(json)["rules"][0]["degrade"] = {{{"name", "short"}, {"cap_output_tokens", 10}}};
  EXPECT_THAT(why(json), HasSubstr("may shorten requests"));
}

}  // namespace
}  // namespace routesim
