#include "study/traffic_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/json_reader.h"
#include "fare/check.h"
#include "study/traffic_fit_arrivals.h"
#include "traffic/traffic.h"
#include "traffic/whole_tokens.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr std::size_t kRequestsMin = 20;
constexpr std::size_t kClassRequestsMin = 50;  // Fewer have the lengths of all.
constexpr std::size_t kTenantsListed = 1'000;
constexpr std::size_t kDrawsMin = 50'000;
constexpr int kQuantileSteps = 50;
constexpr double kTailProbabilities[] = {0.99, 0.995, 0.998};

double rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

double quantile(const std::vector<double>& sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Draws from a distribution as a run would.
std::vector<double> draws_of(const Json& json, std::size_t count, std::uint64_t seed) {
  fare::Problems problems("fit");
  const std::string text = json.dump();
  const fare::JsonDocument document(R"({"lengths":)" + text + "}", problems);
  const auto distribution = read_distribution(document.root().member("lengths"));
  FARE_CHECK(distribution.has_value());
  const fare::RandomKey key(seed, 0, fare::Purpose::kBootstrap);
  std::vector<double> draws;
  for (std::size_t i = 0; i < count; ++i) {
    fare::RandomStream stream(key, i);
    draws.push_back(static_cast<double>(whole_tokens(distribution->sample(stream)).count()));
  }
  return draws;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The log-normal law, cut off where the trace ends; half a token below, as draws are rounded up.
Json lognormal_of(const std::vector<double>& sorted, LengthFit& fit) {
  double sum = 0;
  double squares = 0;
  for (const double value : sorted) sum += std::log(value);
  fit.mu = sum / static_cast<double>(sorted.size());
  for (const double value : sorted) squares += std::pow(std::log(value) - fit.mu, 2);
  fit.sigma = std::sqrt(squares / static_cast<double>(sorted.size()));
  if (sorted.front() == sorted.back() || fit.sigma < 1e-3) return sorted.front();
  return {{"kind", "lognormal"},
          {"mu", rounded(fit.mu)},
          {"sigma", rounded(fit.sigma)},
          {"min", std::max(sorted.front() - 1, 0.5)},
          {"max", sorted.back()}};
}

// Quantiles; less half a token, so that rounding up rounds to the nearest.
Json quantiles_of(const std::vector<double>& sorted) {
  Json points = Json::array();
  const auto add = [&](double p) { points.push_back({p, rounded(quantile(sorted, p) - 0.5)}); };
  for (int i = 0; i < kQuantileSteps; ++i) add(i / static_cast<double>(kQuantileSteps));
  for (const double p : kTailProbabilities) add(p);
  add(1);
  return {{"kind", "empirical"}, {"quantiles", std::move(points)}};
}

Json fit_length(std::string name, std::vector<double> values, const TrafficFitOptions& options,
                std::vector<LengthFit>& fits) {
  std::sort(values.begin(), values.end());
  LengthFit fit;
  fit.name = std::move(name);
  fit.mean = mean_of(values);
  Json json = lognormal_of(values, fit);
  const std::size_t count = std::max(values.size(), kDrawsMin);
  std::vector<double> draws = draws_of(json, count, options.seed);
  fit.lognormal_distance = distance(values, draws);
  fit.is_lognormal = fit.lognormal_distance <= options.lognormal_miss;
  if (!fit.is_lognormal) {
    json = quantiles_of(values);
    draws = draws_of(json, count, options.seed);
  }
  fit.distance = distance(values, draws);
  fit.simulated_mean = mean_of(draws);
  fits.push_back(std::move(fit));
  return json;
}

std::vector<double> lengths_of(const Trace& trace, fare::Tokens TraceRow::*member,
                               std::optional<std::uint32_t> request_class) {
  std::vector<double> values;
  for (const TraceRow& row : trace.rows) {
    if (request_class && row.request_class != *request_class) continue;
    values.push_back(static_cast<double>((row.*member).count()));
  }
  return values;
}

double log_correlation(const Trace& trace) {
  double sums[2] = {};
  double squares[2] = {};
  double product = 0;
  for (const TraceRow& row : trace.rows) {
    const double logs[2] = {std::log(static_cast<double>(row.input.count())),
                            std::log(static_cast<double>(row.output.count()))};
    for (int i = 0; i < 2; ++i) {
      sums[i] += logs[i];
      squares[i] += logs[i] * logs[i];
    }
    product += logs[0] * logs[1];
  }
  const auto n = static_cast<double>(trace.rows.size());
  const double spread =
      std::sqrt((squares[0] - sums[0] * sums[0] / n) * (squares[1] - sums[1] * sums[1] / n));
  return spread > 0 ? (product - sums[0] * sums[1] / n) / spread : 0;
}

// How many requests have each name; those without one are left to the mix.
std::vector<ShareFit> shares_of(const Trace& trace, const std::vector<std::string>& names,
                                std::uint32_t TraceRow::*member) {
  std::vector<ShareFit> shares;
  for (const std::string& name : names) shares.push_back({name, 0});
  for (const TraceRow& row : trace.rows) {
    if (row.*member != kUnnamed) ++shares[row.*member].requests;
  }
  return shares;
}

Json classes_json(const Trace& trace, const TrafficFitOptions& options, TrafficFit& fit) {
  Json classes = Json::array();
  for (std::uint32_t i = 0; i < fit.classes.size(); ++i) {
    const ShareFit& one = fit.classes[i];
    Json json = {{"name", one.name}, {"share", one.requests}};
    if (one.requests >= kClassRequestsMin) {
      json["input_tokens"] =
          fit_length("input_tokens of " + one.name, lengths_of(trace, &TraceRow::input, i), options,
                     fit.lengths);
      json["output_tokens"] =
          fit_length("output_tokens of " + one.name, lengths_of(trace, &TraceRow::output, i),
                     options, fit.lengths);
    }
    classes.push_back(std::move(json));
  }
  return classes;
}

// All of them, or, if they are very many, a Zipf law by least squares of logarithms.
Json tenants_json(const std::vector<ShareFit>& tenants) {
  Json list = Json::array();
  if (tenants.size() <= kTenantsListed) {
    for (const ShareFit& one : tenants)
      list.push_back({{"name", one.name}, {"share", one.requests}});
    return list;
  }
  std::vector<double> counts;
  for (const ShareFit& one : tenants) counts.push_back(static_cast<double>(one.requests));
  std::sort(counts.rbegin(), counts.rend());
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(counts.size());
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double rank = std::log(static_cast<double>(k + 1));
    const double count = std::log(std::max(counts[k], 0.5));
    x += rank;
    y += count;
    xx += rank * rank;
    xy += rank * count;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  return {{"count", counts.size()}, {"zipf_exponent", rounded(std::clamp(-slope, 0.0, 10.0))}};
}

std::optional<SessionFit> sessions_of(const Trace& trace) {
  std::map<std::uint32_t, std::pair<std::uint64_t, Duration>> last;  // Count and time.
  std::vector<double> gaps;
  for (const TraceRow& row : trace.rows) {
    if (row.session == kUnnamed) continue;
    auto& [count, at] = last[row.session];
    if (count++ > 0) gaps.push_back(static_cast<double>((row.at - at).count()) / 1e9);
    at = row.at;
  }
  if (last.empty()) return std::nullopt;
  SessionFit fit;
  fit.sessions = last.size();
  std::uint64_t requests = 0;
  for (const auto& [session, one] : last) {
    requests += one.first;
    fit.requests_max = std::max(fit.requests_max, one.first);
  }
  fit.requests_mean = static_cast<double>(requests) / static_cast<double>(fit.sessions);
  std::sort(gaps.begin(), gaps.end());
  if (!gaps.empty()) {
    fit.gap_p50_seconds = quantile(gaps, 0.5);
    fit.gap_p90_seconds = quantile(gaps, 0.9);
  }
  return fit;
}

std::size_t choose(const std::vector<ArrivalCandidate>& candidates, double good_enough) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].worst_miss <= good_enough) return i;
    if (candidates[i].worst_miss < candidates[best].worst_miss) best = i;
  }
  return best;
}

}  // namespace

fare::Expected<TrafficFit> fit_traffic(const Trace& trace, const TrafficFitOptions& options) {
  FARE_CHECK(options.replications >= 1);
  const std::size_t count = trace.rows.size();
  if (count < kRequestsMin || trace.rows.front().at == trace.rows.back().at) {
    return fare::fail(ErrorCode::kOutOfRange, trace.name,
                      fmt::format("must have at least {} requests at more than one instant to fit "
                                  "a source, but has {}",
                                  kRequestsMin, count));
  }
  std::vector<Duration> at;
  for (const TraceRow& row : trace.rows) at.push_back(row.at);
  TrafficFit fit;
  fit.name = trace.name;
  fit.requests = count;
  fit.span_seconds = static_cast<double>((at.back() - at.front()).count()) / 1e9;
  fit.trace = burstiness(at);
  fit.tick_seconds = tick_of(at);
  fit.candidates = fit_arrivals(at, fit.trace, fit.tick_seconds, options);
  fit.chosen = choose(fit.candidates, options.good_enough);
  fit.length_correlation = log_correlation(trace);
  fit.classes = shares_of(trace, trace.classes, &TraceRow::request_class);
  fit.tenants = shares_of(trace, trace.tenants, &TraceRow::tenant);
  fit.sessions = sessions_of(trace);
  Json traffic = {{"arrivals", Json::parse(fit.candidates[fit.chosen].json)}};
  traffic["input_tokens"] = fit_length(
      "input_tokens", lengths_of(trace, &TraceRow::input, std::nullopt), options, fit.lengths);
  traffic["output_tokens"] = fit_length(
      "output_tokens", lengths_of(trace, &TraceRow::output, std::nullopt), options, fit.lengths);
  if (!fit.classes.empty()) traffic["classes"] = classes_json(trace, options, fit);
  if (!fit.tenants.empty()) traffic["tenants"] = tenants_json(fit.tenants);
  fit.traffic_json = traffic.dump(2);
  return fit;
}

}  // namespace routesim
