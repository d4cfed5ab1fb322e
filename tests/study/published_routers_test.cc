// Goal: on the data that published routers were measured on, ours reaches what it is asked to.
// Method: fixed seeds; fitted to the training rows, tested on all others.  The figures of
// RouteLLM's best prompt-only router with as many labels are .603, 35.4 % and 71.6 %.

#include <gtest/gtest.h>

#include <filesystem>

#include "fare/learn.h"
#include "places.h"
#include "study/learn_report.h"
#include "study/outcome_layouts.h"

namespace routesim {
namespace {

const std::string kData = std::string(fare::kSourceDir) + "/../shared/data/routing/";

fare::OutcomeData load(const std::string& folder, const ConvertOptions& options,
                       const fare::OutcomeNames& names = {}) {
  const auto converted = convert_outcomes(kData + folder, options);
  EXPECT_TRUE(converted) << fare::to_text(converted.error());
  auto data = fare::parse_outcomes(folder, converted->lines, names);
  EXPECT_TRUE(data) << fare::to_text(data.error());
  return std::move(*data);
}

LearnReport test(const fare::OutcomeData& data, const fare::LearnOptions& options = {}) {
  const auto model = fare::learn(data, options);
  EXPECT_TRUE(model) << fare::to_text(model.error());
  TestedModel tested{*model, {}};
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    if (data.rows[i].test) tested.rows.push_back(i);
  }
  LearnEvaluation how;
  how.resamples = 0;
  auto report = evaluate(data, {std::move(tested)}, how);
  EXPECT_TRUE(report) << fare::to_text(report.error());
  return std::move(*report);
}

const RouterResult& router(const LearnReport& report, const std::string& name) {
  for (const RouterResult& one : report.routers) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no row " << name;
  return report.routers.front();
}

TEST(PublishedRoutersTest, MmluWith1500Labels) {
  if (!std::filesystem::exists(kData + "routellm/mmlu")) GTEST_SKIP() << "the data is not there";
  // bench/choice_eval has the mean of three seeds; one is what a test can wait for.
  const LearnReport report =
      test(load("routellm/mmlu", {.layout = OutcomeLayout::kRouteLlm, .train = 1'500, .seed = 1}));
  EXPECT_NEAR(static_cast<double>(report.rows), 14'037 - 1'500, 20);
  const RouterResult& model = router(report, "model");
  EXPECT_GE(model.apgr->value, 0.603 + 0.02);
  EXPECT_LE(model.cpt50->value, 0.31);
  EXPECT_LE(model.cpt80->value, 0.70);
  EXPECT_NEAR(model.apgr_deciles->value, model.apgr->value, 0.007);
  EXPECT_NEAR(router(report, "oracle").apgr->value, 1.285, 0.01);
  EXPECT_NEAR(router(report, "best single").apgr->value, 0.5, 1e-9);
  EXPECT_LE(report.probabilities[0].ece.value, 0.03);
  for (const ProbabilityResult& one : report.probabilities) {
    EXPECT_LT(one.brier.value, one.brier_of_mean.value) << one.target;
  }
}

TEST(PublishedRoutersTest, RouterBenchWithItsOwnSplit) {
  if (!std::filesystem::exists(kData + "routerbench")) GTEST_SKIP() << "the data is not there";
  const LearnReport report =
      test(load("routerbench", {.layout = OutcomeLayout::kRouterBench, .train = 0, .seed = 0}));
  const RouterResult& model = router(report, "model");
  EXPECT_GE(model.aiq->value, router(report, "label table").aiq->value - 0.005);
  EXPECT_GE(model.aiq->value, router(report, "zero").aiq->value + 0.02);
  EXPECT_LE(model.cost_at_95->value, 0.20);
  EXPECT_LE(report.probabilities[0].ece.value, 0.03);
  for (const ProbabilityResult& one : report.probabilities) {
    EXPECT_LT(one.brier.value, one.brier_of_mean.value) << one.target;
  }
}

TEST(PublishedRoutersTest, TiersOfTheDevelopmentSplit) {
  if (!std::filesystem::exists(kData + "tiers")) GTEST_SKIP() << "the data is not there";
  const LearnReport report =
      test(load("tiers", {.layout = OutcomeLayout::kTiers, .train = 0, .seed = 0},
                {.targets = {}, .classes = {"SIMPLE", "MEDIUM", "COMPLEX", "REASONING"}}));
  EXPECT_GE(report.accuracy->value, 0.84);
  EXPECT_GE(report.consistency->value, 0.90);
  EXPECT_LE(report.under_routed->value, 0.045);
  EXPECT_LE(report.probabilities[0].ece.value, 0.03);
}

}  // namespace
}  // namespace routesim
