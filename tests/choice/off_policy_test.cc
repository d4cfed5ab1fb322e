// Goal: off-policy estimates are what their formulas say, hold what their intervals promise, and
// are refused where nothing can be known. Method: worlds whose truth is known; slow reference
// models; logs with one thing wrong each.

#include "fare/off_policy.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>

#include "base/random.h"
#include "choice/reward_model.h"

namespace fare {
namespace {

// Three arms whose chance of a reward of 1 depends on two features; the logger prefers an arm by
// the first feature, the judged policy by the second.
struct World {
  ChoiceLog log;
  std::vector<double> policy;
  double truth = 0;  // Of the policy, over these very rows.
};

double reward_chance(std::size_t arm, double x, double y) {
  const double chance[] = {0.3 + 0.2 * x, 0.5 + 0.3 * y, 0.6 - 0.2 * x * y};
  return chance[arm];
}

World make_world(std::uint64_t seed, std::size_t rows) {
  const RandomKey key(seed, 0, Purpose::kTest);
  World world;
  world.log.arms = 3;
  world.log.dimensions = 2;
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream stream(key, i);
    const double x = stream.uniform() * 2 - 1, y = stream.uniform() * 2 - 1;
    const std::size_t liked = x > 0 ? 0 : 2;
    const std::size_t arm = stream.uniform() < 0.7 ? liked : stream.below(3);
    world.log.arm.push_back(static_cast<std::uint32_t>(arm));
    world.log.propensity.push_back(arm == liked ? 0.8 : 0.1);
    world.log.reward.push_back(stream.uniform() < reward_chance(arm, x, y) ? 1 : 0);
    world.log.features.push_back(static_cast<float>(x));
    world.log.features.push_back(static_cast<float>(y));
    const double probability[] = {0.1, y > 0 ? 0.8 : 0.1, y > 0 ? 0.1 : 0.8};
    for (std::size_t k = 0; k < 3; ++k) {
      world.policy.push_back(probability[k]);
      world.truth += probability[k] * reward_chance(k, x, y) / static_cast<double>(rows);
    }
  }
  return world;
}

OffPolicyAnswer judge(const World& world, const OffPolicyOptions& options = {}) {
  auto answer = evaluate_off_policy(world.log, world.policy, options);
  EXPECT_TRUE(answer) << to_text(answer.error());
  return *answer;
}

TEST(OffPolicyTest, EveryUnbiasedEstimateFindsTheTruth) {
  double snips = 0, ips = 0, robust = 0;
  int covered_snips = 0, covered_ips = 0, covered_robust = 0;
  constexpr int kRuns = 200;
  for (int seed = 0; seed < kRuns; ++seed) {
    const World world = make_world(static_cast<std::uint64_t>(seed), 1'000);
    const OffPolicyAnswer answer = judge(world);
    const auto covers = [&](const ValueEstimate& one) {
      return one.low <= world.truth && world.truth <= one.high ? 1 : 0;
    };
    snips += (answer.value->snips.value - world.truth) / kRuns;
    ips += (answer.value->ips.value - world.truth) / kRuns;
    robust += (answer.value->doubly_robust.value - world.truth) / kRuns;
    covered_snips += covers(answer.value->snips);
    covered_ips += covers(answer.value->ips);
    covered_robust += covers(answer.value->doubly_robust);
  }
  EXPECT_NEAR(snips, 0, 0.008);
  EXPECT_NEAR(ips, 0, 0.010);
  EXPECT_NEAR(robust, 0, 0.006);
  EXPECT_GE(covered_snips, kRuns * 90 / 100);
  EXPECT_GE(covered_ips, kRuns * 90 / 100);
  EXPECT_GE(covered_robust, kRuns * 90 / 100);
}

TEST(OffPolicyTest, APolicyThatIsTheLoggerChangesNothing) {
  World world = make_world(1, 500);
  for (std::size_t i = 0; i < world.log.arm.size(); ++i) {
    const std::size_t liked = world.log.features[2 * i] > 0 ? 0 : 2;
    for (std::size_t k = 0; k < 3; ++k) world.policy[3 * i + k] = k == liked ? 0.8 : 0.1;
  }
  const OffPolicyAnswer answer = judge(world);
  EXPECT_DOUBLE_EQ(answer.value->snips.value, answer.logged.value);
  EXPECT_NEAR(answer.value->snips_gain.value, 0, 1e-12);
  EXPECT_NEAR(answer.value->snips_gain.error, 0, 1e-12);
  EXPECT_NEAR(answer.value->snips.error, answer.logged.error, 1e-12);
  EXPECT_NEAR(answer.effective_rows, 500, 1e-6);
  EXPECT_EQ(answer.weight_max, 1);
}

TEST(OffPolicyTest, FormulasHoldOnThreeRows) {
  ChoiceLog log;
  log.arms = 2;
  log.arm = {0, 1, 0};
  log.propensity = {0.5, 0.25, 1.0 / 3};
  log.reward = {1, 0, 2};
  const std::vector<double> policy = {1, 0, 0.5, 0.5, 1, 0};
  OffPolicyOptions options;
  options.effective_min = 0;
  options.weight_max = 2.5;
  options.supported_only = true;
  const auto answer = evaluate_off_policy(log, policy, options);
  ASSERT_TRUE(answer);
  // The weights are 2, 2, 3.
  EXPECT_DOUBLE_EQ(answer->value->ips.value, (2.0 * 1 + 3 * 2) / 3);
  EXPECT_DOUBLE_EQ(answer->value->clipped_ips.value, (2.0 * 1 + 2.5 * 2) / 3);
  const double ratio = 8.0 / 7;
  EXPECT_DOUBLE_EQ(answer->value->snips.value, ratio);
  const double squares =
      4 * std::pow(1 - ratio, 2) + 4 * ratio * ratio + 9 * std::pow(2 - ratio, 2);
  EXPECT_NEAR(answer->value->snips.error, std::sqrt(squares * 3 / 2) / 7, 1e-12);
  EXPECT_DOUBLE_EQ(answer->effective_rows, 49.0 / 17);
  EXPECT_DOUBLE_EQ(answer->weight_max, 3);
}

// One arm and fold at a time, every matrix from its rows.
std::vector<double> slow_rewards(const ChoiceLog& log, const RewardModelOptions& options) {
  const auto rows = static_cast<Eigen::Index>(log.arm.size());
  const auto columns = static_cast<Eigen::Index>(log.dimensions);
  Eigen::MatrixXd x(rows, columns + 1);
  for (Eigen::Index i = 0; i < rows; ++i) {
    x(i, 0) = 1;
    for (Eigen::Index k = 0; k < columns; ++k) {
      x(i, k + 1) = static_cast<double>(log.features[static_cast<std::size_t>(i * columns + k)]);
    }
  }
  for (Eigen::Index k = 1; k <= columns; ++k) {
    const Eigen::VectorXd centred = x.col(k).array() - x.col(k).mean();
    x.col(k) = centred / std::sqrt(centred.squaredNorm() / static_cast<double>(rows));
  }
  const RandomKey key(options.seed, 0, Purpose::kBootstrap);
  std::vector<std::size_t> fold;
  for (std::size_t i = 0; i < log.arm.size(); ++i) {
    fold.push_back(RandomStream(key, i).below(options.folds));
  }
  std::vector<double> predicted(log.arm.size() * log.arms);
  for (std::size_t row = 0; row < log.arm.size(); ++row) {
    double mean = 0, others = 0;
    for (std::size_t i = 0; i < log.arm.size(); ++i) {
      if (fold[i] == fold[row]) continue;
      mean += log.reward[i];
      others += 1;
    }
    mean /= others;
    for (std::size_t arm = 0; arm < log.arms; ++arm) {
      Eigen::MatrixXd gram = Eigen::MatrixXd::Identity(columns + 1, columns + 1) * options.penalty;
      gram(0, 0) = 1;
      Eigen::VectorXd right = Eigen::VectorXd::Zero(columns + 1);
      for (std::size_t i = 0; i < log.arm.size(); ++i) {
        if (fold[i] == fold[row] || log.arm[i] != arm) continue;
        const Eigen::VectorXd one = x.row(static_cast<Eigen::Index>(i)).transpose();
        gram += one * one.transpose();
        right += one * (log.reward[i] - mean);
      }
      predicted[row * log.arms + arm] =
          mean + x.row(static_cast<Eigen::Index>(row)).dot(gram.ldlt().solve(right));
    }
  }
  return predicted;
}

TEST(OffPolicyTest, NoRowIsPredictedByAModelThatSawIt) {
  const World world = make_world(7, 60);
  std::vector<std::size_t> all(60);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const RewardModelOptions options{.folds = 4, .penalty = 2, .seed = 9};
  const std::vector<double> quick = cross_fitted_rewards(world.log, all, options);
  const std::vector<double> slow = slow_rewards(world.log, options);
  ASSERT_EQ(quick.size(), slow.size());
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_NEAR(quick[i], slow[i], 1e-9) << i;

  // Its own reward does not move a row's prediction.
  World other = world;
  other.log.reward[17] += 100;
  const std::vector<double> moved = cross_fitted_rewards(other.log, all, options);
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_NEAR(moved[17 * 3 + arm], quick[17 * 3 + arm], 1e-9);
  }
}

TEST(OffPolicyTest, AGoodRewardModelNarrowsTheInterval) {
  const World world = make_world(3, 4'000);
  World blind = world;
  blind.log.dimensions = 0;
  blind.log.features.clear();
  EXPECT_LT(judge(world).value->doubly_robust.error, judge(blind).value->doubly_robust.error);
  EXPECT_LT(judge(blind).value->doubly_robust.error, judge(blind).value->ips.error);
}

TEST(OffPolicyTest, WhatWasNeverTriedIsNotIdentified) {
  World world = make_world(5, 400);
  const struct {
    std::string name;
    std::function<void(World&)> change;
    double rows;
  } cases[] = {
      {"an arm without a chance in a row",
       [](World& one) {
         one.log.chance.assign(400 * 3, 1);
         one.log.chance[(one.log.arm[0] + 1) % 3] = 0;
       },
       1.0 / 400},
      {"a row that was certain", [](World& one) { one.log.propensity[0] = 1; }, 1.0 / 400},
      {"an arm that no row chose",
       [](World& one) {
         for (std::uint32_t& arm : one.log.arm) arm = arm == 1 ? 0 : arm;
       },
       1},
  };
  for (const auto& one : cases) {
    World changed = world;
    one.change(changed);
    const OffPolicyAnswer answer = judge(changed);
    EXPECT_EQ(answer.identification, Identification::kNoSupport) << one.name;
    EXPECT_FALSE(answer.value) << one.name;
    EXPECT_NEAR(answer.unsupported_rows, one.rows, 1e-9) << one.name;
    EXPECT_GT(answer.unsupported_choices, 0) << one.name;
    EXPECT_LT(answer.unsupported_choices, one.rows) << one.name;

    OffPolicyOptions options;
    options.supported_only = true;
    const OffPolicyAnswer rest = judge(changed, options);
    EXPECT_EQ(rest.left_out, one.rows == 1 ? 400u : 1u) << one.name;
    EXPECT_EQ(rest.identification == Identification::kIdentified, one.rows < 1) << one.name;

    options = {};
    options.unsupported_max = 0.01;
    EXPECT_EQ(judge(changed, options).value.has_value(), one.rows < 1) << one.name;
  }
}

TEST(OffPolicyTest, AFewEffectiveRowsSayNothing) {
  World world = make_world(6, 400);
  world.log.propensity[3] = 1e-6;
  const OffPolicyAnswer answer = judge(world);
  EXPECT_EQ(answer.identification, Identification::kTooThin);
  EXPECT_LT(answer.effective_rows, 2);
  EXPECT_FALSE(answer.value);
}

TEST(OffPolicyTest, NamesEveryBadNumber) {
  World world = make_world(8, 50);
  world.log.propensity[3] = 0;
  world.log.propensity[4] = 1.5;
  world.log.propensity[5] = std::numeric_limits<double>::quiet_NaN();
  world.log.reward[6] = std::numeric_limits<double>::infinity();
  world.log.arm[7] = 3;
  world.log.features[16] = std::numeric_limits<float>::quiet_NaN();
  world.policy[30] += 0.5;
  const auto answer = evaluate_off_policy(world.log, world.policy);
  ASSERT_FALSE(answer);
  std::vector<std::string> where;
  for (const Error& error : answer.error()) where.push_back(error.where);
  EXPECT_EQ(where, (std::vector<std::string>{"propensity/3", "propensity/4", "propensity/5",
                                             "reward/6", "arm/7", "features/8", "policy/10"}));
  EXPECT_EQ(answer.error()[0].message, "must be above 0 and at most 1, but is 0");
}

TEST(OffPolicyTest, RefusesColumnsAndOptionsThatDoNotFit) {
  const World world = make_world(9, 50);
  const struct {
    std::string where;
    std::function<void(World&, OffPolicyOptions&)> change;
  } cases[] = {
      {"propensity", [](World& one, auto&) { one.log.propensity.clear(); }},
      {"reward", [](World& one, auto&) { one.log.reward.pop_back(); }},
      {"features", [](World& one, auto&) { one.log.features.pop_back(); }},
      {"chance", [](World& one, auto&) { one.log.chance = {1}; }},
      {"policy", [](World& one, auto&) { one.policy.pop_back(); }},
      {"options/folds", [](auto&, OffPolicyOptions& options) { options.folds = 1; }},
      {"options/penalty", [](auto&, OffPolicyOptions& options) { options.penalty = 0; }},
      {"options/weight_max", [](auto&, OffPolicyOptions& options) { options.weight_max = -1; }},
      {"chance/0",
       [](World& one, auto&) {
         one.log.chance.assign(150, 1);
         one.log.chance[one.log.arm[0]] = 0;
       }},
  };
  for (const auto& one : cases) {
    World changed = world;
    OffPolicyOptions options;
    one.change(changed, options);
    const auto answer = evaluate_off_policy(changed.log, changed.policy, options);
    ASSERT_FALSE(answer) << one.where;
    EXPECT_EQ(answer.error().size(), 1u) << one.where;
    EXPECT_EQ(answer.error()[0].where, one.where);
  }
  EXPECT_FALSE(evaluate_off_policy(ChoiceLog{.arms = 1}, {}));
}

}  // namespace
}  // namespace fare
