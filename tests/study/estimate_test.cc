#include "study/estimate.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "base/samplers.h"

namespace routesim {
namespace {

TEST(EstimateTest, AgreesWithATextbookExample) {
  // Mean 5, standard deviation 2, n = 4: t(3, .975) = 3.182446.
  const std::vector<double> values = {3, 5, 3.0, 9};
  const Estimate found = estimate(values);
  EXPECT_DOUBLE_EQ(found.mean, 5);
  EXPECT_DOUBLE_EQ(variance(values), 8);
  EXPECT_NEAR(*found.half_width, 3.182446305 * 1.414213562, 1e-8);
}

TEST(EstimateTest, OneValueHasNoInterval) {
  const std::vector<double> values = {7};
  EXPECT_EQ(estimate(values).mean, 7);
  EXPECT_FALSE(estimate(values).half_width);
}

TEST(EstimateTest, EqualValuesHaveAnIntervalOfZero) {
  const std::vector<double> values(10, 0.1);
  EXPECT_NEAR(*estimate(values).half_width, 0, 1e-16);
  EXPECT_EQ(*estimate(std::vector<double>(10, 0.0)).half_width, 0);
}

// Goal: nominal 95 % intervals cover the truth in 95 % of cases.
// Method: 20,000 samples of ten normals; the count of covers is within four standard errors.
TEST(EstimateTest, IntervalsCoverTheTruthAsOftenAsTheySay) {
  constexpr int kTrials = 20'000;
  const fare::RandomKey key(11, 0, fare::Purpose::kTest);
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    fare::RandomStream random(key, static_cast<std::uint64_t>(trial));
    std::vector<double> values(10);
    for (double& value : values) value = 3 + fare::normal_quantile(random.uniform());
    const Estimate found = estimate(values);
    covered += found.mean - *found.half_width <= 3 && 3 <= found.mean + *found.half_width;
  }
  EXPECT_NEAR(covered / static_cast<double>(kTrials), 0.95, 4 * 0.00154);
}

}  // namespace
}  // namespace routesim
