// Goal: the dense features are what they are called, and within their ranges.

#include "fare/dense_features.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "allocations.h"
#include "fare/learn.h"
#include "fare/warm_start.h"

namespace fare {
namespace {

OutcomeData made_up() {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const bool hard = i % 3 == 0;
    lines +=
        fmt::format(R"({{"id": "{0}", "prompt": "{1} {0}", "class": "{2}", "outcomes": {{)"
                    R"("cheap": {{"quality": {3}}}, "dear": {{"quality": {4}}}}}}})"
                    "\n",
                    i, hard ? "prove that the ring is a field, given 12 cases" : "name a fruit",
                    hard ? "complex" : "simple", hard ? 0 : 1, i % 7 == 0 ? 0 : 1);
  }
  return parse_outcomes("made-up", lines, {.targets = {}, .classes = {"simple", "complex"}})
      .value();
}

TEST(DenseFeaturesTest, HoldTheForecastsAndHowAPromptLooks) {
  const ChoiceModel model = learn(made_up(), {}).value();
  ASSERT_EQ(model.targets().size(), 2u);
  ASSERT_EQ(dense_size(model), 4 + kDenseHand);
  std::vector<double> dense(dense_size(model));
  ChoiceScratch scratch;
  const ChoiceForecast forecast = model.forecast("prove that 17 is prime", scratch);
  dense_features(forecast, dense);
  EXPECT_EQ(dense[0], 1);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(dense[dense_forecast(i)], forecast.targets[i].quality);
    EXPECT_EQ(dense_name(model, dense_forecast(i)), "quality of " + model.targets()[i]);
  }
  EXPECT_EQ(dense[3], forecast.familiarity);
  double length = 0;
  for (std::size_t i = 4; i < dense.size(); ++i) {
    EXPECT_LE(std::abs(dense[i]), 1) << dense_name(model, i);
    if (dense_name(model, i) == "log_words") length = dense[i];
  }
  // A longer prompt is more of one.
  dense_features(model.forecast("prove that 17 is prime and then that 19 is prime too", scratch),
                 dense);
  for (std::size_t i = 4; i < dense.size(); ++i) {
    if (dense_name(model, i) == "log_words") {
      EXPECT_GT(dense[i], length);
    }
  }
}

TEST(WarmStartTest, ALearnerBeginsWithTheForecasts) {
  const ChoiceModel model = learn(made_up(), {}).value();
  Bandit bandit = Bandit::create({.arms = 2, .dimensions = dense_size(model)}).value();
  const std::vector<std::string> prompts = {"name a fruit 1", "prove that the ring is a field 2"};
  std::vector<double> dense(dense_size(model));
  ChoiceScratch scratch;
  const ChoiceForecast forecast = model.forecast("name a ring", scratch);
  dense_features(forecast, dense);
  const double before = bandit.opinion(0, dense).error;
  warm_start(bandit, model, prompts, 200);
  for (std::size_t arm = 0; arm < 2; ++arm) {
    EXPECT_NEAR(bandit.opinion(arm, dense).mean, forecast.targets[arm].quality, 1e-9);
    EXPECT_LT(bandit.opinion(arm, dense).error, before);
  }
}

TEST(DenseFeaturesTest, EveryOneHasANameOfItsOwn) {
  const ChoiceModel model = learn(made_up(), {}).value();
  std::set<std::string> names;
  for (std::size_t i = 0; i < dense_size(model); ++i) names.insert(dense_name(model, i));
  EXPECT_EQ(names.size(), dense_size(model));
}

TEST(DenseFeaturesTest, ClassesStandWhereTargetsWould) {
  const ChoiceModel model = ChoiceModel::rules();
  std::vector<double> dense(dense_size(model));
  ChoiceScratch scratch;
  const ChoiceForecast forecast = model.forecast("What is a cat?", scratch);
  const std::uint64_t before = allocations();
  dense_features(forecast, dense);
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(dense_name(model, 1), "class " + model.classes()[0]);
  EXPECT_EQ(dense[1 + forecast.likely_class], 1);
}

}  // namespace
}  // namespace fare
