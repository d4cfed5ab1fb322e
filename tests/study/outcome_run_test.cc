// Goal: with real outcomes in place of skills a run reproduces their table, and what was not
// recorded is unknown, never bad.
// Method: small tables written here, and a published one where ../shared/data is at hand.

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "study/fixture.h"
#include "study/outcome_layouts.h"
#include "study/run.h"

namespace routesim {
namespace {

using testing::HasSubstr;

RunResult run_of(const Scenario& scenario, std::size_t variant) {
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[variant], 0, progress);
}

// The small scenario, every request of which is answered, on the outcomes in `file`.
nlohmann::json outcome_scenario(const std::string& file) {
  nlohmann::json json = small_scenario();
  json["world"].erase("difficulty");
  for (auto& model : json["world"]["models"]) {
    model.erase("skill");
    model["failure_share"] = 0;
  }
  json["world"]["outcomes"] = {{"file", file}};
  return json;
}

// Policy 1 sends "simple" requests to cheap and "complex" ones to dear.
std::string row_of(int id, const std::string& name, const std::string& outcomes) {
  return R"({"id": ")" + std::to_string(id) + R"(", "prompt": ")" + std::to_string(id) +
         R"(", "class": ")" + name + R"(", "outcomes": {)" + outcomes + "}}\n";
}

const std::string kTable =
    row_of(1, "simple", R"("cheap": {"quality": 1}, "big": {"quality": 1})") +
    row_of(2, "simple", R"("cheap": {"quality": 0}, "big": {"quality": 1})") +
    row_of(3, "complex", R"("cheap": {"quality": 0}, "big": {"quality": 1})") +
    row_of(4, "complex", R"("cheap": {"quality": 0})");

TEST(OutcomeRunTest, AnAnswersQualityIsWhatItsRowSays) {
  const TemporaryFolder folder;
  nlohmann::json json = outcome_scenario(folder.write("outcomes.jsonl", kTable));
  json["world"]["models"][1]["outcome"] = "big";
  json["traffic"]["class_mix"] = "exact";
  const RunResult run = run_of(scenario_of(json), 1);
  ASSERT_EQ(run.answered, 2'000u);
  // Half of the 1,400 simple ones are good; of the 600 complex ones those that are known.
  EXPECT_EQ(run.judged + run.quality.unknown, 2'000u);
  const auto unknown = static_cast<double>(run.quality.unknown);
  EXPECT_NEAR(unknown, 300, 4 * std::sqrt(600 * 0.25));
  EXPECT_NEAR(static_cast<double>(run.quality.good), 700 + 600 - unknown,
              4 * std::sqrt(1'400 * 0.25));
  EXPECT_EQ(run.quality_sum, static_cast<double>(run.quality.good));
}

TEST(OutcomeRunTest, WhatIsUnknownIsNotEscalatedAndWhatIsBadIs) {
  const TemporaryFolder folder;
  nlohmann::json json = outcome_scenario(folder.write("outcomes.jsonl", kTable));
  json["world"]["models"][1]["outcome"] = "big";
  json["traffic"]["users"] = {{"escalation", {{"share", 1}, {"class", "complex"}}}};
  const RunResult run = run_of(scenario_of(json), 1);
  // Dear's outcomes are good or unknown: cheap's bad answers alone are escalated, to it.
  EXPECT_EQ(run.escalated, run.requests - 2'000u);
  EXPECT_EQ(run.escalated, run.judged - run.quality.good);
  EXPECT_GT(run.quality.unknown, 0u);
}

TEST(OutcomeRunTest, AModelThatTheDataLacksIsNotModelled) {
  const TemporaryFolder folder;
  const nlohmann::json json = outcome_scenario(folder.write("outcomes.jsonl", kTable));
  const RunResult run = run_of(scenario_of(json), 0);
  EXPECT_EQ(run.answered, 2'000u);
  EXPECT_EQ(run.judged + run.quality.unknown, 0u);
}

TEST(OutcomeRunTest, SaysWhatDoesNotFit) {
  const TemporaryFolder folder;
  const std::string file = folder.write("outcomes.jsonl", kTable);
  const auto errors_of = [](const nlohmann::json& json) {
    const auto scenario = load_json(json);
    return scenario ? "no error" : fare::to_text(scenario.error());
  };
  nlohmann::json json = outcome_scenario(file);
  json["world"]["models"][0]["skill"] = 1;
  json["world"]["models"][1]["outcome"] = "huge";
  json["world"]["difficulty"] = small_scenario()["world"]["difficulty"];
  std::string errors = errors_of(json);
  EXPECT_THAT(errors, HasSubstr("#/world/models/0/skill: is what the world's \"outcomes\" say"));
  EXPECT_THAT(errors, HasSubstr("#/world/models/1/outcome: \"huge\" has no outcomes"));
  EXPECT_THAT(errors, HasSubstr("#/world/difficulty: is what the world's \"outcomes\" say"));
  json = outcome_scenario(file);
  json["traffic"]["classes"][1]["name"] = "odd";
  json["world"]["outcomes"]["split"] = "test";
  errors = errors_of(json);
  EXPECT_THAT(errors, HasSubstr("#/world/outcomes/split: has no rows in this file"));
  json["world"]["outcomes"].erase("split");
  EXPECT_THAT(errors_of(json),
              HasSubstr("#/world/outcomes: has no row of the traffic's class \"odd\""));
  json["world"]["outcomes"]["file"] = "nowhere.jsonl";
  EXPECT_THAT(errors_of(json), HasSubstr("nowhere.jsonl: no such file"));
  json = small_scenario();
  json["world"]["models"][0]["outcome"] = "cheap";
  EXPECT_THAT(errors_of(json),
              HasSubstr("#/world/models/0/outcome: needs \"outcomes\" in the world"));
}

// The published accuracy of two models on MMLU, to within what drawing rows adds.
TEST(OutcomeRunTest, ReproducesTheAccuracyOfAPublishedTable) {
  const std::string data = source_path("../shared/data/routing/routellm/mmlu");
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "needs " << data;
  const auto converted = convert_outcomes(data, {.layout = OutcomeLayout::kRouteLlm});
  ASSERT_TRUE(converted) << fare::to_text(converted.error());
  const auto table = fare::parse_outcomes(data, converted->lines, {});
  ASSERT_TRUE(table) << fare::to_text(table.error());
  nlohmann::json json = outcome_scenario(data);
  json["world"]["outcomes"]["format"] = "routellm";
  json["traffic"]["arrivals"]["requests"] = 50'000;
  for (std::size_t target = 0; target < table->targets.size(); ++target) {
    SCOPED_TRACE(table->targets[target]);
    double accuracy = 0;
    double rows = 0;
    for (const fare::OutcomeRow& row : table->rows) {
      if (!row.outcomes[target]) continue;
      accuracy += static_cast<double>(row.outcomes[target]->quality);
      ++rows;
    }
    accuracy /= rows;
    json["world"]["models"][1]["outcome"] = table->targets[target];
    const RunResult run = run_of(scenario_of(json), 0);
    const auto known = static_cast<double>(run.judged);
    EXPECT_NEAR(static_cast<double>(run.quality.good) / known, accuracy,
                4 * std::sqrt(accuracy * (1 - accuracy) / known));
  }
  ASSERT_EQ(table->targets.size(), 2u);
}

}  // namespace
}  // namespace routesim
