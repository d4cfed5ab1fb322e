#include "base/samplers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/pareto.hpp>
#include <boost/math/distributions/weibull.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace fare {
namespace {

using boost::math::complement;

// Every seed is fixed, so a test passes always or never.  A statistic that a right sampler would
// exceed once in 10,000 seeds is what "too far" means here.
constexpr double kErrorRate = 1e-4;
constexpr std::uint64_t kSeeds = 3;
constexpr std::size_t kDraws = 100'000;
constexpr double kDoubleMax = std::numeric_limits<double>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

RandomStream stream_of(std::uint64_t seed) {
  return RandomStream(RandomKey(seed, 0, Purpose::kTest), 0);
}

double relative_error(double value, double exact) {
  return value == exact ? 0 : std::abs(value - exact) / std::abs(exact);
}

struct Moments {
  double mean;
  double variance;
  double kurtosis;
};

struct Law {
  std::string name;
  std::function<double(RandomStream&)> draw;
  std::function<double(double)> quantile;  // The sampler as a function of u; empty for gamma.
  std::function<double(double)> exact_cdf;
  std::function<double(double)> exact_quantile;
  std::optional<Moments> moments;  // None where the fourth is infinite, or as good as.
};

enum class HasMoments { kNo, kYes };

template <typename Exact>
Law drawn(std::string name, Exact exact, std::function<double(RandomStream&)> draw,
          HasMoments has_moments = HasMoments::kYes) {
  Law law;
  law.name = std::move(name);
  law.draw = std::move(draw);
  law.exact_cdf = [exact](double x) { return cdf(exact, x); };
  law.exact_quantile = [exact](double u) { return boost::math::quantile(exact, u); };
  if (has_moments == HasMoments::kYes) {
    law.moments = Moments{mean(exact), variance(exact), kurtosis(exact)};
  }
  return law;
}

template <typename Exact>
Law inverted(std::string name, Exact exact, const std::function<double(double)>& quantile,
             HasMoments has_moments = HasMoments::kYes) {
  Law law = drawn(
      std::move(name), exact, [quantile](RandomStream& s) { return quantile(s.uniform()); },
      has_moments);
  law.quantile = quantile;
  return law;
}

Law exponential_law(double mean) {
  return inverted("exponential " + std::to_string(mean),
                  boost::math::exponential_distribution<>(1 / mean),
                  [=](double u) { return exponential(u, mean); });
}

Law lognormal_law(double mu, double sigma, HasMoments has_moments) {
  return inverted(
      "lognormal " + std::to_string(sigma), boost::math::lognormal_distribution<>(mu, sigma),
      [=](double u) { return lognormal(u, mu, sigma); }, has_moments);
}

Law weibull_law(double shape, double scale) {
  return inverted("weibull " + std::to_string(shape),
                  boost::math::weibull_distribution<>(shape, scale),
                  [=](double u) { return weibull(u, shape, scale); });
}

Law pareto_law(double shape, double scale, HasMoments has_moments) {
  return inverted(
      "pareto " + std::to_string(shape), boost::math::pareto_distribution<>(scale, shape),
      [=](double u) { return pareto(u, shape, scale); }, has_moments);
}

Law gamma_law(double shape, double scale) {
  return drawn("gamma " + std::to_string(shape), boost::math::gamma_distribution<>(shape, scale),
               [=](RandomStream& s) { return gamma(s, shape, scale); });
}

std::vector<Law> all_laws() {
  return {
      inverted("normal", boost::math::normal_distribution<>(), normal_quantile),
      exponential_law(0.25),
      exponential_law(20),
      lognormal_law(0, 0.25, HasMoments::kYes),
      lognormal_law(6.63, 0.99, HasMoments::kYes),
      lognormal_law(-3, 2.5, HasMoments::kNo),
      weibull_law(0.5, 3),
      weibull_law(1, 0.1),
      weibull_law(1.5, 3),
      weibull_law(5, 1e6),
      pareto_law(0.8, 1, HasMoments::kNo),
      pareto_law(2.5, 10, HasMoments::kNo),
      pareto_law(9, 1e-3, HasMoments::kYes),
      gamma_law(0.1, 2),
      gamma_law(0.5, 1),
      gamma_law(1, 3),
      gamma_law(2.3, 1e-3),
      gamma_law(50, 10),
  };
}

std::vector<double> draws_of(const Law& law, std::uint64_t seed) {
  RandomStream stream = stream_of(seed);
  std::vector<double> draws(kDraws);
  for (double& draw : draws) draw = law.draw(stream);
  return draws;
}

void for_each_law_and_seed(const std::function<void(const Law&, std::uint64_t seed)>& test) {
  for (const Law& law : all_laws()) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(testing::Message() << law.name << ", seed=" << seed);
      test(law, seed);
    }
  }
}

// Goal: the draws follow the law, everywhere.
// Method: Kolmogorov and Smirnov's largest distance between the two distribution functions.
TEST(ContinuousSamplersTest, FollowTheExactDistribution) {
  const double limit = std::sqrt(-std::log(kErrorRate / 2) / 2 / static_cast<double>(kDraws));
  for_each_law_and_seed([&](const Law& law, std::uint64_t seed) {
    std::vector<double> draws = draws_of(law, seed);
    std::sort(draws.begin(), draws.end());
    double distance = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const double exact = law.exact_cdf(draws[i]);
      distance = std::max(distance, exact - static_cast<double>(i) / kDraws);
      distance = std::max(distance, static_cast<double>(i + 1) / kDraws - exact);
    }
    EXPECT_LE(distance, limit);
  });
}

// Goal: no bias that the largest distance overlooks, above all in the tails.
// Method: sample mean and variance, within 4 of their own standard errors.
TEST(ContinuousSamplersTest, HaveTheExactMeanAndVariance) {
  for_each_law_and_seed([](const Law& law, std::uint64_t seed) {
    if (!law.moments) return;
    const Moments& exact = *law.moments;
    const std::vector<double> draws = draws_of(law, seed);
    const double mean = std::accumulate(draws.begin(), draws.end(), 0.0) / kDraws;
    double squares = 0;
    for (const double draw : draws) squares += (draw - mean) * (draw - mean);
    const double variance = squares / (kDraws - 1);
    EXPECT_NEAR(mean, exact.mean, 4 * std::sqrt(exact.variance / kDraws));
    EXPECT_NEAR(variance, exact.variance,
                4 * exact.variance * std::sqrt((exact.kurtosis - 1) / kDraws));
  });
}

// Goal: to the last digits and out to the last number that a stream can give.
// Method: the sampler as a function of u against Boost.Math's quantile.
TEST(ContinuousSamplersTest, InvertTheExactDistribution) {
  std::vector<double> grid = {0x1p-54, 0x1p-53, 1 - 0x1p-53};
  for (int i = 1; i < 1'000; ++i) grid.push_back(i / 1'000.0);
  for (int i = 2; i < 53; ++i) grid.push_back(std::ldexp(1.25, -i));
  for (int i = 2; i < 51; ++i) grid.push_back(1 - std::ldexp(1.25, -i));
  for (const Law& law : all_laws()) {
    if (!law.quantile) continue;
    SCOPED_TRACE(law.name);
    for (const double u : grid) {
      EXPECT_LE(relative_error(law.quantile(u), law.exact_quantile(u)), 1e-14) << "u=" << u;
    }
  }
}

// Goal: a larger u never gives a smaller draw, so antithetic and truncated draws work.
// Method: over a sample of all u; then over neighbouring doubles, where the law itself moves less
// than rounding does: there a draw may fall by a few units in the last place, but by no more.
TEST(ContinuousSamplersTest, RiseWithTheUniformNumber) {
  RandomStream stream = stream_of(1);
  std::vector<double> grid = {0x1p-54, 0x1p-53, 1 - 0x1p-53};
  for (std::size_t i = 0; i < kDraws; ++i) grid.push_back(stream.uniform());
  std::sort(grid.begin(), grid.end());
  for (const Law& law : all_laws()) {
    if (!law.quantile) continue;
    SCOPED_TRACE(law.name);
    for (std::size_t i = 1; i < grid.size(); ++i) {
      const double draw = law.quantile(grid[i]);
      ASSERT_LE(law.quantile(grid[i - 1]), draw) << "u=" << grid[i];
      const double above = law.quantile(std::nextafter(grid[i - 1], 1));
      ASSERT_GE(above - law.quantile(grid[i - 1]), -4e-15 * std::abs(above)) << "u=" << grid[i];
    }
  }
}

TEST(ContinuousSamplersTest, AreConstantWithoutSpread) {
  for (const double u : {0x1p-54, 0.2, 0.5, 1 - 0x1p-53}) {
    EXPECT_EQ(lognormal(u, 0, 0), 1);
    EXPECT_DOUBLE_EQ(lognormal(u, 2, 0), std::exp(2));
  }
}

// Both from tail to tail, dense around the places where one approximation hands over to the next.
std::vector<double> probabilities() {
  std::vector<double> grid;
  for (int i = 1; i < 10'000; ++i) grid.push_back(i / 10'000.0);
  for (int i = 1; i <= 300; ++i) grid.push_back(3.7 * std::pow(10.0, -i));
  for (int i = 2; i <= 53; ++i) grid.push_back(1 - std::ldexp(1, -i));
  for (int i = 2; i <= 52; ++i) grid.push_back(0.5 - std::ldexp(1, -i));
  for (int i = 2; i <= 52; ++i) grid.push_back(0.5 + std::ldexp(1, -i));
  for (const double handover : {0.075, 0.925, std::exp(-25), 1 - std::exp(-25)}) {
    for (int i = -50; i <= 50; ++i) grid.push_back(handover * (1 + i * 0x1p-53));
  }
  return grid;
}

TEST(NormalTest, QuantileAgreesWithBoost) {
  const boost::math::normal_distribution<> exact;
  for (const double p : probabilities()) {
    const double expected = p < 0.5 ? quantile(exact, p) : quantile(complement(exact, 1 - p));
    EXPECT_LE(relative_error(normal_quantile(p), expected), 1e-15) << "p=" << p;
  }
}

// In long double: Boost rounds its argument, which in double would already cost 1e-14.
TEST(NormalTest, CdfAgreesWithBoost) {
  const boost::math::normal_distribution<long double> exact;
  std::vector<double> grid = {0, 1e-300, -1e-300, 1e-9, -1e-9};
  for (int i = -37'500; i <= 10'000; ++i) grid.push_back(i / 1'000.0);
  for (const double x : grid) {
    const auto expected = static_cast<double>(cdf(exact, static_cast<long double>(x)));
    EXPECT_LE(relative_error(normal_cdf(x), expected), 1e-15) << "x=" << x;
  }
}

// Goal: one is the inverse of the other.  A relative error e in a quantile x is one of about x^2 e
// in its tail probability, so that is how far a round trip may miss.
TEST(NormalTest, CdfAndQuantileInvertEachOther) {
  for (const double p : probabilities()) {
    const double x = normal_quantile(p);
    EXPECT_LE(relative_error(normal_cdf(x), p), 1e-15 * (2 + x * x)) << "p=" << p;
  }
  for (int i = -3'000; i <= 0; ++i) {
    const double x = i / 100.0;
    EXPECT_NEAR(normal_quantile(normal_cdf(x)), x, 1e-15 * (1 - x)) << "x=" << x;
  }
}

TEST(NormalTest, HitsKnownValues) {
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_DOUBLE_EQ(normal_quantile(0.975), 1.959963984540054);
  EXPECT_DOUBLE_EQ(normal_quantile(0.025), -1.959963984540054);
  EXPECT_DOUBLE_EQ(normal_quantile(0.999), 3.090232306167814);
  EXPECT_EQ(normal_cdf(0), 0.5);
  EXPECT_DOUBLE_EQ(normal_cdf(1), 0.8413447460685429);
  EXPECT_DOUBLE_EQ(normal_cdf(-10), 7.619853024160527e-24);
}

TEST(NormalTest, CdfEndsInZeroAndOne) {
  for (const double x : {39.0, 41.0, 1e10, 1e200, kDoubleMax}) {
    EXPECT_EQ(normal_cdf(-x), 0);
    EXPECT_EQ(normal_cdf(x), 1);
  }
}

// Pearson's statistic, with neighbouring cells joined until each expects ten draws, less its limit:
// positive where a right sampler would be once in 10,000 seeds.
double chi_square_excess(const std::vector<double>& observed, const std::vector<double>& expected) {
  std::vector<double> seen(1);
  std::vector<double> due(1);
  double left = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (std::size_t i = 0; i < observed.size(); ++i) {
    seen.back() += observed[i];
    due.back() += expected[i];
    left -= expected[i];
    if (due.back() < 10 || left < 10) continue;
    seen.push_back(0);
    due.push_back(0);
  }
  if (due.size() == 1) return seen[0] == std::round(due[0]) ? -1 : kInfinity;
  double sum = 0;
  for (std::size_t i = 0; i < due.size(); ++i)
    sum += (seen[i] - due[i]) * (seen[i] - due[i]) / due[i];
  const boost::math::chi_squared law(static_cast<double>(due.size() - 1));
  return sum - quantile(complement(law, kErrorRate));
}

// The sum of k^-e for k from `first` to `last`: term by term, or by Euler and Maclaurin's formula.
// From 33 on its next term is below 1e-7 of the sum.
double zipf_mass(std::uint64_t first, std::uint64_t last, double e) {
  double sum = 0;
  if (last - first < 100) {
    for (std::uint64_t k = first; k <= last; ++k) sum += std::pow(static_cast<double>(k), -e);
    return sum;
  }
  const double a = static_cast<double>(first);
  const double b = static_cast<double>(last);
  sum = e == 1 ? std::log(b / a) : (std::pow(b, 1 - e) - std::pow(a, 1 - e)) / (1 - e);
  sum += (std::pow(a, -e) + std::pow(b, -e)) / 2;
  return sum + e / 12 * (std::pow(a, -e - 1) - std::pow(b, -e - 1));
}

// Cells of one number up to 32, then of doubling width: the first number of each.
std::vector<std::uint64_t> zipf_cells(std::uint64_t n) {
  std::vector<std::uint64_t> firsts;
  for (std::uint64_t k = 1; k <= std::min<std::uint64_t>(n, 32); ++k) firsts.push_back(k);
  for (std::uint64_t power = 32; power < n; power *= 2) {
    firsts.push_back(power + 1);
    if (power > n / 2) break;
  }
  return firsts;
}

void expect_zipf(std::uint64_t n, double exponent, std::uint64_t seed) {
  const std::vector<std::uint64_t> firsts = zipf_cells(n);
  std::vector<double> expected(firsts.size());
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    const std::uint64_t last = i + 1 < firsts.size() ? firsts[i + 1] - 1 : n;
    expected[i] = zipf_mass(firsts[i], last, exponent);
  }
  const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (double& e : expected) e *= kDraws / total;
  std::vector<double> observed(firsts.size());
  const Zipf zipf(n, exponent);
  RandomStream stream = stream_of(seed);
  for (std::size_t i = 0; i < kDraws; ++i) {
    const std::uint64_t k = zipf(stream);
    ASSERT_GE(k, 1U);
    ASSERT_LE(k, n);
    const auto cell = std::upper_bound(firsts.begin(), firsts.end(), k) - firsts.begin() - 1;
    ++observed[static_cast<std::size_t>(cell)];
  }
  EXPECT_LE(chi_square_excess(observed, expected), 0);
}

TEST(ZipfTest, FollowsThePowerLaw) {
  for (const double exponent : {0.5, 1.0, 1.2, 2.5}) {
    for (const std::uint64_t n : {1, 2, 10, 1'000'000}) {
      for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(testing::Message()
                     << "exponent=" << exponent << " n=" << n << " seed=" << seed);
        expect_zipf(n, exponent, seed);
      }
    }
  }
}

// Goal: the formulas neither break down next to the exponent 1, where they divide by nearly 0, nor
// for a nearly flat law, nor where n is no longer exact as a double.
TEST(ZipfTest, FollowsThePowerLawAtTheEdges) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  struct Case {
    const char* name;
    std::uint64_t n;
    double exponent;
  };
  const Case cases[] = {
      {"just below one", 1'000'000, 1 - 1e-6},
      {"just above one", 1'000'000, 1 + 1e-6},
      {"a hair below one", 30, 1 - 0x1p-53},
      {"a hair above one", 30, 1 + 0x1p-52},
      {"nearly flat", 20, 1e-12},
      {"steep", 1'000'000, 20},
      {"10^15", 1'000'000'000'000'000, 0.5},
      {"10^15, one", 1'000'000'000'000'000, 1},
      {"2^64 - 1, one", kMost, 1},
      {"2^64 - 1, steeper", kMost, 1.2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_zipf(c.n, c.exponent, 7);
  }
}

TEST(ZipfTest, IsAlwaysOneWhereTheLawIsSteep) {
  for (const double exponent : {100.0, 1'000.0, 1e300}) {
    SCOPED_TRACE(testing::Message() << "exponent=" << exponent);
    const Zipf zipf(~std::uint64_t{0}, exponent);
    RandomStream stream = stream_of(0);
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(zipf(stream), 1U);
  }
}

struct Weights {
  const char* name;
  std::vector<double> weights;

  double total() const { return std::accumulate(weights.begin(), weights.end(), 0.0); }
};

std::vector<Weights> all_weights() {
  std::vector<double> harmonic(1'000);
  for (std::size_t i = 0; i < harmonic.size(); ++i)
    harmonic[i] = 1 / (1.0 + static_cast<double>(i));
  std::vector<double> random(777);
  RandomStream stream = stream_of(5);
  for (double& weight : random) weight = lognormal(stream.uniform(), 0, 3);
  return {
      {"one", {5}},
      {"equal", {1, 1, 1}},
      {"rising", {1, 2, 3, 4}},
      {"falling", {4, 3, 2, 1}},
      {"zeros between", {0, 3, 0, 0, 1, 0}},
      {"one but zeros", {0, 0, 1, 0}},
      {"lopsided", {1e-12, 1, 1e12, 1}},
      {"tiny", {1e-320, 3e-320}},
      {"huge", {1e308, 2e307, 3e307}},
      {"harmonic", harmonic},
      {"random", random},
  };
}

TEST(DiscreteTest, FollowsTheWeights) {
  for (const Weights& c : all_weights()) {
    const Discrete discrete(c.weights);
    std::vector<double> expected = c.weights;
    for (double& e : expected) e = e / c.total() * kDraws;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(testing::Message() << c.name << ", seed=" << seed);
      RandomStream stream = stream_of(seed);
      std::vector<double> observed(c.weights.size());
      for (std::size_t i = 0; i < kDraws; ++i) ++observed.at(discrete(stream.uniform()));
      EXPECT_LE(chi_square_excess(observed, expected), 0);
    }
  }
}

// Goal: each index owns its exact share of the interval, and weight zero owns none of it.
// Method: an even grid of u instead of chance.  A column is two intervals, and a grid counts an
// interval with an error below one.
TEST(DiscreteTest, GivesEachIndexItsShareOfTheInterval) {
  constexpr std::size_t kGrid = 1 << 20;
  for (const Weights& c : all_weights()) {
    SCOPED_TRACE(c.name);
    const Discrete discrete(c.weights);
    std::vector<double> counts(c.weights.size());
    for (std::size_t i = 0; i < kGrid; ++i) {
      ++counts.at(discrete((static_cast<double>(i) + 0.5) / kGrid));
    }
    double error = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      error += std::abs(counts[i] - c.weights[i] / c.total() * kGrid);
      if (c.weights[i] == 0) {
        EXPECT_EQ(counts[i], 0) << "index " << i;
      }
    }
    EXPECT_LE(error, 2.0 * static_cast<double>(counts.size()));
  }
}

// Goal: nor at the very start of a column, which hardly any draw would hit.
TEST(DiscreteTest, NeverGivesWeightZeroAtTheStartOfAColumn) {
  const Discrete discrete(std::vector<double>{0, 0, 1, 0});
  for (const double u : {0.25, 0.5, 0.75}) EXPECT_EQ(discrete(u), 2U) << "u=" << u;
}

TEST(DiscreteTest, StaysInRangeAtBothEndsOfTheInterval) {
  for (std::size_t count = 1; count < 2'000; ++count) {
    const Discrete discrete(std::vector<double>(count, 1));
    EXPECT_EQ(discrete(0x1p-54), 0U);
    EXPECT_EQ(discrete(1 - 0x1p-53), count - 1);
  }
}

// Goal: a seed keeps its meaning for ever: a change of code that changes a draw is seen here.
// Method: values to the last bit, at least one from each branch of each sampler.  A C library may
// differ by that bit in rare places; these hold with and without fused multiply-add in glibc.
TEST(SamplersGoldenTest, QuantilesKeepTheirBits) {
  struct Case {
    const char* name;
    double value;
    double expected;
  };
  const Case cases[] = {
      {"normal_quantile(2^-54)", normal_quantile(0x1p-54), -0x1.095b059d67c4cp+3},
      {"normal_quantile(1e-12)", normal_quantile(1e-12), -0x1.c234fba57a32ap+2},
      {"normal_quantile(0.001)", normal_quantile(0.001), -0x1.8b8cbb720447p+1},
      {"normal_quantile(0.3)", normal_quantile(0.3), -0x1.0c7e39582c5fap-1},
      {"normal_quantile(0.8)", normal_quantile(0.8), 0x1.aee8fa73a1335p-1},
      {"normal_quantile(0.99)", normal_quantile(0.99), 0x1.29c5c4630ff0ep+1},
      {"normal_quantile(1 - 2^-53)", normal_quantile(1 - 0x1p-53), 0x1.06b48528cea51p+3},
      {"normal_cdf(-30)", normal_cdf(-30), 0x1.7795ad05ea397p-656},
      {"normal_cdf(-3.3)", normal_cdf(-3.3), 0x1.fae82e1b2d7b5p-12},
      {"normal_cdf(-0.4)", normal_cdf(-0.4), 0x1.60d91f7ac901ap-2},
      {"normal_cdf(0.6)", normal_cdf(0.6), 0x1.73951868dff28p-1},
      {"normal_cdf(1.7)", normal_cdf(1.7), 0x1.e92eb735d787p-1},
      {"normal_cdf(6.1)", normal_cdf(6.1), 0x1.fffffffb71c3dp-1},
      {"exponential(2^-54, 20)", exponential(0x1p-54, 20), 0x1.4p-50},
      {"exponential(1e-5, 20)", exponential(1e-5, 20), 0x1.a36eb8225f806p-13},
      {"exponential(0.3, 20)", exponential(0.3, 20), 0x1.c88b3ee198f23p+2},
      {"exponential(0.97, 20)", exponential(0.97, 20), 0x1.18864e44c9966p+6},
      {"exponential(1 - 2^-53, 20)", exponential(1 - 0x1p-53, 20), 0x1.6f5e359f105f8p+9},
      {"lognormal(2^-54, 6.63, 0.99)", lognormal(0x1p-54, 6.63, 0.99), 0x1.a61309a558139p-3},
      {"lognormal(0.02, 6.63, 0.99)", lognormal(0.02, 6.63, 0.99), 0x1.8ca94f6b51528p+6},
      {"lognormal(0.6, 6.63, 0.99)", lognormal(0.6, 6.63, 0.99), 0x1.e6b582653330cp+9},
      {"lognormal(0.97, 6.63, 0.99)", lognormal(0.97, 6.63, 0.99), 0x1.30b89a5d6e5a2p+12},
      {"weibull(2^-54, 1.5, 3)", weibull(0x1p-54, 1.5, 3), 0x1.8000000000009p-35},
      {"weibull(0.3, 1.5, 3)", weibull(0.3, 1.5, 3), 0x1.8241c65d5da74p+0},
      {"weibull(0.97, 1.5, 3)", weibull(0.97, 1.5, 3), 0x1.bb2792488e396p+2},
      {"weibull(0.97, 0.4, 3)", weibull(0.97, 0.4, 3), 0x1.144d458d5f856p+6},
      {"pareto(2^-54, 2.5, 10)", pareto(0x1p-54, 2.5, 10), 0x1.4p+3},
      {"pareto(0.3, 2.5, 10)", pareto(0.3, 2.5, 10), 0x1.71125be17e074p+3},
      {"pareto(0.97, 2.5, 10)", pareto(0.97, 2.5, 10), 0x1.4544a2cdcfe2cp+5},
      {"pareto(1 - 2^-53, 0.8, 10)", pareto(1 - 0x1p-53, 0.8, 10), 0x1.7c8bd8cbe24dap+69},
  };
  for (const Case& c : cases)
    EXPECT_EQ(c.value, c.expected) << c.name << ' ' << std::hexfloat << c.value;
}

TEST(SamplersGoldenTest, StreamSamplersKeepTheirBits) {
  const Zipf flat(1'000'000, 0.5);
  const Zipf plain(1'000'000, 1);
  const Zipf steep(1'000'000, 2.5);
  const Discrete rising(std::vector<double>{1, 2, 3, 4});
  struct Case {
    const char* name;
    std::function<double(RandomStream&)> draw;
    std::vector<double> expected;
  };
  const Case cases[] = {
      {"gamma 0.1",
       [&](RandomStream& s) { return gamma(s, 0.1, 2); },
       {0x1.38c70a79bf4f9p-30, 0x1.072bc5ca51c63p-24, 0x1.754bc43776611p-59, 0x1.c5c29f9c3b448p-6,
        0x1.538d36287d86p-17, 0x1.82b85c68fd24ep-41}},
      {"gamma 0.5",
       [&](RandomStream& s) { return gamma(s, 0.5, 2); },
       {0x1.9c407ec98c848p-5, 0x1.31060e5bb0377p-3, 0x1.1e016684b788bp-10, 0x1.4bee36b9760dap+0,
        0x1.4943a03f5b0dbp-2, 0x1.10d9f67db4927p-10}},
      {"gamma 1",
       [&](RandomStream& s) { return gamma(s, 1, 2); },
       {0x1.6b147bd6d0ba5p-3, 0x1.45ea50590e60ep-2, 0x1.fdf0eb39fc259p+1, 0x1.f56a3ac15a9b8p-1,
        0x1.eec063cdc41aap+0, 0x1.34816e9e67a67p-1}},
      {"gamma 2.3",
       [&](RandomStream& s) { return gamma(s, 2.3, 2); },
       {0x1.6ff95d4c4a322p+0, 0x1.dbe8d2a98b2cap+0, 0x1.f335dc05d1b6cp+2, 0x1.cf388636254fap-2,
        0x1.a64f61160a42p+1, 0x1.3a3387c139796p+2}},
      {"gamma 50",
       [&](RandomStream& s) { return gamma(s, 50, 2); },
       {0x1.4d7b5593e00e2p+6, 0x1.5b2c3ccd7cc75p+6, 0x1.cd4bc9ce2b1ep+6, 0x1.1f847322e6188p+6,
        0x1.7ffca9b0515f6p+6, 0x1.9fcd509233d57p+6}},
      {"Zipf 0.5",
       [&](RandomStream& s) { return static_cast<double>(flat(s)); },
       {782998, 81322, 678881, 698780, 19886, 516214}},
      {"Zipf 1",
       [&](RandomStream& s) { return static_cast<double>(plain(s)); },
       {190100, 33, 78958, 93858, 4, 17255}},
      {"Zipf 2.5",
       [&](RandomStream& s) { return static_cast<double>(steep(s)); },
       {3, 1, 2, 2, 1, 1}},
      {"Discrete",
       [&](RandomStream& s) { return static_cast<double>(rising(s.uniform())); },
       {3, 2, 3, 3, 3, 1}},
  };
  for (const Case& c : cases) {
    RandomStream stream = stream_of(2'026);
    for (const double expected : c.expected) {
      const double value = c.draw(stream);
      EXPECT_EQ(value, expected) << c.name << ' ' << std::hexfloat << value;
    }
  }
}

// Goal: as above, for rejections too: one more or one less shifts every later draw.
TEST(SamplersGoldenTest, ZipfKeepsTheSumOfManyDraws) {
  struct Case {
    double exponent;
    std::uint64_t expected;
  };
  constexpr Case kCases[] = {{0.5, 34'082'558}, {1, 13'320'111}, {2.5, 194'269}};
  for (const Case& c : kCases) {
    const Zipf zipf(1'000, c.exponent);
    RandomStream stream = stream_of(2'026);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kDraws; ++i) sum += zipf(stream);
    EXPECT_EQ(sum, c.expected) << "exponent=" << c.exponent;
  }
}

TEST(SamplersDeathTest, RefuseBadParameters) {
  RandomStream stream = stream_of(0);
  const double nan = std::nan("");
  EXPECT_DEATH(normal_quantile(0), "check failed");
  EXPECT_DEATH(normal_quantile(1), "check failed");
  EXPECT_DEATH(normal_quantile(nan), "check failed");
  EXPECT_DEATH(normal_cdf(nan), "check failed");
  EXPECT_DEATH(exponential(1, 1), "check failed");
  EXPECT_DEATH(exponential(0.5, 0), "check failed");
  EXPECT_DEATH(exponential(0.5, kInfinity), "check failed");
  EXPECT_DEATH(lognormal(0.5, nan, 1), "check failed");
  EXPECT_DEATH(lognormal(0.5, 0, -1), "check failed");
  EXPECT_DEATH(weibull(0, 1, 1), "check failed");
  EXPECT_DEATH(weibull(0.5, 0, 1), "check failed");
  EXPECT_DEATH(pareto(0.5, 1, -1), "check failed");
  EXPECT_DEATH(gamma(stream, 0, 1), "check failed");
  EXPECT_DEATH(gamma(stream, 1, nan), "check failed");
}

TEST(SamplersDeathTest, RefuseBadLaws) {
  using List = std::vector<double>;
  EXPECT_DEATH(Zipf(0, 1), "check failed");
  EXPECT_DEATH(Zipf(10, 0), "check failed");
  EXPECT_DEATH(Zipf(10, kInfinity), "check failed");
  EXPECT_DEATH(Discrete(List{}), "check failed");
  EXPECT_DEATH(Discrete(List{0, 0}), "check failed");
  EXPECT_DEATH(Discrete(List{2, -1}), "check failed");
  EXPECT_DEATH(Discrete(List{1, std::nan("")}), "check failed");
  EXPECT_DEATH(Discrete(List{1e308, 1e308}), "check failed");
  EXPECT_DEATH(Discrete(List{1, 2})(1), "check failed");
}

}  // namespace
}  // namespace fare
