#include "engine/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/samplers.h"

namespace routesim {
namespace {

using fare::Duration;

constexpr double kShares[] = {0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

// Goal: every quantile is within 0.8 % of the record of its rank.
// Method: log-normal samples over many magnitudes, against sorting them.
TEST(HistogramTest, QuantilesAreWithinAPercentOfSorting) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream random(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
    Histogram histogram;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 5'000; ++i) {
      const double value = fare::lognormal(random.uniform(), static_cast<double>(seed) * 2, 1.5);
      all.push_back(static_cast<std::int64_t>(value));
      histogram.record(Duration(all.back()));
    }
    std::sort(all.begin(), all.end());
    for (const double share : kShares) {
      const auto rank = std::max(1.0, std::ceil(share * 5'000.0));
      const auto exact = static_cast<double>(all[static_cast<std::size_t>(rank) - 1]);
      const auto found = static_cast<double>(histogram.quantile(share).count());
      ASSERT_NEAR(found, exact, exact * 0.008) << "share " << share;
    }
  }
}

TEST(HistogramTest, SmallAndExtremeValuesAreExactEnough) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{127}, std::int64_t{128}, std::int64_t{255},
        std::int64_t{256}, Duration::max().count()}) {
    Histogram histogram;
    histogram.record(Duration(value));
    const double found = static_cast<double>(histogram.quantile(0.5).count());
    EXPECT_NEAR(found, static_cast<double>(value), static_cast<double>(value) * 0.004);
  }
}

TEST(HistogramTest, MergingEqualsRecordingAll) {
  fare::RandomStream random(fare::RandomKey(7, 0, fare::Purpose::kTest), 0);
  Histogram a;
  Histogram b;
  Histogram both;
  for (int i = 0; i < 10'000; ++i) {
    const Duration value(static_cast<std::int64_t>(random.below(1'000'000'000)));
    (i % 3 == 0 ? a : b).record(value);
    both.record(value);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  for (const double share : kShares) EXPECT_EQ(a.quantile(share), both.quantile(share));
}

}  // namespace
}  // namespace routesim
