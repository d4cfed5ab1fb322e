// Goal: on real outcomes, off-policy intervals hold what they promise, and a learner that starts
// from an offline model earns more than the strong model alone.
// Method: RouteLLM's MMLU prompts; a model learnt from 1,500 of them; every other prompt's outcome
// on both models is known, so the truth is.  Reward = right - .10 x cost relative to the strong
// model's (Mixtral costs $0.24 where gpt-4-1106-preview costs $24.7 a million tokens, RouteLLM's
// figures).

#include "study/ope_replay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "fare/warm_start.h"
#include "places.h"

namespace routesim {
namespace {

constexpr double kStrongPrice = 0.10, kWeakPrice = 0.10 * 0.24 / 24.7;

// Sanitizers slow the replications down tenfold; there they are run for defects, not for coverage.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Loaded once; nothing where the data is not there.
const PairReplay* mmlu() {
  static const std::optional<PairReplay> loaded = []() -> std::optional<PairReplay> {
    const std::string folder = std::string(fare::kSourceDir) + "/../shared/data/routing/";
    if (!std::filesystem::exists(folder + "routellm/mmlu")) return std::nullopt;
    auto pair = replay_pair(folder + "routellm/mmlu", 1'500, 1, kStrongPrice, kWeakPrice);
    EXPECT_TRUE(pair) << fare::to_text(pair.error());
    return std::move(*pair);
  }();
  return loaded ? &*loaded : nullptr;
}

TEST(OpeReplayTest, IntervalsCoverTheTruth) {
  if (mmlu() == nullptr) GTEST_SKIP() << "the data is not there";
  const KnownOutcomes& known = mmlu()->known;
  CoverageOptions options{.long_arm = mmlu()->strong, .short_arm = mmlu()->weak};
  if (kSanitized) options.replications = 10;
  const auto report = check_coverage(known, offline_policy(known), options);
  ASSERT_TRUE(report) << fare::to_text(report.error());
  EXPECT_NEAR(report->truth, 0.719, 0.01);
  if (kSanitized) return;
  for (const EstimatorRecord* one : {&report->snips, &report->doubly_robust}) {
    EXPECT_GE(one->coverage, 0.93);
    EXPECT_LE(one->coverage, 0.97);
    EXPECT_LE(std::abs(one->bias), 0.003);
  }
  EXPECT_LT(report->doubly_robust.rmse, report->ips.rmse / 2);
}

TEST(OpeReplayTest, AWarmLearnerBeatsTheStrongModelAlone) {
  if (mmlu() == nullptr) GTEST_SKIP() << "the data is not there";
  const KnownOutcomes& known = mmlu()->known;
  for (const fare::BanditKind kind : {fare::BanditKind::kLinUcb, fare::BanditKind::kThompson}) {
    auto bandit = fare::Bandit::create({.kind = kind, .dimensions = known.dimensions});
    ASSERT_TRUE(bandit) << fare::to_text(bandit.error());
    fare::warm_start(*bandit, mmlu()->model, mmlu()->prompts, 1'500);
    double gain = 0;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const OnlineResult result = replay_online(
          known, *bandit, {.incumbent = mmlu()->strong, .tolerance = 0.25, .seed = seed});
      gain += (result.reward - result.incumbent_reward) / 3;
      EXPECT_GT(result.explored, 0.1);
    }
    EXPECT_GE(gain, 0.008);
  }
}

}  // namespace
}  // namespace routesim
