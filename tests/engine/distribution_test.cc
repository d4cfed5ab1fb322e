#include "engine/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/pareto.hpp>
#include <boost/math/distributions/weibull.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/random.h"

namespace routesim {
namespace {

using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;
using Cdf = std::function<double(double)>;
using Kind = Distribution::Kind;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string problems_of(const std::string& text) {
  fare::Problems problems("d");
  const fare::JsonDocument document(text, problems);
  const std::optional<Distribution> distribution = read_distribution(document.root());
  const fare::Errors errors = problems.take();
  EXPECT_TRUE(distribution.has_value() || !errors.empty()) << text;
  return fare::to_text(errors);
}

Distribution parse(const std::string& text) {
  fare::Problems problems("d");
  const fare::JsonDocument document(text, problems);
  std::optional<Distribution> distribution = read_distribution(document.root());
  EXPECT_TRUE(problems.empty()) << text << "\n" << fare::to_text(problems.take());
  return distribution ? *distribution : Distribution::constant(0);
}

std::vector<double> sample(const Distribution& distribution, std::size_t count) {
  const RandomKey key(7, 0, Purpose::kTest);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    RandomStream stream(key, i);
    values.push_back(distribution.sample(stream));
  }
  return values;
}

// The Kolmogorov-Smirnov distance times sqrt(n).  A correct sampler exceeds 2.7 for one seed in a
// million (the limit law's tail is 2 exp(-2 x^2)).
constexpr double kDistanceMax = 2.7;
double distance(std::vector<double> values, const Cdf& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]);
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, p - rank / n, (rank + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

Cdf truncated(const Cdf& cdf, double min, double max) {
  const double low = min > 0 ? cdf(min) : 0;
  const double high = max < kInfinity ? cdf(max) : 1;
  return [=](double x) { return (cdf(x) - low) / (high - low); };
}

template <class Law>
Cdf cdf_of(const Law& law) {
  return [law](double x) { return boost::math::cdf(law, x); };
}

struct Case {
  std::string text;
  Kind kind;
  Cdf cdf;  // Untruncated.
  double min = 0;
  double max = kInfinity;
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.text; }

std::vector<Case> cases() {
  const Cdf lognormal = cdf_of(boost::math::lognormal(6.63, 0.99));
  const Cdf exponential = cdf_of(boost::math::exponential(1.0 / 20));
  const Cdf weibull = cdf_of(boost::math::weibull(1.5, 3));
  const Cdf heavy_weibull = cdf_of(boost::math::weibull(0.4, 3));
  const Cdf pareto = cdf_of(boost::math::pareto(10, 2.5));
  const Cdf flat_pareto = cdf_of(boost::math::pareto(10, 0.8));
  const Cdf even_pareto = cdf_of(boost::math::pareto(10, 1));
  const Cdf empirical = [](double x) { return x < 100 ? (x - 10) / 180 : 0.5 + (x - 100) / 1600; };
  const std::string log = R"({"kind":"lognormal","mu":6.63,"sigma":0.99)";
  const std::string exp = R"({"kind":"exponential","mean":20)";
  const std::string wei = R"({"kind":"weibull","shape":1.5,"scale":3)";
  const std::string par = R"({"kind":"pareto","shape":2.5,"scale":10)";
  const std::string emp = R"({"kind":"empirical","quantiles":[[0,10],[0.5,100],[1,900]])";
  return {
      {log + "}", Kind::kLognormal, lognormal},
      {log + R"(,"min":1,"max":128000})", Kind::kLognormal, lognormal, 1, 128'000},
      {log + R"(,"min":700,"max":800})", Kind::kLognormal, lognormal, 700, 800},
      {log + R"(,"min":20000})", Kind::kLognormal, lognormal, 20'000},
      {log + R"(,"max":30})", Kind::kLognormal, lognormal, 0, 30},
      {R"({"kind":"lognormal","median":600,"sigma":0.4})", Kind::kLognormal,
       cdf_of(boost::math::lognormal(std::log(600), 0.4))},
      {exp + "}", Kind::kExponential, exponential},
      {exp + R"(,"min":5,"max":25})", Kind::kExponential, exponential, 5, 25},
      {exp + R"(,"min":200})", Kind::kExponential, exponential, 200},
      {exp + R"(,"min":20,"max":20.001})", Kind::kExponential, exponential, 20, 20.001},
      {R"({"kind":"gamma","shape":2,"scale":3})", Kind::kGamma,
       cdf_of(boost::math::gamma_distribution<>(2, 3))},
      {R"({"kind":"gamma","shape":0.3,"scale":3})", Kind::kGamma,
       cdf_of(boost::math::gamma_distribution<>(0.3, 3))},
      {wei + "}", Kind::kWeibull, weibull},
      {wei + R"(,"min":2,"max":4})", Kind::kWeibull, weibull, 2, 4},
      {wei + R"(,"min":9})", Kind::kWeibull, weibull, 9},
      {R"({"kind":"weibull","shape":0.4,"scale":3,"max":50})", Kind::kWeibull, heavy_weibull, 0,
       50},
      {par + "}", Kind::kPareto, pareto},
      {par + R"(,"min":5,"max":20})", Kind::kPareto, pareto, 10, 20},
      {par + R"(,"min":1000})", Kind::kPareto, pareto, 1'000},
      {R"({"kind":"pareto","shape":0.8,"scale":10,"max":1e6})", Kind::kPareto, flat_pareto, 10,
       1e6},
      {R"({"kind":"pareto","shape":1,"scale":10,"max":1e6})", Kind::kPareto, even_pareto, 10, 1e6},
      {R"({"kind":"uniform","min":1,"max":5})", Kind::kUniform,
       [](double x) { return (x - 1) / 4; }, 1, 5},
      {emp + "}", Kind::kEmpirical, empirical, 10, 900},
      {emp + R"(,"min":55,"max":300})", Kind::kEmpirical, empirical, 55, 300},
  };
}

class DistributionTest : public testing::TestWithParam<Case> {};

TEST_P(DistributionTest, DrawsFollowTheConditionalDistribution) {
  const Case& test = GetParam();
  const Distribution distribution = parse(test.text);
  EXPECT_EQ(distribution.kind(), test.kind);
  const std::vector<double> values = sample(distribution, 200'000);
  EXPECT_LT(distance(values, truncated(test.cdf, test.min, test.max)), kDistanceMax);
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, test.min);
  EXPECT_LE(*greatest, test.max);
  EXPECT_GE(*least, distribution.least());
  EXPECT_LE(*greatest, distribution.greatest());
  EXPECT_GE(distribution.least(), test.kind == Kind::kGamma ? 0 : test.min);
  EXPECT_LE(distribution.greatest(), test.max);
}

// E[X] = min + the integral of P(X > x) from there on, in pieces that double.
TEST_P(DistributionTest, MeanIsTheIntegralOfTheTail) {
  const Case& test = GetParam();
  const Distribution distribution = parse(test.text);
  const Cdf cdf = truncated(test.cdf, test.min, test.max);
  const bool is_pareto = test.kind == Kind::kPareto;
  const double start = is_pareto ? std::max(test.min, 10.0) : test.min;
  double mean = start;
  double from = start;
  for (double width = start == 0 ? 1e-9 : start * 1e-6; from < test.max; width *= 1.5) {
    const double to = std::min(from + width, test.max);
    if (cdf(from) >= 1) break;
    mean += boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
        [&](double x) { return 1 - cdf(x); }, from, to, 0);
    from = to;
  }
  // Without a maximum 1 - cdf(x) loses the far tail of a Pareto, which is its mean's; and a kink
  // inside a piece costs the quadrature digits.
  const bool is_rough = (is_pareto && test.max == kInfinity) || test.kind == Kind::kEmpirical;
  const double tolerance = is_rough ? 1e-4 : 1e-6;
  EXPECT_NEAR(distribution.mean() / mean, 1, tolerance);
}

TEST_P(DistributionTest, OneUniformIsUsedAndTheDrawIsMonotoneInIt) {
  const Case& test = GetParam();
  if (test.kind == Kind::kGamma) return;  // It rejects, and promises neither.
  const Distribution distribution = parse(test.text);
  const RandomKey key(3, 0, Purpose::kTest);
  std::vector<std::pair<double, double>> pairs;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    RandomStream stream(key, i);
    RandomStream twin = stream;
    const double value = distribution.sample(stream);
    pairs.emplace_back(twin.uniform(), value);
    ASSERT_EQ(stream.bits(), twin.bits()) << "the draw must leave the stream one number further";
  }
  std::sort(pairs.begin(), pairs.end());
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    ASSERT_LE(pairs[i - 1].second, pairs[i].second);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DistributionTest, testing::ValuesIn(cases()));

TEST(DistributionReaderTest, ReadsANumberAsAConstant) {
  const Distribution five = parse("5");
  EXPECT_EQ(five.kind(), Kind::kConstant);
  RandomStream stream(RandomKey(1, 0, Purpose::kTest), 0);
  RandomStream twin = stream;
  EXPECT_EQ(five.sample(stream), 5);
  EXPECT_EQ(stream.bits(), twin.bits()) << "a constant draws nothing";
  EXPECT_EQ(five.mean(), 5);
  EXPECT_EQ(five.least(), 5);
  EXPECT_EQ(five.greatest(), 5);
  EXPECT_EQ(parse("0").mean(), 0);
  EXPECT_EQ(parse("2.5").mean(), 2.5);
}

TEST(DistributionReaderTest, TheFactoriesMakeWhatTheReaderReads) {
  const auto first = [](const Distribution& distribution) { return sample(distribution, 1)[0]; };
  EXPECT_EQ(first(Distribution::exponential(20)),
            first(parse(R"({"kind":"exponential","mean":20})")));
  EXPECT_EQ(first(Distribution::lognormal(1, 2)),
            first(parse(R"({"kind":"lognormal","mu":1,"sigma":2})")));
}

TEST(DistributionReaderTest, TheMeanOfAPolygonIsExact) {
  const std::string start = R"({"kind":"empirical","quantiles":[[0,10],[0.5,100],[1,900]])";
  EXPECT_DOUBLE_EQ(parse(start + "}").mean(), 0.5 * 55 + 0.5 * 500);
  EXPECT_DOUBLE_EQ(parse(start + R"(,"min":55,"max":300})").mean(),
                   (0.25 * 77.5 + 0.125 * 200) / 0.375);
}

TEST(DistributionReaderTest, ParetoWithoutMaximumMayHaveAnInfiniteMean) {
  EXPECT_EQ(parse(R"({"kind":"pareto","shape":1,"scale":10})").mean(), kInfinity);
  EXPECT_EQ(parse(R"({"kind":"pareto","shape":0.5,"scale":10,"min":50})").mean(), kInfinity);
  EXPECT_DOUBLE_EQ(parse(R"({"kind":"pareto","shape":3,"scale":10,"min":50})").mean(), 75);
}

// Half of the weight lies on 7 itself, and intervals that end there take it in.
TEST(DistributionReaderTest, AnEmpiricalDistributionMayPutWeightOnOneValue) {
  const std::string start = R"({"kind":"empirical","quantiles":[[0,1],[0.25,7],[0.75,7],[1,9]])";
  const auto share_of_seven = [](const Distribution& distribution) {
    const std::vector<double> values = sample(distribution, 40'000);
    return static_cast<double>(std::count(values.begin(), values.end(), 7.0)) / 40'000;
  };
  // 0.013 is five standard deviations: exceeded for one seed in a million.
  EXPECT_NEAR(share_of_seven(parse(start + "}")), 0.5, 0.013);
  EXPECT_NEAR(share_of_seven(parse(start + R"(,"min":7})")), 2.0 / 3, 0.013);
  EXPECT_NEAR(share_of_seven(parse(start + R"(,"max":7})")), 2.0 / 3, 0.013);
  EXPECT_EQ(share_of_seven(parse(start + R"(,"min":7,"max":7})")), 1);
  EXPECT_DOUBLE_EQ(parse(start + R"(,"min":7,"max":7})").mean(), 7);
  EXPECT_DOUBLE_EQ(parse(start + "}").mean(), (4 + 7 + 7 + 8) / 4.0);
}

TEST(DistributionReaderTest, ALognormalWithoutSpreadIsItsMedian) {
  const std::string start = R"({"kind":"lognormal","median":600,"sigma":0)";
  EXPECT_NEAR(sample(parse(start + "}"), 1)[0], 600, 1e-9);
  EXPECT_NEAR(parse(start + R"(,"min":599,"max":601})").mean(), 600, 1e-9);
  EXPECT_NE(problems_of(start + R"(,"min":700})").find("holds less than 1e-09"), std::string::npos);
}

// The outermost uniform numbers, in the narrowest and the widest places, stay finite and inside.
TEST(DistributionReaderTest, TheExtremesAreFinite) {
  for (const char* const text :
       {R"({"kind":"lognormal","mu":100,"sigma":20})",
        R"({"kind":"lognormal","mu":-100,"sigma":20})",
        R"({"kind":"pareto","shape":0.1,"scale":1e12})",
        R"({"kind":"weibull","shape":0.1,"scale":1e12})",
        R"({"kind":"gamma","shape":0.1,"scale":1e-9})",
        R"({"kind":"gamma","shape":100,"scale":1e12})", R"({"kind":"exponential","mean":1e12})",
        R"({"kind":"lognormal","mu":0,"sigma":1,"min":350})",
        R"({"kind":"exponential","mean":1,"min":20.7})"}) {
    SCOPED_TRACE(text);
    const Distribution distribution = parse(text);
    EXPECT_GT(distribution.least(), 0);
    EXPECT_TRUE(std::isfinite(distribution.greatest()));
    EXPECT_LT(distribution.least(), distribution.greatest());
  }
}

struct Wrong {
  std::string text;
  std::string problems;
};

TEST(DistributionReaderTest, SaysWhatIsWrongWithParametersAndIntervals) {
  const Wrong table[] = {
      {R"("5")", "d: must be a number or an object with a \"kind\", but is \"5\"\n"},
      {"null", "d: must be a number or an object with a \"kind\", but is null\n"},
      {"-1", "d: must be a number from 0 to 1000000000000000, but is -1\n"},
      {"1e16", "d: must be a number from 0 to 1000000000000000, but is 1e+16\n"},
      {"{}", "d: needs the key \"kind\"\n"},
      {R"({"kind":"lognorml"})",
       "d#/kind: must be one of \"exponential\", \"lognormal\", \"gamma\", \"weibull\", "
       "\"pareto\", "
       "\"uniform\", \"empirical\", but is \"lognorml\"\n"},
      {R"({"kind":"lognormal"})", "d: needs the key \"mu\"\nd: needs the key \"sigma\"\n"},
      {R"({"kind":"lognormal","mu":1,"median":2,"sigma":1})",
       "d: takes \"mu\" or \"median\", not both\n"},
      {R"({"kind":"lognormal","mu":101,"sigma":-1})",
       "d#/mu: must be a number from -100 to 100, but is 101\n"
       "d#/sigma: must be a number from 0 to 20, but is -1\n"},
      {R"({"kind":"exponential","mean":0})",
       "d#/mean: must be a number from 1e-09 to 1000000000000, but is 0\n"},
      {R"({"kind":"exponential","mean":1,"sigma":2})", "d#/sigma: is not a known key\n"},
      {R"({"kind":"exponential","mean":1,"mni":2})",
       "d#/mni: is not a known key; did you mean \"min\"?\n"},
      {R"({"kind":"exponential","mean":1,"min":3,"max":2})",
       "d: must have \"min\" at or below \"max\", but has 3 and 2\n"},
      {R"({"kind":"exponential","mean":1,"min":-3,"max":"x"})",
       "d#/min: must be a number from 0 to 1000000000000000, but is -3\n"
       "d#/max: must be a number from 0 to 1000000000000000, but is \"x\"\n"},
      {R"({"kind":"exponential","mean":1,"min":2,"max":2})",
       "d: holds less than 1e-09 of the probability from \"min\" to \"max\"\n"},
      {R"({"kind":"exponential","mean":1,"min":20.8})",
       "d: holds less than 1e-09 of the probability from \"min\" to \"max\"\n"},
      {R"({"kind":"pareto","shape":2,"scale":10,"max":10})",
       "d: holds less than 1e-09 of the probability from \"min\" to \"max\"\n"},
      {R"({"kind":"gamma","shape":2,"scale":3,"min":1})",
       "d#/min: is not for gamma, which takes no truncation: it has no closed inverse\n"},
      {R"({"kind":"weibull","shape":0.01,"scale":3})",
       "d#/shape: must be a number from 0.1 to 100, but is 0.01\n"},
  };
  for (const Wrong& test : table) EXPECT_EQ(problems_of(test.text), test.problems) << test.text;
}

TEST(DistributionReaderTest, SaysWhatIsWrongWithUniformAndEmpirical) {
  const Wrong table[] = {
      {R"({"kind":"uniform","min":5,"max":5})",
       "d: must have \"min\" below \"max\", but has 5 and 5\n"},
      {R"({"kind":"uniform","max":5})", "d: needs the key \"min\"\n"},
      {R"({"kind":"empirical"})", "d: needs the key \"quantiles\"\n"},
      {R"({"kind":"empirical","quantiles":[[0,1]]})",
       "d#/quantiles: must be a list of 2 to 10000 items, but is a list of 1\n"},
      {R"({"kind":"empirical","quantiles":[[0.1,1],[1,2]]})",
       "d#/quantiles/0: must start at probability 0\n"},
      {R"({"kind":"empirical","quantiles":[[0,1],[0.9,2]]})",
       "d#/quantiles/1: must end at probability 1\n"},
      {R"({"kind":"empirical","quantiles":[[0,1],[0.5,2],[0.5,3],[1,4]]})",
       "d#/quantiles/2: must have a probability above the 0.5 before it\n"},
      {R"({"kind":"empirical","quantiles":[[0,1],[0.5,3],[1,2]]})",
       "d#/quantiles/2: must have a value of at least the 3 before it\n"},
      {R"({"kind":"empirical","quantiles":[[0,1],[2,-3],"x",[1]]})",
       "d#/quantiles/1/0: must be a number from 0 to 1, but is 2\n"
       "d#/quantiles/1/1: must be a number from 0 to 1000000000000000, but is -3\n"
       "d#/quantiles/2: must be a list, but is \"x\"\n"
       "d#/quantiles/3: must be a list of 2 to 2 items, but is a list of 1\n"},
      {R"({"kind":"empirical","quantiles":[[0,1],[1,2]],"min":2.5})",
       "d: holds less than 1e-09 of the probability from \"min\" to \"max\"\n"},
  };
  for (const Wrong& test : table) EXPECT_EQ(problems_of(test.text), test.problems) << test.text;
}

}  // namespace
}  // namespace routesim
