#include "fare/cascade.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "base/random.h"

namespace fare {
namespace {

using Stages = std::vector<std::uint8_t>;

CascadeTarget target(double quality, std::int64_t cost, std::int64_t seconds) {
  return {quality, Cost(cost), std::chrono::seconds(seconds)};
}

TEST(CascadeTest, BillsTheWeakCallAndItsScoreAlways) {
  const std::vector<CascadeTarget> targets = {target(0.6, 1'000, 1), target(0.9, 20'000, 5)};
  const CascadeScorer scorer{0.8, 0.1, Cost(50), std::chrono::seconds(2)};
  const CascadeOutlook both = evaluate_cascade(targets, scorer, Stages{0, 1});
  // Accepted: 0.6 * 0.8 + 0.4 * 0.1 = 0.52, so 0.48 escalate.
  EXPECT_EQ(both.expected_cost, Cost(1'000 + 50 + 9'600));
  EXPECT_DOUBLE_EQ(both.quality, 0.6 * 0.8 + 0.48 * 0.9);
  EXPECT_EQ(both.latency, std::chrono::seconds(1 + 2 + 5));
  EXPECT_DOUBLE_EQ(both.last_stage_share, 0.48);
  const CascadeOutlook alone = evaluate_cascade(targets, scorer, Stages{1});
  EXPECT_EQ(alone.expected_cost, Cost(20'000)) << "the last answer is not scored";
  EXPECT_DOUBLE_EQ(alone.quality, 0.9);
}

TEST(CascadeTest, PlansACascadeWhereItPays) {
  const std::vector<CascadeTarget> targets = {target(0.7, 1'000, 1), target(0.95, 20'000, 5)};
  const CascadeScorer scorer{0.95, 0.05, Cost(10), {}};
  const auto cascade = plan_cascade(targets, scorer, {.quality_floor = 0.93, .latency_bound = {}});
  ASSERT_TRUE(cascade);
  EXPECT_EQ(Stages(cascade->stages.begin(), cascade->stages.end()), (Stages{0, 1}));
  EXPECT_LT(cascade->outlook.expected_cost, Cost(8'000)) << "strong alone costs 20,000";
  const auto fast = plan_cascade(targets, scorer,
                                 {.quality_floor = 0.93, .latency_bound = std::chrono::seconds(5)});
  ASSERT_TRUE(fast);
  EXPECT_EQ(Stages(fast->stages.begin(), fast->stages.end()), Stages{1}) << "no time for both";
  const CascadeScorer coin{0.5, 0.5, Cost(10), {}};
  const auto blind = plan_cascade(targets, coin, {.quality_floor = 0.93, .latency_bound = {}});
  ASSERT_TRUE(blind);
  EXPECT_EQ(Stages(blind->stages.begin(), blind->stages.end()), Stages{1})
      << "a scorer that knows nothing lets too many bad answers pass";
}

TEST(CascadeTest, SaysThatNoPlanReachesTheFloor) {
  const std::vector<CascadeTarget> targets = {target(0.7, 1'000, 1), target(0.8, 20'000, 5)};
  const CascadeScorer scorer{0.9, 0.2, Cost(10), {}};
  EXPECT_FALSE(plan_cascade(targets, scorer, {.quality_floor = 0.99, .latency_bound = {}}));
  EXPECT_FALSE(plan_cascade({}, scorer, {.quality_floor = 0, .latency_bound = {}}));
  EXPECT_TRUE(plan_cascade(targets, scorer, {.quality_floor = 0.8, .latency_bound = {}}))
      << "the floor itself is good enough";
}

// Every sequence of different targets, one after the other.
struct BruteForce {
  const std::vector<CascadeTarget>& targets;
  const CascadeScorer& scorer;
  const CascadeBounds& bounds;
  std::optional<Cost> least;
  std::size_t stages = 0;  // Of the first plan found at the least cost.
  Stages plan{};

  void go() {
    if (!plan.empty()) {
      const CascadeOutlook outlook = evaluate_cascade(targets, scorer, plan);
      const bool holds = outlook.quality >= bounds.quality_floor - 1e-12 &&
                         outlook.latency <= bounds.latency_bound.value_or(Duration::max());
      if (holds && (!least || outlook.expected_cost < *least)) {
        least = outlook.expected_cost;
        stages = plan.size();
      }
    }
    if (plan.size() == bounds.stages_max) return;
    for (std::uint8_t i = 0; i < targets.size(); ++i) {
      if (std::find(plan.begin(), plan.end(), i) != plan.end()) continue;
      plan.push_back(i);
      go();
      plan.pop_back();
    }
  }
};

// Goal: the planner's cost is the least of all plans, on every small instance.
// Method: random targets, scorers and bounds, half of them on coarse grids where ties and floors
// that are just reached are common, against every sequence.
TEST(CascadeTest, CostsWhatBruteForceFinds) {
  const RandomKey key(4, 0, Purpose::kTest);
  int planned = 0;
  int cascades = 0;
  for (std::uint64_t seed = 0; seed < 6'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(key, seed);
    const bool coarse = seed % 2 == 0;
    const auto share = [&] {
      return coarse ? static_cast<double>(random.below(11)) / 10 : random.uniform();
    };
    std::vector<CascadeTarget> targets(1 + random.below(5));
    for (CascadeTarget& one : targets) {
      const double quality = share();
      // The better, the dearer, roughly: then cascades pay.
      const double cost = 1'000 * (1 + 50 * quality * quality * quality * random.uniform());
      one = target(quality,
                   coarse ? 100 * static_cast<std::int64_t>(1 + random.below(9))
                          : static_cast<std::int64_t>(cost),
                   static_cast<std::int64_t>(random.below(5)));
    }
    const CascadeScorer scorer{1 - share() / 2, share() / 2,
                               Cost(static_cast<Int128>(random.below(3) * 100)),
                               std::chrono::seconds(random.below(2))};
    CascadeBounds bounds;
    bounds.quality_floor = coarse ? static_cast<double>(random.below(11)) / 10 : random.uniform();
    if (random.below(2) == 0) bounds.latency_bound = std::chrono::seconds(random.below(12));
    bounds.stages_max = 1 + random.below(5);
    BruteForce all{targets, scorer, bounds, {}};
    all.go();
    const auto plan = plan_cascade(targets, scorer, bounds);
    ASSERT_EQ(plan.has_value(), all.least.has_value());
    if (!plan) continue;
    ++planned;
    cascades += plan->stages.size() > 1;
    ASSERT_EQ(plan->outlook.expected_cost, *all.least);
    const Stages stages(plan->stages.begin(), plan->stages.end());
    const CascadeOutlook again = evaluate_cascade(targets, scorer, stages);
    ASSERT_EQ(again.expected_cost, plan->outlook.expected_cost) << "it is what it says";
    ASSERT_EQ(again.quality, plan->outlook.quality);
    ASSERT_GE(again.quality, bounds.quality_floor - 1e-12);
    ASSERT_LE(again.latency, bounds.latency_bound.value_or(Duration::max()));
  }
  EXPECT_GT(planned, 2'000);
  EXPECT_GT(cascades, 400) << "of two stages and more";
}

}  // namespace
}  // namespace fare
