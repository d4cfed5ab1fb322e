#include "study/traffic_fit_laws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/json_reader.h"
#include "base/random.h"
#include "engine/distribution.h"
#include "fare/check.h"
#include "traffic/whole_tokens.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDrawsMin = 50'000;
constexpr std::size_t kFewKinds = 40;  // Of counts, each written with its share.
constexpr int kQuantileSteps = 50;
constexpr double kTailProbabilities[] = {0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999};

// Draws from a distribution as a run would.
std::vector<double> draws_of(const Json& json, LawKind kind, std::size_t count,
                             std::uint64_t seed) {
  fare::Problems problems("fit");
  const fare::JsonDocument document(R"({"law":)" + json.dump() + "}", problems);
  const auto distribution = read_distribution(document.root().member("law"));
  FARE_CHECK(distribution.has_value());
  const fare::RandomKey key(seed, 0, fare::Purpose::kBootstrap);
  std::vector<double> draws;
  for (std::size_t i = 0; i < count; ++i) {
    fare::RandomStream stream(key, i);
    const double draw = distribution->sample(stream);
    draws.push_back(kind == LawKind::kNumber ? draw
                                             : static_cast<double>(whole_tokens(draw).count()));
  }
  return draws;
}

// Cut off where the values end; of counts a whole one below, as draws are rounded up.
Json lognormal_of(const std::vector<double>& sorted, LawKind kind, LengthFit& fit) {
  double sum = 0;
  double squares = 0;
  for (const double value : sorted) sum += std::log(value);
  fit.mu = sum / static_cast<double>(sorted.size());
  for (const double value : sorted) squares += std::pow(std::log(value) - fit.mu, 2);
  fit.sigma = std::sqrt(squares / static_cast<double>(sorted.size()));
  if (sorted.front() == sorted.back() || fit.sigma < 1e-3) return sorted.front();
  const bool is_count = kind == LawKind::kCount;
  return {{"kind", "lognormal"},
          {"mu", rounded(fit.mu)},
          {"sigma", rounded(fit.sigma)},
          {"min", is_count ? std::max(sorted.front() - 1, 0.5) : sorted.front()},
          {"max", sorted.back()}};
}

// Of counts less a half, so that rounding up rounds to the nearest.
Json quantiles_of(const std::vector<double>& sorted, LawKind kind) {
  const double below = kind == LawKind::kCount ? 0.5 : 0;
  Json points = Json::array();
  const auto add = [&](double p) {
    points.push_back({p, rounded(sorted_quantile(sorted, p) - below)});
  };
  for (int i = 0; i < kQuantileSteps; ++i) add(i / static_cast<double>(kQuantileSteps));
  for (const double p : kTailProbabilities) {
    // The last of them are few: further out is the greatest value alone.
    if (p <= 0.998 || (1 - p) * static_cast<double>(sorted.size()) >= 2) add(p);
  }
  add(1);
  return {{"kind", "empirical"}, {"quantiles", std::move(points)}};
}

// Each count has its share, as what is between two counts is rounded up.
Json shares_of(const std::map<double, std::uint64_t>& counts, std::size_t all) {
  const double first = counts.begin()->first;
  if (counts.size() == 1) return first;
  Json points = Json::array({Json::array({0, first - 0.5})});
  std::uint64_t below = 0;
  double last = first;
  const auto share = [&] { return static_cast<double>(below) / static_cast<double>(all); };
  for (const auto& [value, count] : counts) {
    if (value > last + 1) points.push_back({share() + 1e-9, value - 1});  // None in between.
    below += count;
    points.push_back({share(), value});
    last = value;
  }
  return {{"kind", "empirical"}, {"quantiles", std::move(points)}};
}

}  // namespace

double rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

double sorted_quantile(const std::vector<double>& sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double mean_of(const std::vector<double>& values) {
  FARE_CHECK(!values.empty());
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Json fit_law(std::string name, std::vector<double> values, LawKind kind,
             const TrafficFitOptions& options, std::vector<LengthFit>& fits) {
  FARE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  LengthFit fit;
  fit.name = std::move(name);
  fit.mean = mean_of(values);
  const std::size_t count = std::max(values.size(), kDrawsMin);
  Json json;
  std::vector<double> draws;
  fit.lognormal_distance = 1;  // Of what can be 0.
  if (values.front() > 0) {
    json = lognormal_of(values, kind, fit);
    draws = draws_of(json, kind, count, options.seed);
    fit.lognormal_distance = distance(values, draws);
  }
  fit.is_lognormal = fit.lognormal_distance <= options.lognormal_miss;
  if (!fit.is_lognormal) {
    std::map<double, std::uint64_t> kinds;
    for (const double value : values) {
      if (kind == LawKind::kCount && kinds.size() <= kFewKinds) ++kinds[value];
    }
    const bool are_few = kind == LawKind::kCount && kinds.size() <= kFewKinds;
    json = are_few ? shares_of(kinds, values.size()) : quantiles_of(values, kind);
    draws = draws_of(json, kind, count, options.seed);
  }
  fit.distance = distance(values, draws);
  fit.simulated_mean = mean_of(draws);
  fits.push_back(std::move(fit));
  return json;
}

}  // namespace routesim
