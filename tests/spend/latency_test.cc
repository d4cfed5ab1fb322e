#include "fare/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "allocations.h"
#include "base/random.h"

namespace fare {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();

TEST(LatencyTest, AColdTargetIsAsFastAsThePriorSays) {
  DecayingMean mean(seconds(10));
  EXPECT_EQ(mean.mean(42, kStart), 42);
  EXPECT_EQ(mean.upper(0.9), std::nullopt);
  mean.observe(10, kStart);
  EXPECT_DOUBLE_EQ(mean.mean(42, kStart), 26);
  EXPECT_DOUBLE_EQ(mean.mean(42, kStart + seconds(10)), (0.5 * 10 + 42) / 1.5);
  EXPECT_NEAR(mean.mean(42, kStart + seconds(1'000)), 42, 1e-9);  // Long forgotten.
  DecayingPeak peak(seconds(10));
  EXPECT_EQ(peak.value(42, kStart), 42);
}

// Decayed by time, not by count: a burst of a thousand counts for its time only.
TEST(LatencyTest, DecaysByTimeAndNotByCount) {
  DecayingMean mean(seconds(10));
  for (int i = 0; i < 100; ++i) mean.observe(1, kStart);
  for (int i = 0; i < 100; ++i) mean.observe(3, kStart + seconds(10));
  EXPECT_NEAR(mean.weight(kStart + seconds(10)), 150, 1e-9);
  EXPECT_NEAR(mean.mean(0, kStart + seconds(10)) * 151, 100 * 0.5 + 300, 1e-9);
}

// Goal: mean, weight and upper() are those of all observations with their weights, in any order.
TEST(LatencyTest, IsExactAgainstAllObservations) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
    DecayingMean mean(seconds(10));
    std::vector<std::pair<double, Instant>> all;
    Instant now = kStart;
    Instant latest = kStart;
    for (int i = 0; i < 200; ++i) {
      now += milliseconds(static_cast<std::int64_t>(random.below(400))) - milliseconds(100);
      latest = std::max(latest, now);
      all.emplace_back(std::exp(2 * random.uniform()), now);
      mean.observe(all.back().first, now);
    }
    double weights = 0;
    double sum = 0;
    const auto weight = [&latest](Instant at) {
      return std::exp2(-static_cast<double>((latest - at).count()) / 1e10);
    };
    for (const auto& [value, at] : all) {
      weights += weight(at);
      sum += weight(at) * value;
    }
    EXPECT_NEAR(mean.weight(latest) / weights, 1, 1e-9);
    EXPECT_NEAR(mean.mean(0, latest) * (weights + 1) / sum, 1, 1e-9);
    for (const double quantile : {0.0, 0.5, 0.9, 0.99}) {
      const double bound = mean.upper(quantile).value();
      double below = 0;
      double squares = 0;
      for (const auto& [value, at] : all) {
        if (value <= bound * (1 + 1e-12)) below += weight(at);
        squares += weight(at) * (value - sum / weights) * (value - sum / weights);
      }
      EXPECT_GE(below / weights, quantile - 1e-9);
      const double deviation = std::sqrt(squares / weights);
      EXPECT_NEAR(bound, sum / weights + deviation * std::sqrt(quantile / (1 - quantile)), 1e-9);
    }
  }
}

TEST(LatencyTest, APeakJumpsUpAndComesDownByHalves) {
  DecayingPeak peak(seconds(10));
  peak.observe(100, kStart);
  peak.observe(500, kStart + seconds(1));
  EXPECT_EQ(peak.value(100, kStart + seconds(1)), 500);
  EXPECT_DOUBLE_EQ(peak.value(100, kStart + seconds(11)), 300);
  peak.observe(100, kStart + seconds(11));
  EXPECT_DOUBLE_EQ(peak.value(0, kStart + seconds(11)), 300);
}

TEST(LatencyTest, FirstTokenAndLaterOnesAreApart) {
  TargetLatency latency(seconds(10));
  latency.observe(milliseconds(400), milliseconds(1'400), 101, kStart);
  latency.observe(milliseconds(600), milliseconds(600), 1, kStart);
  EXPECT_DOUBLE_EQ(latency.first_token_ns().upper(0).value(), 5e8);
  EXPECT_DOUBLE_EQ(latency.per_token_ns().upper(0).value(), 1e7);
  EXPECT_DOUBLE_EQ(latency.first_token_peak_ns().value(0, kStart), 6e8);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1'000; ++i) latency.observe(milliseconds(1), milliseconds(9), 9, kStart);
  EXPECT_EQ(allocations(), before);
}

TEST(LatencyTest, MedianOfAPool) {
  std::vector<double> none;
  EXPECT_EQ(median(none), std::nullopt);
  std::vector<double> odd = {9, 1, 5};
  EXPECT_EQ(median(odd), 5);
  std::vector<double> even = {9, 1, 5, 2};
  EXPECT_EQ(median(even), 3.5);
}

}  // namespace
}  // namespace fare
