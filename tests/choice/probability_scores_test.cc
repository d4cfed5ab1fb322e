#include "fare/probability_scores.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace fare {
namespace {

TEST(ProbabilityScoresTest, AgreesWithSumsByHand) {
  const std::vector<Forecast> forecasts = {{0.9, 1}, {0.8, 0}, {0.1, 0}, {0.15, 1}};
  EXPECT_NEAR(brier(forecasts), (0.01 + 0.64 + 0.01 + 0.7225) / 4, 1e-12);
  EXPECT_NEAR(brier_of_mean(forecasts), 0.25, 1e-12);
  // Bins: {0.1, 0.15} against {0, 1}, {0.8} against 0, {0.9} against 1.
  EXPECT_NEAR(calibration_error(forecasts), (0.75 + 0.8 + 0.1) / 4, 1e-12);
  EXPECT_NEAR(auroc(forecasts), 3.0 / 4, 1e-12);
}

TEST(ProbabilityScoresTest, AurocCountsPairs) {
  const RandomKey key(1, 0, Purpose::kTest);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomStream stream(key, seed);
    std::vector<Forecast> rows;
    for (int i = 0; i < 30; ++i) {
      rows.push_back({static_cast<double>(stream.below(8)), static_cast<double>(stream.below(2))});
    }
    double won = 0, pairs = 0;
    for (const Forecast& a : rows) {
      for (const Forecast& b : rows) {
        if (!(a.truth > b.truth)) continue;
        pairs += 1;
        won += a.probability > b.probability ? 1 : a.probability == b.probability ? 0.5 : 0;
      }
    }
    EXPECT_NEAR(auroc(rows), pairs > 0 ? won / pairs : 0.5, 1e-12) << "seed=" << seed;
  }
}

TEST(ProbabilityScoresTest, OneKindOfTruthRanksNothing) {
  const std::vector<Forecast> forecasts = {{0.9, 1}, {0.2, 1}};
  EXPECT_EQ(auroc(forecasts), 0.5);
}

}  // namespace
}  // namespace fare
