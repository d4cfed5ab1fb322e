#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocations.h"
#include "base/json_reader.h"
#include "places.h"
#include "traffic/client_mix.h"
#include "traffic/gap_law.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

using fare::Duration;
using Kind = GapLaw::Kind;

// Every statistical test below has fixed seeds and a limit that a correct generator exceeds for
// about one seed in a million: 2.7 for the Kolmogorov-Smirnov distance times sqrt(n), 4.9 standard
// errors for a mean.
constexpr double kDistanceMax = 2.7;
constexpr double kErrorsMax = 4.9;

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

// Expects that independent values have a mean of `due`.
void expect_mean(const std::vector<double>& values, double due) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (n - 1) / n);
  EXPECT_LT(std::abs(mean - due), kErrorsMax * error) << mean << " is not " << due;
}

std::optional<TrafficModel> read(const std::string& text, std::string& problems_found) {
  fare::Problems problems("s");
  const fare::JsonDocument document(text, problems);
  std::optional<TrafficModel> model = read_traffic(document.root());
  problems_found = fare::to_text(problems.take());
  return model;
}

TrafficModel model_of(const std::string& arrivals) {
  std::string problems;
  auto model =
      read(R"({"arrivals":)" + arrivals + R"(,"input_tokens":100,"output_tokens":10})", problems);
  EXPECT_EQ(problems, "");
  return model ? std::move(*model) : TrafficModel{};
}

std::string problems_of(const std::string& arrivals) {
  std::string problems;
  read(R"({"arrivals":)" + arrivals + R"(,"input_tokens":100,"output_tokens":10})", problems);
  return problems;
}

std::vector<Arrival> draw(const TrafficModel& model, std::uint64_t seed = 1,
                          std::uint32_t replication = 0) {
  TrafficSource source(model, seed, replication);
  std::vector<Arrival> arrivals;
  Arrival arrival;
  while (source.next(arrival)) arrivals.push_back(arrival);
  EXPECT_FALSE(source.next(arrival)) << "the end must stay the end";
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    EXPECT_GE(arrivals[i].at, arrivals[i - 1].at);
  }
  return arrivals;
}

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

std::vector<double> gaps_of(const std::vector<Arrival>& arrivals) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    gaps.push_back(seconds(arrivals[i].at - arrivals[i - 1].at));
  }
  return gaps;
}

// For each replication the mean of (N - rate * window)^2 / (rate * window) over windows: the index
// of dispersion, without bias, as the mean is known.
std::vector<double> dispersions(const TrafficModel& model, double rate, double window) {
  std::vector<double> indices;
  for (std::uint32_t replication = 0; replication < 200; ++replication) {
    std::vector<double> counts(
        static_cast<std::size_t>(seconds(model.arrivals.length) / window + 0.5));
    for (const Arrival& arrival : draw(model, 7, replication)) {
      ++counts.at(static_cast<std::size_t>(seconds(arrival.at) / window));
    }
    double sum = 0;
    for (const double count : counts) sum += (count - rate * window) * (count - rate * window);
    indices.push_back(sum / static_cast<double>(counts.size()) / (rate * window));
  }
  return indices;
}

struct Law {
  const char* name;
  Kind kind;
  double cv;
};
constexpr Law kLaws[] = {{"poisson", Kind::kExponential, 1}, {"gamma", Kind::kGamma, 0.5},
                         {"gamma", Kind::kGamma, 2},         {"gamma", Kind::kGamma, 8},
                         {"weibull", Kind::kWeibull, 0.5},   {"weibull", Kind::kWeibull, 2},
                         {"weibull", Kind::kWeibull, 8}};

// P(gap <= x), and the same weighted by the gap's length.
std::pair<double, double> laws_at(const GapLaw& law, double x) {
  const double k = law.shape();
  if (x <= 0) return {0, 0};
  if (law.kind() != Kind::kWeibull) {
    return {boost::math::gamma_p(k, k * x), boost::math::gamma_p(k + 1, k * x)};
  }
  const double t = std::pow(x * std::tgamma(1 + 1 / k), k);
  return {-std::expm1(-t), boost::math::gamma_p(1 + 1 / k, t)};
}

TEST(GapLawTest, GapsHaveTheirLawAndTheFirstOneThatOfEquilibrium) {
  for (const Law& test : kLaws) {
    SCOPED_TRACE(testing::Message() << test.name << " " << test.cv);
    const GapLaw law = GapLaw::with_cv(test.kind, test.cv);
    EXPECT_NEAR(law.cv(), test.cv, 1e-9 * test.cv);
    const fare::RandomKey key(3, 0, fare::Purpose::kTest);
    std::vector<double> gaps;
    std::vector<double> firsts;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      fare::RandomStream stream(key, 2 * i);
      fare::RandomStream other(key, 2 * i + 1);
      gaps.push_back(law.draw(stream));
      firsts.push_back(law.first(other));
    }
    expect_mean(gaps, 1);
    expect_mean(firsts, (1 + test.cv * test.cv) / 2);
    EXPECT_LT(distance(gaps, [&](double x) { return laws_at(law, x).first; }), kDistanceMax);
    // The integral of P(gap > t) from 0 to x.
    EXPECT_LT(distance(firsts,
                       [&](double x) {
                         const auto [below, weighted] = laws_at(law, x);
                         return x * (1 - below) + weighted;
                       }),
              kDistanceMax);
  }
}

TEST(GapLawTest, AnyCvHasAShape) {
  for (const double cv : {0.001, 0.0047, 0.3, 1.0, 31.0, 148.6, 1000.0}) {
    for (const Kind kind : {Kind::kGamma, Kind::kWeibull}) {
      EXPECT_NEAR(GapLaw::with_cv(kind, cv).cv() / cv, 1, 1e-6) << cv;
    }
  }
}

// Goal: the index of dispersion at 1, 10 and 60 s is that of the renewal process.
// Method: in equilibrium E[N (N - 1)] = 2 rate * integral of M, where M(t), the expected number of
// renewals after one, is the sum over n of P(n gaps <= t): a series of gamma functions for gamma
// gaps (Cox, "Renewal theory", 1962, 4.5).
TEST(ArrivalsTest, GammaRenewalsDisperseAsTheyShould) {
  const double rate = 5;
  for (const double cv : {0.5, 2.0, 4.0}) {
    const TrafficModel model = model_of(
        fmt::format(R"({{"process":"gamma","cv":{},"per_second":{},"hours":0.1}})", cv, rate));
    const double shape = 1 / (cv * cv);
    for (const double window : {1.0, 10.0, 60.0}) {
      SCOPED_TRACE(testing::Message() << "cv " << cv << ", " << window << " s");
      const auto renewals = [&](double t) {
        double sum = 0;
        for (int n = 1;; ++n) {
          const double more = boost::math::gamma_p(n * shape, shape * rate * t);
          sum += more;
          if (more < 1e-12) return sum;
        }
      };
      double area = 0;  // By the rule of trapezoids in the square root of t, where M is smooth.
      const int steps = 400;
      const double step = std::sqrt(window) / steps;
      for (int i = 0; i < steps; ++i) {
        const double root = (i + 0.5) * step;
        area += renewals(root * root) * 2 * root * step;
      }
      const double due = 1 + 2 * area / window - rate * window;
      expect_mean(dispersions(model, rate, window), due);
    }
  }
}

// 1 + 2 p q (a - b)^2 / (mean s) * (1 - (1 - e^(-s t)) / (s t)), s the sum of both leaving rates:
// Fischer and Meier-Hellstern, "The Markov-modulated Poisson process cookbook", 1993.
TEST(ArrivalsTest, AModulatedPoissonProcessDispersesAsItShould) {
  const TrafficModel model = model_of(
      R"({"process":"mmpp","per_second":5,"hours":1,"states":[{"weight":1,"mean_seconds":60},)"
      R"({"weight":4,"mean_seconds":20}]})");
  const double p = 0.75;
  const double low = 5 / 1.75;
  const double high = 4 * low;
  const double leaving = 1.0 / 60 + 1.0 / 20;
  for (const double window : {1.0, 10.0, 60.0}) {
    SCOPED_TRACE(window);
    const double spread = 2 * p * (1 - p) * (high - low) * (high - low) / (5 * leaving);
    const double due = 1 + spread * (1 + std::expm1(-leaving * window) / (leaving * window));
    expect_mean(dispersions(model, 5, window), due);
  }
}

TEST(ArrivalsTest, ThreeStatesHaveTheirSharesOfTime) {
  const TrafficModel model = model_of(
      R"({"process":"mmpp","per_second":2,"hours":0.05,"states":[{"weight":0,"mean_seconds":9},)"
      R"({"weight":1,"mean_seconds":30},{"weight":20,"mean_seconds":3}]})");
  std::vector<double> counts;
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    counts.push_back(static_cast<double>(draw(model, 2, i).size()));
  }
  expect_mean(counts, 360);
}

// A renewal process that began with a full gap would be off by (cv^2 - 1) / 2 = 49.5 requests.
TEST(ArrivalsTest, TheMeanRateHoldsFromTheFirstSecondOn) {
  for (const char* const process : {"gamma", "weibull"}) {
    const TrafficModel model =
        model_of(fmt::format(R"({{"process":"{}","cv":10,"per_second":5,"hours":0.01}})", process));
    std::vector<double> counts;
    for (std::uint32_t i = 0; i < 5'000; ++i) {
      counts.push_back(static_cast<double>(draw(model, 1, i).size()));
    }
    expect_mean(counts, 180);
  }
}

std::string week_of(double per_second, double hours, const char* process) {
  std::vector<double> weights;
  for (int hour = 0; hour < 168; ++hour) weights.push_back(hour < 120 ? 1 + hour % 24 : hour % 7);
  return fmt::format(R"({{"process":{},"per_second":{},"hours":{},"hour_weights":[{}]}})", process,
                     per_second, hours, fmt::join(weights, ","));
}

TEST(ArrivalsTest, EachHourOfTheWeekHasItsWeight) {
  const TrafficModel model = model_of(week_of(1, 400, R"("gamma","cv":2)"));
  const auto& weights = model.arrivals.hour_weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  EXPECT_NEAR(expected_requests(model_of(week_of(1, 336, R"("poisson")"))), 336 * 3'600, 1e-6);
  std::vector<double> scores;  // Of (count - due) / its deviation, over hours and replications.
  std::vector<double> squares;
  for (std::uint32_t replication = 0; replication < 10; ++replication) {
    std::vector<double> counts(400);
    for (const Arrival& arrival : draw(model, 5, replication)) {
      ++counts.at(static_cast<std::size_t>(seconds(arrival.at) / 3'600));
    }
    for (std::size_t hour = 0; hour < counts.size(); ++hour) {
      const double due = 3'600 * weights[hour % 168] / sum * 168;
      if (due == 0) {
        EXPECT_EQ(counts[hour], 0) << hour;
      } else {
        scores.push_back((counts[hour] - due) / std::sqrt(4 * due));  // cv^2 is 4.
        squares.push_back(scores.back() * scores.back());
      }
    }
  }
  expect_mean(scores, 0);
  EXPECT_NEAR(
      std::accumulate(squares.begin(), squares.end(), 0.0) / static_cast<double>(squares.size()), 1,
      0.15);
}

// Goal: ramps, jumps and hours shape the rate together.  Method: the change of time undone by a
// slow integral of their product; then the gaps are those of a process with rate 1.
TEST(ArrivalsTest, ACurveRampsAndJumpsOnTopOfTheHours) {
  const TrafficModel model = model_of(
      R"({"process":"poisson","per_second":0.8,"hours":30,"rate_curve":[[1,0],[5.5,2],[8.25,2],)"
      R"([8.25,9],[8.75,1],[20,0.25]],"hour_weights":[1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,)"
      R"(7,8]})");
  const auto curve = [](double hours) {
    const double points[][2] = {{1, 0}, {5.5, 2}, {8.25, 2}, {8.25, 9}, {8.75, 1}, {20, 0.25}};
    if (hours <= 1) return 0.0;
    for (std::size_t i = 1; i < 6; ++i) {
      const auto& [x0, y0] = points[i - 1];
      const auto& [x1, y1] = points[i];
      if (hours < x1) return y0 + (hours - x0) / (x1 - x0) * (y1 - y0);
    }
    return 0.25;
  };
  const int steps = 30 * 3'600;  // By middles of seconds.
  std::vector<double> integral = {0};
  for (int i = 0; i < steps; ++i) {
    const double hours = (i + 0.5) / 3'600;
    const double weight = 1 + static_cast<int>(hours) % 24 % 8;
    integral.push_back(integral.back() + 0.8 * weight / 4.5 * curve(hours));
  }
  const auto scaled = [&](const Arrival& arrival) {
    const double at = seconds(arrival.at);
    const auto whole = static_cast<std::size_t>(at);
    return integral[whole] +
           (at - static_cast<double>(whole)) * (integral[whole + 1] - integral[whole]);
  };
  std::vector<double> gaps;
  for (std::uint32_t replication = 0; replication < 3; ++replication) {
    const std::vector<Arrival> arrivals = draw(model, 11, replication);
    for (std::size_t i = 1; i < arrivals.size(); ++i) {
      gaps.push_back(scaled(arrivals[i]) - scaled(arrivals[i - 1]));
    }
    EXPECT_GE(arrivals.front().at, std::chrono::hours(1)) << "the ramp starts at 0";
  }
  EXPECT_LT(distance(gaps, [](double x) { return -std::expm1(-x); }), kDistanceMax);
  EXPECT_NEAR(expected_requests(model) / integral.back(), 1, 1e-6);
}

TEST(ArrivalsTest, ARateThatEndsAtZeroEndsTheRun) {
  const TrafficModel model =
      model_of(R"({"process":"poisson","per_second":3,"hours":87600,"rate_curve":[[0,1],[1,0]]})");
  const std::vector<Arrival> arrivals = draw(model);
  EXPECT_LT(std::abs(static_cast<double>(arrivals.size()) - 5'400), kErrorsMax * std::sqrt(5'400));
  EXPECT_LT(arrivals.back().at, std::chrono::hours(1));
}

// Half the rate over twice the time is the same process, with every instant doubled.
TEST(ArrivalsTest, TwiceTheTimeUnitIsTwiceTheTime) {
  for (const char* const process : {R"("poisson")", R"("gamma","cv":3)", R"("weibull","cv":0.5)"}) {
    const auto fast =
        draw(model_of(fmt::format(R"({{"process":{},"per_second":4,"requests":50000}})", process)));
    const auto slow =
        draw(model_of(fmt::format(R"({{"process":{},"per_second":2,"requests":50000}})", process)));
    ASSERT_EQ(fast.size(), slow.size());
    for (std::size_t i = 0; i < fast.size(); ++i) {
      ASSERT_LE(std::abs(slow[i].at.count() - 2 * fast[i].at.count()), 4) << process << " " << i;
    }
  }
}

TEST(ArrivalsTest, TicksCutTimesAsLogsDo) {
  const char* const kText = R"({{"process":"poisson","per_second":5,"requests":9999{}}})";
  const auto fine = draw(model_of(fmt::format(fmt::runtime(kText), "")));
  const auto coarse = draw(model_of(fmt::format(fmt::runtime(kText), R"(,"tick_seconds":3)")));
  for (std::size_t i = 0; i < fine.size(); ++i) {
    ASSERT_EQ(coarse[i].at, std::chrono::seconds(fine[i].at / std::chrono::seconds(3) * 3));
  }
}

std::string client(const char* tenant, double rate, const char* gaps = "", double start = 0,
                   double length = 3'600) {
  return fmt::format(
      R"({{"tenant":"{}","windows":[{{"start_seconds":{},"seconds":{},"per_second":{}{}}}]}})",
      tenant, start, length, rate, gaps);
}

TrafficModel clients(const std::vector<std::string>& list) {
  return model_of(fmt::format(R"({{"process":"clients","clients":[{}]}})", fmt::join(list, ",")));
}

TEST(ClientsTest, TwoPoissonClientsAreOne) {
  std::vector<double> gaps;
  for (std::uint32_t i = 0; i < 5; ++i) {
    for (const double gap : gaps_of(draw(clients({client("a", 2), client("b", 3)}), 1, i))) {
      gaps.push_back(gap);
    }
  }
  EXPECT_LT(distance(gaps, [](double x) { return -std::expm1(-5 * x); }), kDistanceMax);
}

TEST(ClientsTest, AClientSendsTheSameWhoeverElseDoes) {
  const std::string bursty = client("a", 2, R"(,"gaps":"gamma","cv":4)");
  const auto alone = draw(clients({bursty}));
  const TrafficModel both =
      clients({bursty, client("b", 7, R"(,"gaps":"weibull","cv":2)", 1'000, 600)});
  std::vector<Duration> mine;
  double theirs = 0;
  for (const Arrival& arrival : draw(both)) {
    const bool is_mine = both.tenants[arrival.tenant].name == "a";
    if (is_mine) mine.push_back(arrival.at);
    if (is_mine) continue;
    ++theirs;
    EXPECT_GE(arrival.at, std::chrono::seconds(1'000));
    EXPECT_LT(arrival.at, std::chrono::seconds(1'600));
  }
  ASSERT_EQ(mine.size(), alone.size());
  for (std::size_t i = 0; i < mine.size(); ++i) ASSERT_EQ(mine[i], alone[i].at);
  EXPECT_GT(theirs, 3'000);
  EXPECT_NEAR(expected_requests(both), 7'200 + 4'200, 1e-6);
}

// Goal: the recorded table is sent as recorded.  Method: the counts of every window over its due.
TEST(ClientsTest, TheServeGenTableHasItsRates) {
  const std::string path = std::string(fare::kSourceDir) +
                           "/../shared/data/traces/servegen/reason_deepseek-r1_clients.csv.gz";
  const auto mix = read_client_mix(path, {});
  if (!mix) GTEST_SKIP() << "needs the ServeGen tables: " << fare::to_text(mix.error());
  EXPECT_EQ(mix->lines, 3'111u);
  EXPECT_EQ(mix->bad_lines.size(), 0u);
  EXPECT_EQ(mix->clients.size(), 73u);
  const TrafficModel base = model_of(R"({"process":"poisson","per_second":1,"requests":1})");
  const auto model = with_clients(base, mix->clients);
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->tenants.size(), 74u);
  std::vector<double> totals;
  std::vector<double> firsts;  // Of the client with most requests.
  double first_due = 0;
  for (const ClientWindow& window : mix->clients[0].windows) first_due += window.per_second * 600;
  for (std::uint32_t i = 0; i < 20; ++i) {
    const auto arrivals = draw(*model, 1, i);
    totals.push_back(static_cast<double>(arrivals.size()));
    firsts.push_back(static_cast<double>(std::count_if(
        arrivals.begin(), arrivals.end(), [](const Arrival& a) { return a.tenant == 1; })));
  }
  expect_mean(totals, expected_requests(*model));
  expect_mean(firsts, first_due);
}

TEST(ClientsTest, BadLinesOfATableAreNamed) {
  const auto mix = parse_client_mix("t.csv",
                                    "client,window_start_s,rate,cv,pattern\n"
                                    "0,0,1.5,2,Gamma\n"
                                    "0,599,1.5,2,Gamma\n"
                                    "1,0,-1,2,Gamma\n"
                                    "1,0,1,0,Gamma\n"
                                    "1,0,1,1,Pareto\n"
                                    "1,0,1\n"
                                    "0,600,0.5,0.5,Weibull\n",
                                    {});
  ASSERT_TRUE(mix.has_value());
  EXPECT_EQ(mix->clients.size(), 1u);
  EXPECT_EQ(mix->clients[0].windows.size(), 2u);
  EXPECT_EQ(fare::to_text(mix->bad_lines),
            "t.csv:3: window_start_s must not be before the end of the window before of client 0\n"
            "t.csv:4: rate must be a number from 0 to 1e6, but is \"-1\"\n"
            "t.csv:5: cv must be a number from 0.001 to 1000, but is \"0\"\n"
            "t.csv:6: pattern must be Exponential, Gamma or Weibull, but is \"Pareto\"\n"
            "t.csv:7: must have at least 5 fields\n");
  EXPECT_FALSE(parse_client_mix("t.csv", "client,rate\n0,1\n", {}).has_value());
  EXPECT_FALSE(parse_client_mix("t.csv", "", {}).has_value());
}

TEST(ArrivalsTest, NextAllocatesNothing) {
  for (const TrafficModel& model :
       {model_of(R"({"process":"gamma","cv":5,"per_second":5,"requests":10000})"),
        model_of(R"({"process":"mmpp","per_second":5,"requests":10000,"states":[)"
                 R"({"weight":1,"mean_seconds":1},{"weight":9,"mean_seconds":1}]})"),
        clients({client("a", 2), client("b", 3)})}) {
    TrafficSource source(model, 1, 0);
    Arrival arrival;
    const std::uint64_t before = fare::allocations();
    int count = 0;
    while (source.next(arrival)) ++count;
    EXPECT_EQ(fare::allocations(), before);
    EXPECT_GE(count, 10'000);
  }
}

TEST(ArrivalsTest, WhatIsWrongIsNamed) {
  const struct {
    const char* arrivals;
    const char* problem;
  } cases[] = {
      {R"({"process":"gamma","per_second":1,"hours":1})",
       "s#/arrivals: needs one of \"shape\" and \"cv\"\n"},
      {R"({"process":"weibull","shape":1,"cv":1,"per_second":1,"hours":1})",
       "s#/arrivals: needs one of \"shape\" and \"cv\"\n"},
      {R"({"process":"weibull","shape":0.01,"per_second":1,"hours":1})",
       "s#/arrivals/shape: must give gaps with a coefficient of variation from 0.001 to 1000, but "
       "gives 3.01e+29\n"},
      {R"({"process":"poisson","cv":1,"per_second":1,"hours":1})",
       "s#/arrivals/cv: is not a known key\n"},
      {R"({"process":"poisson","per_second":1,"hours":1,"rate_curve":[[1,1],[0,1]]})",
       "s#/arrivals/rate_curve/1: must not be before the point before it\n"},
      {R"({"process":"poisson","per_second":1,"requests":1,"rate_curve":[[0,1],[1,0]]})",
       "s#/arrivals/rate_curve: must not end with a factor of 0, as then \"requests\" would never "
       "all come\n"},
      {R"({"process":"mmpp","per_second":1,"hours":1,"states":[{"weight":0,"mean_seconds":1},)"
       R"({"weight":0,"mean_seconds":1}]})",
       "s#/arrivals/states: must have a weight above 0\n"},
      {R"({"process":"clients","clients":[{"tenant":"a","class":"chat","windows":[)"
       R"({"start_seconds":0,"seconds":1,"per_second":1}]}]})",
       "s#/arrivals/clients/0/class: must be a class of the traffic, but is \"chat\"\n"},
      {R"({"process":"clients","clients":[{"tenant":"a","windows":[)"
       R"({"start_seconds":0,"seconds":2,"per_second":1},)"
       R"({"start_seconds":1,"seconds":1,"per_second":1}]}]})",
       "s#/arrivals/clients/0/windows/1: must not start before the window before it ends\n"},
  };
  for (const auto& test : cases) EXPECT_EQ(problems_of(test.arrivals), test.problem);
}

}  // namespace
}  // namespace routesim
