#include "traffic/traffic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <new>
#include <numeric>
#include <string>
#include <vector>

#include "allocations.h"
#include "base/json_reader.h"
#include "base/random.h"
#include "fare/check.h"
#include "fare/quantity.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Int128;
using fare::Tokens;

constexpr double kHour = 3.6e12;  // Nanoseconds.

// Every statistical test below has one fixed seed, and a limit that a correct generator exceeds for
// one seed in a million: 2.7 for the Kolmogorov-Smirnov distance times sqrt(n), whose tail is
// 2 exp(-2 x^2), 4.9 standard deviations for a mean, and the quantile of chi-squared.
constexpr double kErrorRate = 1e-6;
constexpr double kDistanceMax = 2.7;
constexpr double kDeviationsMax = 4.9;

double distance(std::vector<double> values, const std::function<double(double)>& cdf) {
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

void expect_counts(const std::vector<double>& counts, const std::vector<double>& expected,
                   std::size_t freedom) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(counts[i], 0) << "cell " << i;
    } else {
      sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    }
  }
  const boost::math::chi_squared law(static_cast<double>(freedom));
  EXPECT_LT(sum, boost::math::quantile(boost::math::complement(law, kErrorRate)));
}

std::string problems_of(const std::string& text) {
  fare::Problems problems("s");
  const fare::JsonDocument document(text, problems);
  read_traffic(document.root());
  return fare::to_text(problems.take());
}

TrafficModel parse(const std::string& text) {
  fare::Problems problems("s");
  const fare::JsonDocument document(text, problems);
  std::optional<TrafficModel> model = read_traffic(document.root());
  EXPECT_TRUE(problems.empty()) << text << "\n" << fare::to_text(problems.take());
  EXPECT_TRUE(model.has_value());
  return model ? std::move(*model) : TrafficModel{};
}

constexpr const char* kArrivals = R"({"process":"poisson","per_second":5.5,"requests":100000})";
constexpr const char* kLognormal =
    R"({"kind":"lognormal","mu":6.63,"sigma":0.99,"min":1,"max":128000})";

// A model with the given arrivals and further keys.
TrafficModel model_of(const std::string& arrivals, const std::string& more = "") {
  return parse(R"({"arrivals":)" + arrivals + R"(,"input_tokens":)" + kLognormal +
               R"(,"output_tokens":{"kind":"exponential","mean":20})" + more + "}");
}

std::vector<Arrival> draw(const TrafficModel& model, std::uint64_t seed = 1,
                          std::uint32_t replication = 0) {
  TrafficSource source(model, seed, replication);
  std::vector<Arrival> arrivals;
  Arrival arrival;
  while (source.next(arrival)) arrivals.push_back(arrival);
  EXPECT_FALSE(source.next(arrival)) << "the end must stay the end";
  return arrivals;
}

bool same(const Arrival& a, const Arrival& b) {
  return a.index == b.index && a.at == b.at && a.request_class == b.request_class &&
         a.tenant == b.tenant && a.input == b.input && a.output == b.output;
}

bool same(const std::vector<Arrival>& a, const std::vector<Arrival>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](const Arrival& x, const Arrival& y) { return same(x, y); });
}

double at(const Arrival& arrival) { return static_cast<double>(arrival.at.count()); }

TEST(ArrivalsTest, PoissonGapsAreExponentialAndIndependent) {
  const std::vector<Arrival> arrivals = draw(model_of(kArrivals));
  std::vector<double> gaps = {at(arrivals[0])};
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    ASSERT_GE(arrivals[i].at, arrivals[i - 1].at);
    gaps.push_back(at(arrivals[i]) - at(arrivals[i - 1]));
  }
  EXPECT_LT(distance(gaps, [](double x) { return -std::expm1(-x * 5.5e-9); }), kDistanceMax);
  double product = 0;  // Of neighbours, in units of the mean gap: mean 1, variance 3.
  for (std::size_t i = 1; i < gaps.size(); ++i) product += gaps[i] * gaps[i - 1] * 5.5e-9 * 5.5e-9;
  const auto n = static_cast<double>(gaps.size() - 1);
  EXPECT_LT(std::abs(product / n - 1), kDeviationsMax * std::sqrt(5 / n));
}

const std::vector<double> kWeights = {0.5, 0, 0.1, 0.3, 0.3, 0.4, 0.7, 1,   1.5, 2,   2.5, 3,
                                      2.5, 2, 2,   2,   1.5, 1,   1,   0.8, 0.7, 0.6, 0.5, 7};

std::string weighted_arrivals(double hours) {
  return fmt::format(R"({{"process":"poisson","per_second":0.7,"hours":{},"hour_weights":[{}]}})",
                     hours, fmt::join(kWeights, ","));
}

// Goal: each hour of each day has its own rate, on day 10 as on day 1.
// Method: counts per hour of 240 hours are Poisson; the day's mean rate is the stated one.
TEST(ArrivalsTest, HourWeightsShapeTheDayAndWrap) {
  const TrafficModel model = model_of(weighted_arrivals(240));
  const std::vector<Arrival> arrivals = draw(model);
  const double mean_weight = std::accumulate(kWeights.begin(), kWeights.end(), 0.0) / 24;
  std::vector<double> counts(240);
  std::vector<double> expected(240);
  for (const Arrival& arrival : arrivals) {
    ++counts.at(static_cast<std::size_t>(at(arrival) / kHour));
  }
  for (std::size_t hour = 0; hour < 240; ++hour) {
    expected[hour] = 0.7 * 3'600 * kWeights[hour % 24] / mean_weight;
  }
  expect_counts(counts, expected, 230);
  const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
  EXPECT_NEAR(total, 0.7 * 3'600 * 240, 1e-6) << "the weights are scaled";
  EXPECT_NEAR(expected_requests(model), total, 1e-6);
  EXPECT_LT(std::abs(static_cast<double>(arrivals.size()) - total),
            kDeviationsMax * std::sqrt(total));
}

// The change of time undone: where the rate is high, time counts for more, and the gaps are those
// of a process with rate 1, across all borders of hours.
TEST(ArrivalsTest, ScaledGapsOfAWeightedProcessAreExponential) {
  const std::vector<Arrival> arrivals = draw(model_of(weighted_arrivals(240)));
  const double sum = std::accumulate(kWeights.begin(), kWeights.end(), 0.0);
  const auto integral = [&](double nanoseconds) {
    const auto whole = static_cast<std::size_t>(nanoseconds / kHour);
    double hours = static_cast<double>(whole / 24) * sum;
    for (std::size_t hour = 0; hour < whole % 24; ++hour) hours += kWeights[hour];
    hours += kWeights[whole % 24] * (nanoseconds / kHour - static_cast<double>(whole));
    return hours * 0.7 * 3'600 * 24 / sum;
  };
  std::vector<double> gaps;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    gaps.push_back(integral(at(arrivals[i])) - integral(at(arrivals[i - 1])));
  }
  EXPECT_LT(distance(gaps, [](double x) { return -std::expm1(-x); }), kDistanceMax);
}

TEST(ArrivalsTest, HoursEndTheRunAndRequestsCountIt) {
  const TrafficModel hours = model_of(R"({"process":"poisson","per_second":5,"hours":0.5})");
  const std::vector<Arrival> first = draw(hours);
  EXPECT_LT(first.back().at, std::chrono::minutes(30));
  EXPECT_EQ(expected_requests(hours), 9'000);
  const TrafficModel requests =
      model_of(R"({"process":"poisson","per_second":5,"requests":12345})");
  EXPECT_EQ(draw(requests).size(), 12'345u);
  EXPECT_EQ(expected_requests(requests), 12'345);
}

TEST(ArrivalsTest, ARareProcessCrossesManyHours) {
  const std::vector<Arrival> arrivals =
      draw(model_of(R"({"process":"poisson","per_second":1e-6,"requests":300})"));
  ASSERT_EQ(arrivals.size(), 300u);
  const double mean = at(arrivals.back()) / 300;
  EXPECT_LT(std::abs(mean / 1e15 - 1), kDeviationsMax / std::sqrt(300.0));
}

// floor(k * 1e9 / rate), the rate as the fraction digits / 10^decimals.
TEST(ArrivalsTest, EvenArrivalsAreExactAndNeverDrift) {
  const struct {
    const char* rate;
    std::int64_t digits;
    std::int64_t unit;
  } cases[] = {{"1", 1, 1},
               {"3", 3, 1},
               {"0.1", 1, 10},
               {"0.3", 3, 10},
               {"5.5", 55, 10},
               {"7.3", 73, 10},
               {"1e6", 1'000'000, 1},
               {"999983", 999'983, 1},
               {"123.456789", 123'456'789, 1'000'000},
               {"1e5", 100'000, 1},
               {"0.00037", 37, 100'000}};
  for (const auto& test : cases) {
    SCOPED_TRACE(test.rate);
    const TrafficModel model = model_of(
        fmt::format(R"({{"process":"even","per_second":{},"requests":100000}})", test.rate));
    TrafficSource source(model, 1, 0);
    Arrival arrival;
    for (std::int64_t k = 0; k < 100'000; ++k) {
      ASSERT_TRUE(source.next(arrival));
      const Int128 exact = Int128{k} * 1'000'000'000 * test.unit / test.digits;
      ASSERT_EQ(arrival.at.count(), static_cast<std::int64_t>(exact)) << "request " << k;
    }
    EXPECT_FALSE(source.next(arrival));
  }
}

TEST(ArrivalsTest, EvenArrivalsStopBeforeTheEnd) {
  const struct {
    const char* arrivals;
    std::size_t count;
  } cases[] = {
      {R"({"process":"even","per_second":2,"hours":1})", 7'200},  // The last at 3599.5 s.
      {R"({"process":"even","per_second":0.1,"hours":1})", 360},
      {R"({"process":"even","per_second":3,"hours":1})", 10'800},
      {R"({"process":"even","per_second":0.0001,"hours":1})", 1},
      {R"({"process":"even","per_second":7.3,"hours":0.01})", 263},  // ceil(36 * 7.3).
  };
  for (const auto& test : cases) {
    const TrafficModel model = model_of(test.arrivals);
    EXPECT_EQ(draw(model).size(), test.count) << test.arrivals;
    EXPECT_EQ(expected_requests(model), static_cast<double>(test.count)) << test.arrivals;
  }
}

TEST(MixTest, ClassesComeInTheirShares) {
  const TrafficModel model = model_of(
      kArrivals, R"(,"classes":[{"name":"a","share":6},{"name":"b"},{"name":"c","share":0},)"
                 R"({"name":"d","share":3}])");
  std::vector<double> counts(4);
  for (const Arrival& arrival : draw(model)) ++counts.at(arrival.request_class);
  expect_counts(counts, {60'000, 10'000, 0, 30'000}, 2);
}

TEST(MixTest, TenantsFollowZipf) {
  const TrafficModel model = model_of(kArrivals, R"(,"tenants":{"count":40,"zipf_exponent":1.1})");
  std::vector<double> expected;
  for (int k = 1; k <= 40; ++k) expected.push_back(std::pow(k, -1.1));
  const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
  for (double& share : expected) share *= 100'000 / sum;
  std::vector<double> counts(40);
  for (const Arrival& arrival : draw(model)) ++counts.at(arrival.tenant);
  expect_counts(counts, expected, 39);
}

// Class, tenant, lengths and gaps of one request, and the same of its successor, have no
// correlation.
TEST(MixTest, DrawsAreIndependentOfEachOther) {
  const TrafficModel model =
      model_of(kArrivals,
               R"(,"classes":[{"name":"a"},{"name":"b"}],"tenants":{"count":2,"zipf_exponent":0})");
  const std::vector<Arrival> arrivals = draw(model);
  std::vector<std::vector<double>> columns(10);
  for (std::size_t i = 1; i + 1 < arrivals.size(); ++i) {
    for (std::size_t offset = 0; offset < 2; ++offset) {
      const Arrival& arrival = arrivals[i + offset];
      const double values[] = {static_cast<double>(arrival.request_class),
                               static_cast<double>(arrival.tenant),
                               std::log(static_cast<double>(arrival.input.count())),
                               std::log(static_cast<double>(arrival.output.count())),
                               std::log(at(arrival) - at(arrivals[i + offset - 1]) + 1)};
      for (std::size_t k = 0; k < 5; ++k) columns[5 * offset + k].push_back(values[k]);
    }
  }
  const auto n = static_cast<double>(columns[0].size());
  for (std::vector<double>& column : columns) {
    const double mean = std::accumulate(column.begin(), column.end(), 0.0) / n;
    double square = 0;
    for (double& value : column) {
      value -= mean;
      square += value * value;
    }
    for (double& value : column) value /= std::sqrt(square);
  }
  for (std::size_t a = 0; a < 10; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double correlation =
          std::inner_product(columns[a].begin(), columns[a].end(), columns[b].begin(), 0.0);
      EXPECT_LT(std::abs(correlation) * std::sqrt(n), kDeviationsMax) << a << " and " << b;
    }
  }
}

TEST(MixTest, AnExactMixOfSixtyToFortyIsExact) {
  const TrafficModel model = model_of(
      kArrivals,
      R"(,"classes":[{"name":"a","share":0.6},{"name":"b","share":0.4}],"class_mix":"exact")");
  const std::vector<Arrival> arrivals = draw(model);
  std::vector<int> counts(2);
  for (const Arrival& arrival : arrivals) ++counts.at(arrival.request_class);
  EXPECT_EQ(counts, (std::vector<int>{60'000, 40'000}));
  const std::vector<Arrival> other = draw(model, 2, 3);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    ASSERT_EQ(arrivals[i].request_class, other[i].request_class) << "no chance is in it";
  }
}

// Goal: at every moment each class was dealt floor or ceil of its part.  Method: random shares of
// two decimals, which are exact in hundredths; a failure names the seed that replays it.
TEST(MixTest, AnExactMixIsWithinOneOfItsPartAtEveryMoment) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream stream(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
    const std::uint64_t classes = 1 + stream.below(12);
    std::vector<std::int64_t> hundredths;
    for (std::uint64_t c = 0; c < classes; ++c) {
      const std::uint64_t bound = stream.below(3) == 0 ? 10'000 : 30;
      hundredths.push_back(static_cast<std::int64_t>(stream.below(bound)));
    }
    hundredths[0] += 1;
    const std::int64_t sum = std::accumulate(hundredths.begin(), hundredths.end(), std::int64_t{0});
    TrafficModel model = model_of(R"({"process":"even","per_second":1,"requests":1500})");
    model.exact_mix = true;
    model.classes.clear();
    for (const std::int64_t share : hundredths) {
      model.classes.push_back({.name = fmt::format("c{}", model.classes.size()),
                               .share = static_cast<double>(share) / 100,
                               .input_tokens = {},
                               .output_tokens = {}});
    }
    std::vector<std::int64_t> dealt(classes);
    std::int64_t n = 0;
    for (const Arrival& arrival : draw(model)) {
      ++dealt.at(arrival.request_class);
      ++n;
      for (std::size_t c = 0; c < classes; ++c) {
        ASSERT_GE(dealt[c], n * hundredths[c] / sum) << "class " << c << " after " << n;
        ASSERT_LE(dealt[c], (n * hundredths[c] + sum - 1) / sum) << "class " << c << " after " << n;
      }
    }
  }
}

// The extremes of shares: 17 digits, and 18 orders of magnitude between classes.
TEST(MixTest, AnExactMixTakesEveryShareInItsRange) {
  const TrafficModel model = model_of(
      kArrivals,
      R"(,"classes":[{"name":"a","share":1e9},{"name":"b","share":1.2345678901234567e-9},)"
      R"({"name":"c","share":0.30000000000000004},{"name":"d","share":300000000.00000006}],)"
      R"("class_mix":"exact")");
  std::vector<int> counts(4);
  for (const Arrival& arrival : draw(model)) ++counts.at(arrival.request_class);
  EXPECT_NEAR(counts[0], 76'923, 1);
  EXPECT_NEAR(counts[3], 23'077, 1);
  EXPECT_LE(counts[1] + counts[2], 2);
}

TEST(LengthsTest, AreRoundedUpToWholeTokens) {
  const std::string start = R"({"arrivals":{"process":"even","per_second":1,"requests":100000})";
  const struct {
    const char* text;
    std::int64_t tokens;
  } cases[] = {{"1", 1}, {"5", 5}, {"2.5", 3}, {"0.001", 1}, {"1000000000000", 1'000'000'000'000}};
  for (const auto& test : cases) {
    const TrafficModel model =
        parse(start + fmt::format(R"(,"input_tokens":{},"output_tokens":7}})", test.text));
    TrafficSource source(model, 1, 0);
    Arrival arrival;
    ASSERT_TRUE(source.next(arrival));
    EXPECT_EQ(arrival.input, Tokens(test.tokens)) << test.text;
    EXPECT_EQ(arrival.output, Tokens(7));
  }
  // An exponential, rounded up, is geometric: P(n) = q^(n - 1) (1 - q), q = exp(-1 / 3).
  const TrafficModel model =
      parse(start + R"(,"input_tokens":{"kind":"exponential","mean":3},"output_tokens":7})");
  std::vector<double> counts(30);
  for (const Arrival& arrival : draw(model)) {
    ASSERT_GE(arrival.input, Tokens(1));
    ++counts[static_cast<std::size_t>(std::min<std::int64_t>(arrival.input.count(), 30)) - 1];
  }
  std::vector<double> expected(30);
  for (std::size_t n = 0; n < 30; ++n) {
    const double above = std::exp(-static_cast<double>(n) / 3);
    expected[n] = 100'000 * (n == 29 ? above : above * (1 - std::exp(-1.0 / 3)));
  }
  expect_counts(counts, expected, 29);
}

TEST(LengthsTest, StayInsideTheirTruncation) {
  const TrafficModel model =
      parse(R"({"arrivals":{"process":"even","per_second":1,"requests":100000},)"
            R"("input_tokens":{"kind":"lognormal","mu":6.63,"sigma":0.99,"min":100,"max":300},)"
            R"("output_tokens":{"kind":"pareto","shape":1,"scale":1,"max":4}})");
  std::int64_t least = 1'000;
  std::int64_t greatest = 0;
  for (const Arrival& arrival : draw(model)) {
    least = std::min(least, arrival.input.count());
    greatest = std::max(greatest, arrival.input.count());
    ASSERT_GE(arrival.output, Tokens(2)) << "above 1, rounded up";
    ASSERT_LE(arrival.output, Tokens(4));
  }
  EXPECT_EQ(least, 101) << "the draws are above 100, and rounded up";
  EXPECT_EQ(greatest, 300);
}

TEST(LengthsTest, AClassMayHaveItsOwn) {
  const TrafficModel model =
      parse(R"({"arrivals":{"process":"even","per_second":1,"requests":1000},"output_tokens":3,)"
            R"("classes":[{"name":"a","input_tokens":11},)"
            R"({"name":"b","input_tokens":22,"output_tokens":33}]})");
  for (const Arrival& arrival : draw(model)) {
    EXPECT_EQ(arrival.input, Tokens(arrival.request_class == 0 ? 11 : 22));
    EXPECT_EQ(arrival.output, Tokens(arrival.request_class == 0 ? 3 : 33));
  }
}

const std::string kClassesAndTenants =
    R"(,"classes":[{"name":"a","share":2},{"name":"b"}],"tenants":{"count":40,"zipf_exponent":1})";

TEST(TrafficSourceTest, TheSameSeedGivesTheSameRequests) {
  const TrafficModel model = model_of(kArrivals, kClassesAndTenants);
  const std::vector<Arrival> arrivals = draw(model, 5, 6);
  EXPECT_TRUE(same(arrivals, draw(model, 5, 6)));
  for (std::size_t i = 0; i < arrivals.size(); ++i) ASSERT_EQ(arrivals[i].index, i);
  const std::vector<Arrival> others[] = {draw(model, 5, 7), draw(model, 6, 6)};
  for (const std::vector<Arrival>& other : others) {
    std::size_t equal_lengths = 0;
    for (std::size_t i = 0; i < 1'000; ++i) {
      EXPECT_NE(arrivals[i].at, other[i].at);
      equal_lengths += arrivals[i].input == other[i].input ? 1 : 0;
    }
    EXPECT_LT(equal_lengths, 20u);
  }
}

// One more draw for one purpose must not shift the others: a gamma length takes as many as it
// likes.
TEST(TrafficSourceTest, WhatOneDrawTakesShiftsNoOther) {
  const TrafficModel model = model_of(kArrivals, kClassesAndTenants);
  TrafficModel other = model;
  other.input_tokens = parse(R"({"arrivals":{"process":"even","per_second":1,"hours":1},)"
                             R"("input_tokens":{"kind":"gamma","shape":0.3,"scale":300},)"
                             R"("output_tokens":1})")
                           .input_tokens;
  const std::vector<Arrival> before = draw(model);
  const std::vector<Arrival> after = draw(other);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    Arrival expected = before[i];
    expected.input = after[i].input;
    ASSERT_TRUE(same(after[i], expected)) << "request " << i;
  }
}

TEST(TrafficSourceTest, ARequestDependsOnItsIndexAndNotOnTheLengthOfTheRun) {
  TrafficModel model = model_of(kArrivals, kClassesAndTenants);
  const std::vector<Arrival> whole = draw(model);
  model.arrivals.requests = 0;
  model.arrivals.length = std::chrono::hours(1);
  const std::vector<Arrival> hour = draw(model);
  ASSERT_GT(hour.size(), 15'000u);
  EXPECT_TRUE(std::equal(hour.begin(), hour.end(), whole.begin(),
                         [](const Arrival& a, const Arrival& b) { return same(a, b); }));
  EXPECT_GE(whole[hour.size()].at, std::chrono::hours(1));
}

TEST(TrafficSourceTest, NextAllocatesNothing) {
  const std::string gamma = R"({"kind":"gamma","shape":2,"scale":30})";
  const std::string empirical = R"({"kind":"empirical","quantiles":[[0,10],[0.5,100],[1,900]]})";
  for (const std::string mix : {"random", "exact"}) {
    TrafficModel model =
        model_of(weighted_arrivals(24), R"(,"classes":[{"name":"a","input_tokens":)" + gamma +
                                            R"(,"output_tokens":)" + empirical +
                                            R"(},{"name":"b"}],"class_mix":")" + mix +
                                            R"(","tenants":{"count":40,"zipf_exponent":1.1})");
    for (const bool with_rows : {false, true}) {
      if (with_rows) {
        Trace trace;
        trace.rows.assign(1'000, {.input = Tokens(1), .output = Tokens(2)});
        model = with_trace(std::move(model), std::move(trace)).value();
      }
      TrafficSource source(model, 1, 0);
      Arrival arrival;
      std::uint64_t count = 0;
      const std::uint64_t before = fare::allocations();
      while (source.next(arrival)) ++count;
      EXPECT_EQ(fare::allocations(), before);
      EXPECT_GE(count, 1'000u);
    }
  }
}

TEST(ReadTrafficTest, ReadsAWholeModel) {
  const TrafficModel model =
      parse(R"({"arrivals":{"process":"poisson","per_second":5.5,"hours":24,"hour_weights":)"
            R"([1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]},"input_tokens":5,)"
            R"("output_tokens":{"kind":"exponential","mean":20},)"
            R"("classes":[{"name":"simple","share":0.6,"input_tokens":7},{"name":"hard"}],)"
            R"("class_mix":"exact","tenants":[{"name":"acme","share":3},{"name":"zeta"}]})");
  EXPECT_EQ(model.arrivals.process, SyntheticArrivals::Process::kPoisson);
  EXPECT_EQ(model.arrivals.per_second, 5.5);
  EXPECT_EQ(model.arrivals.length, std::chrono::hours(24));
  EXPECT_EQ(model.arrivals.requests, 0u);
  EXPECT_EQ(model.arrivals.hour_weights.size(), 24u);
  EXPECT_EQ(model.arrivals.hour_weights.back(), 2);
  EXPECT_EQ(model.input_tokens.mean(), 5);
  EXPECT_EQ(model.output_tokens.mean(), 20);
  EXPECT_FALSE(model.trace.has_value());
  ASSERT_EQ(model.classes.size(), 2u);
  EXPECT_EQ(model.classes[0].name, "simple");
  EXPECT_EQ(model.classes[0].share, 0.6);
  EXPECT_EQ(model.classes[0].input_tokens->mean(), 7);
  EXPECT_FALSE(model.classes[0].output_tokens.has_value());
  EXPECT_EQ(model.classes[1].share, 1);
  EXPECT_TRUE(model.exact_mix);
  ASSERT_EQ(model.tenants.size(), 2u);
  EXPECT_EQ(model.tenants[0].name, "acme");
  EXPECT_EQ(model.tenants[0].share, 3);
}

TEST(ReadTrafficTest, WithoutClassesAndTenantsThereIsOneOfEach) {
  const TrafficModel model = model_of(kArrivals);
  ASSERT_EQ(model.classes.size(), 1u);
  EXPECT_EQ(model.classes[0].name, "default");
  ASSERT_EQ(model.tenants.size(), 1u);
  EXPECT_EQ(model.tenants[0].name, "default");
  EXPECT_FALSE(model.exact_mix);
}

TEST(ReadTrafficTest, NumbersTenantsWithAsManyDigitsAsTheirCount) {
  const struct {
    int count;
    const char* first;
    const char* last;
  } cases[] = {{1, "tenant-1", "tenant-1"},
               {9, "tenant-1", "tenant-9"},
               {40, "tenant-01", "tenant-40"},
               {100, "tenant-001", "tenant-100"},
               {1'000'000, "tenant-0000001", "tenant-1000000"}};
  for (const auto& test : cases) {
    const TrafficModel model = model_of(
        kArrivals, fmt::format(R"(,"tenants":{{"count":{},"zipf_exponent":1}})", test.count));
    ASSERT_EQ(model.tenants.size(), static_cast<std::size_t>(test.count));
    EXPECT_EQ(model.tenants.front().name, test.first);
    EXPECT_EQ(model.tenants.back().name, test.last);
    EXPECT_EQ(model.tenants.back().share, 1.0 / test.count);
  }
}

TEST(ReadTrafficTest, HoursAndRequestsGiveTheRate) {
  const TrafficModel model = model_of(R"({"process":"even","hours":24,"requests":100000})");
  EXPECT_DOUBLE_EQ(model.arrivals.per_second, 100'000 / 86'400.0);
  EXPECT_EQ(model.arrivals.length, std::chrono::hours(24));
  EXPECT_EQ(draw(model).size(), 100'000u);
}

TEST(ReadTrafficTest, FindsEveryProblemAtOnce) {
  EXPECT_EQ(problems_of(R"({"arrivals":{"process":"posson","per_second":-1,"hour_weights":[1,2]},
      "input_tokens":{"kind":"lognormal","mu":1},"classes":[{"name":"a","share":-2},{"shares":1}],
      "class_mix":"exakt","tenants":{"count":0,"zipf_exponent":11},"tennants":1})"),
            "s#/arrivals/process: must be one of \"poisson\", \"even\", \"gamma\", \"weibull\", "
            "\"mmpp\", \"clients\", but is \"posson\"\n"
            "s#/arrivals: needs two of \"per_second\", \"hours\" and \"requests\"\n"
            "s#/arrivals/per_second: must be a number from 1e-06 to 1000000, but is -1\n"
            "s#/arrivals/hour_weights: must be a list of 24 numbers, one an hour of the day, or of "
            "168, one an hour of the week, but is a list of 2\n"
            "s#/classes/0/share: must be a number from 0 to 1000000000, but is -2\n"
            "s#/classes/1: needs the key \"name\"\n"
            "s#/classes/1/shares: is not a known key; did you mean \"share\"?\n"
            "s#/input_tokens: needs the key \"sigma\"\n"
            "s#/class_mix: must be one of \"random\", \"exact\", but is \"exakt\"\n"
            "s#/tenants/count: must be a whole number from 1 to 1000000, but is 0\n"
            "s#/tenants/zipf_exponent: must be a number from 0 to 10, but is 11\n"
            "s#/tennants: is not a known key; did you mean \"tenants\"?\n");
}

const std::string kLengths = R"("input_tokens":1,"output_tokens":1)";
const std::string kEven = R"("arrivals":{"process":"even","per_second":1,"hours":1})";

struct Wrong {
  std::string text;
  std::string problems;
};

// Each text breaks one rule of a model that is otherwise complete.
TEST(ReadTrafficTest, SaysWhatIsWrongWithArrivals) {
  const std::string rest = "," + kLengths + "}";
  const Wrong cases[] = {
      {"[]", "s: must be an object, but is a list of 0\n"},
      {"{" + kLengths + "}", "s: needs the key \"arrivals\"\n"},
      {"{" + kEven + "}",
       "s: needs the key \"input_tokens\"\ns: needs the key \"output_tokens\"\n"},
      {R"({"arrivals":7)" + rest, "s#/arrivals: must be an object, but is 7\n"},
      {R"({"arrivals":{"process":"even","per_second":1,"hours":1,"requests":3600})" + rest,
       "s#/arrivals: needs two of \"per_second\", \"hours\" and \"requests\"\n"},
      {R"({"arrivals":{"process":"even","per_second":1e-6,"requests":1000000})" + rest,
       "s#/arrivals/requests: must arrive within 87600 hours and at 1e-06 to 1000000 per "
       "second, but 1000000 of them at 1e-06 per second take 2.77778e+08 hours\n"},
      {R"({"arrivals":{"process":"even","per_second":1,"requests":0})" + rest,
       "s#/arrivals/requests: must be a whole number from 1 to 10000000000, but is 0\n"},
      {R"({"arrivals":{"process":"even","per_second":1,"requests":2.5})" + rest,
       "s#/arrivals/requests: must be a whole number from 1 to 10000000000, but is 2.5\n"},
      {R"({"arrivals":{"process":"even","per_second":1,"hours":1e9})" + rest,
       "s#/arrivals/hours: must be a number from 1e-06 to 87600, but is 1000000000.0\n"},
      {R"({"arrivals":{"process":"even","per_second":1e7,"hours":1})" + rest,
       "s#/arrivals/per_second: must be a number from 1e-06 to 1000000, but is 10000000.0\n"},
      {R"({"arrivals":{"process":"even","per_second":1,"hours":1,"hour_weights":)"
       R"([1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]})" +
           rest,
       "s#/arrivals/hour_weights: is not for \"even\" arrivals, whose spacing is the same all "
       "day\n"},
      {R"({"arrivals":{"process":"poisson","per_second":1,"hours":1,"hour_weights":)"
       R"([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]})" +
           rest,
       "s#/arrivals/hour_weights: must have a weight above 0\n"},
  };
  for (const Wrong& test : cases) EXPECT_EQ(problems_of(test.text), test.problems) << test.text;
}

TEST(ReadTrafficTest, SaysWhatIsWrongWithLengthsAndMixes) {
  const std::string both = "{" + kEven + "," + kLengths;
  const Wrong cases[] = {
      {"{" + kEven + R"(,"input_tokens":0,"output_tokens":1})",
       "s#/input_tokens: can be 0 tokens, but a length must always be above 0\n"},
      {"{" + kEven +
           R"(,"input_tokens":1,"output_tokens":{"kind":"empirical","quantiles":)"
           R"([[0,0],[0.1,0],[1,9]]}})",
       "s#/output_tokens: can be 0 tokens, but a length must always be above 0\n"},
      {"{" + kEven + R"(,"input_tokens":1,"output_tokens":{"kind":"pareto","shape":1,"scale":1}})",
       "s#/output_tokens: can be 9.01e+15 tokens, but a length must be at most 1000000000000; give "
       "it a \"max\"\n"},
      {both + R"(,"classes":[]})",
       "s#/classes: must be a list of 1 to 1000 items, but is a list of 0\n"},
      {both + R"(,"classes":[{"name":"a"},{"name":"a"}]})",
       "s#/classes/1: has the name \"a\", which an earlier one has\n"},
      {both + R"(,"classes":[{"name":"a","share":0}]})", "s#/classes: must have a share above 0\n"},
      {both + R"(,"classes":[{"name":"a","share":1e-10},{"name":"b"}]})",
       "s#/classes/0/share: must be 0, or from 1e-09 to 1000000000, but is 1e-10\n"},
      {both + R"(,"classes":[{"name":"a","output_tokens":-1}]})",
       "s#/classes/0/output_tokens: must be a number from 0 to 1000000000000000, but is -1\n"},
      {both + R"(,"classes":[{"name":""}]})",
       "s#/classes/0/name: must be a text of 1 to 64 bytes, but is \"\"\n"},
      {both + R"(,"tenants":7})",
       "s#/tenants: must be a list of tenants or an object with a \"count\", but is 7\n"},
      {both + R"(,"tenants":[{"name":"a","shares":1}]})",
       "s#/tenants/0/shares: is not a known key; did you mean \"share\"?\n"},
      {both + R"(,"tenants":{"count":1000001,"zipf_exponent":1}})",
       "s#/tenants/count: must be a whole number from 1 to 1000000, but is 1000001\n"},
      {both + R"(,"tenants":{"count":2}})", "s#/tenants: needs the key \"zipf_exponent\"\n"},
  };
  for (const Wrong& test : cases) EXPECT_EQ(problems_of(test.text), test.problems) << test.text;
}

Trace trace_of(const std::string& text) { return parse_trace("t.csv", text, {}).value(); }

TEST(WithTraceTest, ReplaysTheRowsAndDrawsWhatTheyDoNotName) {
  std::string text = "seconds,input_tokens,output_tokens,class,tenant\n7,11,12,hard,zeta\n";
  for (int i = 0; i < 10'000; ++i) text += fmt::format("{},5,6,,\n", 8 + i);
  text += "90000,13,14,simple,acme\n90000,15,16,hard,new\n";
  const TrafficModel model =
      with_trace(model_of(kArrivals, R"(,"classes":[{"name":"simple","share":3},{"name":"hard"}],)"
                                     R"("tenants":[{"name":"acme"},{"name":"beta"}])"),
                 trace_of(text))
          .value();
  std::vector<std::string> names;
  for (const TenantMix& tenant : model.tenants) names.push_back(tenant.name);
  EXPECT_EQ(names, (std::vector<std::string>{"acme", "beta", "zeta", "new"}));
  EXPECT_EQ(model.trace->tenants, names);
  EXPECT_EQ(model.trace->classes, (std::vector<std::string>{"simple", "hard"}));
  EXPECT_EQ(expected_requests(model), 10'003);

  const std::vector<Arrival> arrivals = draw(model);
  ASSERT_EQ(arrivals.size(), 10'003u);
  EXPECT_TRUE(same(arrivals.front(), {.index = 0,
                                      .at = Duration(0),
                                      .request_class = 1,
                                      .tenant = 2,
                                      .input = Tokens(11),
                                      .output = Tokens(12)}));
  EXPECT_TRUE(same(arrivals[10'001], {.index = 10'001,
                                      .at = std::chrono::seconds(89'993),
                                      .request_class = 0,
                                      .tenant = 0,
                                      .input = Tokens(13),
                                      .output = Tokens(14)}));
  EXPECT_TRUE(same(arrivals.back(), {.index = 10'002,
                                     .at = std::chrono::seconds(89'993),
                                     .request_class = 1,
                                     .tenant = 3,
                                     .input = Tokens(15),
                                     .output = Tokens(16)}));
  std::vector<double> classes(2);
  std::vector<double> tenants(4);
  for (std::size_t i = 1; i <= 10'000; ++i) {
    EXPECT_EQ(arrivals[i].at, std::chrono::seconds(i));
    EXPECT_EQ(arrivals[i].input, Tokens(5));
    EXPECT_EQ(arrivals[i].output, Tokens(6));
    ++classes.at(arrivals[i].request_class);
    ++tenants.at(arrivals[i].tenant);
  }
  expect_counts(classes, {7'500, 2'500}, 1);
  expect_counts(tenants, {5'000, 5'000, 0, 0}, 1);
}

TEST(WithTraceTest, AnExactMixCountsTheRowsThatNameNoClass) {
  std::string text = "seconds,input_tokens,output_tokens,class\n";
  for (int i = 0; i < 100; ++i) text += "1,1,1,\n1,1,1,b\n";
  const TrafficModel model =
      with_trace(model_of(kArrivals, R"(,"classes":[{"name":"a","share":0.7},)"
                                     R"({"name":"b","share":0.3}],"class_mix":"exact")"),
                 trace_of(text))
          .value();
  std::vector<int> counts(2);
  for (const Arrival& arrival : draw(model)) ++counts.at(arrival.request_class);
  EXPECT_EQ(counts, (std::vector<int>{70, 130}));
}

TEST(WithTraceTest, EveryUnknownClassIsAnError) {
  const auto result = with_trace(
      model_of(kArrivals, R"(,"classes":[{"name":"simple"},{"name":"hard"}])"),
      trace_of("seconds,input_tokens,output_tokens,class\n1,1,1,simpel\n1,1,1,hard\n1,1,1,x\n"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(
      fare::to_text(result.error()),
      "t.csv: has requests of the class \"simpel\", which the traffic does not define; did you "
      "mean \"simple\"?\n"
      "t.csv: has requests of the class \"x\", which the traffic does not define\n");
}

TEST(WithTraceTest, TenantsTogetherHaveALimit) {
  const auto result = with_trace(
      model_of(kArrivals, R"(,"tenants":{"count":1000000,"zipf_exponent":1})"),
      trace_of("seconds,input_tokens,output_tokens,tenant\n1,1,1,a\n1,1,1,tenant-0000001\n"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(fare::to_text(result.error()),
            "t.csv: brings the tenants to 1000001, but there may be 1000000\n");
}

}  // namespace
}  // namespace routesim
