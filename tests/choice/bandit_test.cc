// Goal: the learners learn, never leave what they may explore, and say with which probability they
// chose.
// Method: properties over seeded requests; slow reference models and closed forms.

#include "fare/bandit.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <functional>

#include "allocations.h"
#include "base/random.h"
#include "base/samplers.h"
#include "choice/best_of_normals.h"

namespace fare {
namespace {

constexpr Instant kStart{};
constexpr std::size_t kArms = 4, kDimensions = 3;

Bandit make_bandit(BanditOptions options) {
  options.arms = kArms;
  options.dimensions = kDimensions;
  auto bandit = Bandit::create(options);
  EXPECT_TRUE(bandit) << to_text(bandit.error());
  return *bandit;
}

std::array<double, kDimensions> draw_features(RandomStream& stream) {
  return {1, stream.uniform(), stream.uniform() * 2 - 1};
}

// A bandit that has seen something.
Bandit taught(BanditOptions options, std::uint64_t seed, int rows = 200) {
  Bandit bandit = make_bandit(options);
  const RandomKey key(seed, 1, Purpose::kTest);
  for (int i = 0; i < rows; ++i) {
    RandomStream stream(key, static_cast<std::uint64_t>(i));
    const auto x = draw_features(stream);
    const std::size_t arm = stream.below(kArms);
    const double chance = 0.2 + 0.15 * static_cast<double>(arm) + 0.2 * x[2];
    bandit.observe(arm, x, stream.uniform() < chance ? 1 : 0, kStart + std::chrono::seconds(i));
  }
  return bandit;
}

struct Asked {
  std::array<double, kDimensions> features;
  std::array<ArmForecast, kArms> arms;
  ArmRequest request;
};

void draw_request(RandomStream& stream, Asked& asked) {
  asked.features = draw_features(stream);
  for (ArmForecast& arm : asked.arms) {
    arm.feasible = stream.below(5) != 0;
    arm.quality = stream.uniform();
    arm.cost = Money(static_cast<std::int64_t>(stream.below(10'000'000)));
  }
  asked.request = {};
  asked.request.features = asked.features;
  asked.request.arms = asked.arms;
  asked.request.incumbent = stream.below(kArms);
  asked.arms[asked.request.incumbent].feasible = true;
  asked.request.pinned = stream.below(6) == 0;
  asked.request.budget = Money(static_cast<std::int64_t>(stream.below(8'000'000)) - 1'000'000);
  asked.request.tolerance = stream.uniform() * 0.5;
  asked.request.worth = Money(50'000'000);
  asked.request.draw = stream.uniform();
}

bool may_choose(const ArmRequest& request, std::size_t arm) {
  if (arm == request.incumbent) return true;
  const ArmForecast& own = request.arms[arm];
  const ArmForecast& known = request.arms[request.incumbent];
  return !request.pinned && own.feasible && own.quality >= known.quality - request.tolerance &&
         own.cost - known.cost <= std::max(request.budget, Money());
}

class BothKinds : public testing::TestWithParam<BanditKind> {};

TEST_P(BothKinds, NeverExploresWhereItMayNot) {
  const RandomKey key(11, 0, Purpose::kTest);
  const Bandit bandit = taught({.kind = GetParam(), .width = 1, .mixing = 0.3}, 1);
  int explored = 0, pinned = 0;
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream stream(key, seed);
    Asked asked;
    draw_request(stream, asked);
    const ArmChoice choice = bandit.choose(asked.request);
    double sum = 0;
    for (std::size_t i = 0; i < kCandidatesMax; ++i) {
      sum += choice.probability[i];
      if (i >= kArms || !may_choose(asked.request, i)) {
        ASSERT_EQ(choice.probability[i], 0);
      } else {
        ASSERT_GE(choice.probability[i], 0.3 / kArms - 1e-12) << "a chance that a log can use";
      }
    }
    ASSERT_NEAR(sum, 1, 1e-12);
    ASSERT_TRUE(may_choose(asked.request, choice.arm));
    ASSERT_EQ(choice.propensity, choice.probability[choice.arm]);
    ASSERT_EQ(choice.explores, choice.arm != asked.request.incumbent);
    ASSERT_GE(choice.extra, Money());
    ASSERT_LE(choice.extra, std::max(asked.request.budget, Money()));
    if (asked.request.pinned) {
      ASSERT_EQ(choice.arm, asked.request.incumbent);
      ASSERT_EQ(choice.propensity, 1);
    }
    explored += choice.explores ? 1 : 0;
    pinned += asked.request.pinned ? 1 : 0;
  }
  EXPECT_GT(explored, 1'000);
  EXPECT_GT(pinned, 500);
}

TEST_P(BothKinds, ABudgetIsNeverOverspent) {
  const RandomKey key(12, 0, Purpose::kTest);
  const Bandit bandit = taught({.kind = GetParam(), .width = 1, .mixing = 0.5}, 2);
  const Money budget(100'000'000);
  Money left = budget;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    RandomStream stream(key, seed);
    Asked asked;
    draw_request(stream, asked);
    asked.request.budget = left;
    asked.request.tolerance = 1;
    left -= bandit.choose(asked.request).extra;
    ASSERT_GE(left, Money());
  }
  EXPECT_LT(left, Money(10'000'000)) << "the budget was never put to use";
}

// Goal: the logged propensity is the frequency.  Method: draws spread evenly over (0, 1).
TEST_P(BothKinds, ChoosesAsOftenAsItsPropensitySays) {
  const Bandit bandit = taught({.kind = GetParam(), .width = 1, .mixing = 0.1}, 3);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomStream stream(RandomKey(13, 0, Purpose::kTest), seed);
    Asked asked;
    draw_request(stream, asked);
    std::array<int, kArms> count{};
    constexpr int kDraws = 2'000;
    ArmChoice choice;
    for (int i = 0; i < kDraws; ++i) {
      asked.request.draw = (i + 0.5) / kDraws;
      choice = bandit.choose(asked.request);
      ++count[choice.arm];
    }
    for (std::size_t i = 0; i < kArms; ++i) {
      EXPECT_NEAR(count[i], choice.probability[i] * kDraws, 1.01) << seed;
    }
  }
}

TEST_P(BothKinds, ChoosingAllocatesNothing) {
  const Bandit bandit = taught({.kind = GetParam()}, 4);
  RandomStream stream(RandomKey(14, 0, Purpose::kTest), 0);
  Asked asked;
  draw_request(stream, asked);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) static_cast<void>(bandit.choose(asked.request));
  EXPECT_EQ(allocations(), before);
}

TEST_P(BothKinds, FindsTheBestArm) {
  Bandit bandit = make_bandit({.kind = GetParam(), .width = 0.5});
  const RandomKey key(15, 0, Purpose::kTest);
  int best = 0;
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    RandomStream stream(key, i);
    Asked asked;
    draw_request(stream, asked);
    for (ArmForecast& arm : asked.arms) arm = {true, 0.5, Money()};
    asked.request.pinned = false;
    const ArmChoice choice = bandit.choose(asked.request);
    const double right = asked.features[2] > 0 ? 0.9 : 0.1;  // Arm 1; arm 2 is its mirror image.
    const double chance = choice.arm == 1 ? right : choice.arm == 2 ? 1 - right : 0.4;
    bandit.observe(choice.arm, asked.features, stream.uniform() < chance ? 1 : 0, kStart);
    if (i >= 2'000) best += choice.arm == (asked.features[2] > 0 ? 1u : 2u) ? 1 : 0;
  }
  EXPECT_GT(best, 850);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BothKinds,
                         testing::Values(BanditKind::kLinUcb, BanditKind::kThompson));

// What ridge regression says, from all rows at once.
TEST(BanditTest, LearnsWhatRidgeRegressionDoes) {
  Bandit bandit = make_bandit({.penalty = 0.7});
  Eigen::Matrix3d gram = Eigen::Matrix3d::Identity() * 0.7;
  Eigen::Vector3d right = Eigen::Vector3d::Zero();
  for (std::uint64_t i = 0; i < 40; ++i) {
    RandomStream stream(RandomKey(16, 0, Purpose::kTest), i);
    const auto x = draw_features(stream);
    const double quality = stream.uniform();
    bandit.observe(2, x, quality, kStart);
    const Eigen::Vector3d one(x.data());
    gram += one * one.transpose();
    right += quality * one;
  }
  const std::array<double, kDimensions> x = {1, 0.3, -0.4};
  const Eigen::Vector3d one(x.data());
  const ArmOpinion opinion = bandit.opinion(2, x);
  EXPECT_NEAR(opinion.mean, one.dot(gram.ldlt().solve(right)), 1e-12);
  EXPECT_NEAR(opinion.error, std::sqrt(one.dot(gram.ldlt().solve(one))), 1e-12);
}

TEST(BanditTest, ChoosesTheHighestBound) {
  const Bandit bandit = taught({.width = 0.8, .mixing = 0}, 5, 30);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream stream(RandomKey(17, 0, Purpose::kTest), seed);
    Asked asked;
    draw_request(stream, asked);
    std::size_t top = asked.request.incumbent;
    const auto bound = [&](std::size_t arm) {
      const ArmOpinion opinion = bandit.opinion(arm, asked.features);
      return opinion.mean + 0.8 * opinion.error -
             static_cast<double>(asked.arms[arm].cost.count()) / 50e6;
    };
    for (std::size_t i = 0; i < kArms; ++i) {
      if (may_choose(asked.request, i) && bound(i) > bound(top)) top = i;
    }
    const ArmChoice choice = bandit.choose(asked.request);
    EXPECT_EQ(choice.arm, top);
    EXPECT_EQ(choice.propensity, 1);
  }
}

TEST(BanditTest, BelievesTheForecastUntilOutcomesSayOtherwise) {
  const std::vector<double> sample = {1, 0.2, 0.5, 1, 0.9, -0.5, 1, 0.5, 0.1, 1, 0.4, -0.9};
  Bandit firm = make_bandit({}), faint = make_bandit({});
  firm.believe(1, 1, sample, 1'000);
  faint.believe(1, 1, sample, 10);
  const std::array<double, kDimensions> x = {1, 0.7, 0.2};
  EXPECT_NEAR(firm.opinion(1, x).mean, 0.7, 1e-9);
  EXPECT_NEAR(faint.opinion(1, x).mean, 0.7, 1e-9);
  EXPECT_NEAR(firm.opinion(0, x).mean, 0, 1e-9);
  EXPECT_LT(firm.opinion(1, x).error, faint.opinion(1, x).error);
  for (int i = 0; i < 50; ++i) {
    firm.observe(1, x, 0, kStart);
    faint.observe(1, x, 0, kStart);
  }
  EXPECT_GT(firm.opinion(1, x).mean, 0.6);
  EXPECT_LT(faint.opinion(1, x).mean, 0.2);
}

TEST(BanditTest, OldOutcomesFadeByHalfLives) {
  const std::array<double, kDimensions> x = {1, 0, 0};
  const Duration hour = std::chrono::hours(1);
  Bandit bandit = make_bandit({.penalty = 1, .half_life = hour});
  for (int i = 0; i < 8; ++i) bandit.observe(0, x, 1, kStart);
  EXPECT_NEAR(bandit.opinion(0, x).mean, 8.0 / 9, 1e-12);
  Bandit aged = bandit;
  aged.age(kStart + 2 * hour);
  EXPECT_NEAR(aged.opinion(0, x).mean, 2.0 / 3, 1e-12);
  EXPECT_NEAR(aged.opinion(0, x).error, std::sqrt(1.0 / 3), 1e-12);
  // An observation ages what was learnt before it; an earlier one ages nothing.
  bandit.observe(0, x, 0, kStart + 3 * hour);
  EXPECT_NEAR(bandit.opinion(0, x).mean, 1.0 / 3, 1e-12);
  bandit.observe(0, x, 0, kStart);
  EXPECT_NEAR(bandit.opinion(0, x).mean, 1.0 / 4, 1e-12);
  // What is believed does not age.
  Bandit firm = make_bandit({.half_life = hour});
  firm.believe(0, 0, std::vector<double>{1, 0, 0}, 100);
  firm.age(kStart + 1'000 * hour);
  EXPECT_NEAR(firm.opinion(0, x).mean, 1, 1e-12);
}

TEST(BestOfNormalsTest, TwoVariablesHaveAClosedForm) {
  for (const double gap : {-2.0, -0.3, 0.0, 0.1, 1.0}) {
    for (const double wide : {0.001, 0.1, 1.0, 30.0}) {
      const std::array<Normal, 2> two = {{{gap, 0.5}, {0, wide}}};
      std::array<double, 2> chance;
      best_of_normals(two, chance);
      EXPECT_NEAR(chance[0], normal_cdf(gap / std::sqrt(0.25 + wide * wide)), 0.005)
          << gap << " " << wide;
      EXPECT_NEAR(chance[0] + chance[1], 1, 1e-12);
    }
  }
}

TEST(BestOfNormalsTest, AgreesWithManyDraws) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    RandomStream stream(RandomKey(18, 0, Purpose::kTest), seed);
    std::vector<Normal> variables(2 + 3 * seed);
    for (Normal& one : variables) one = {stream.uniform(), stream.uniform() * 0.6};
    std::vector<double> chance(variables.size()), count(variables.size(), 0);
    best_of_normals(variables, chance);
    constexpr int kDraws = 40'000;
    for (int i = 0; i < kDraws; ++i) {
      std::size_t top = 0;
      double highest = -1e9;
      for (std::size_t k = 0; k < variables.size(); ++k) {
        const double value =
            variables[k].mean + variables[k].deviation * normal_quantile(stream.uniform());
        if (value > highest) top = k;
        highest = std::max(highest, value);
      }
      count[top] += 1.0 / kDraws;
    }
    for (std::size_t k = 0; k < chance.size(); ++k) EXPECT_NEAR(chance[k], count[k], 0.01) << seed;
  }
}

TEST(BestOfNormalsTest, CertainValuesWinForCertain) {
  std::array<double, 3> chance;
  best_of_normals(std::array<Normal, 3>{{{1, 0}, {0, 0}, {0.5, 0}}}, chance);
  EXPECT_NEAR(chance[0], 1, 1e-9);
  best_of_normals(std::array<Normal, 3>{{{1, 0}, {1, 0}, {0.5, 0}}}, chance);
  EXPECT_NEAR(chance[0], 0.5, 1e-9);
  EXPECT_NEAR(chance[2], 0, 1e-9);
}

TEST(BanditTest, RefusesEveryOptionOutOfRange) {
  const auto bandit = Bandit::create({.arms = 33,
                                      .dimensions = 65,
                                      .penalty = 0,
                                      .width = -1,
                                      .mixing = 1.5,
                                      .half_life = Duration(0)});
  ASSERT_FALSE(bandit);
  std::vector<std::string> where;
  for (const Error& error : bandit.error()) where.push_back(error.where);
  EXPECT_EQ(where, (std::vector<std::string>{"bandit/arms", "bandit/dimensions", "bandit/penalty",
                                             "bandit/width", "bandit/mixing", "bandit/half_life"}));
}

}  // namespace
}  // namespace fare
