#include "study/latency_fit_hosted.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_reader.h"
#include "base/random.h"
#include "fare/check.h"
#include "study/latency_fit_histograms.h"
#include "study/latency_fit_match.h"

namespace routesim {
namespace {

using Point = Distribution::Point;

Distribution read_back(const std::vector<Point>& quantiles) {
  fare::Problems problems("fit");
  const fare::JsonDocument document(distribution_json(quantiles), problems);
  const auto distribution = read_distribution(document.root());
  FARE_CHECK(problems.empty());
  return *distribution;
}

}  // namespace

std::string distribution_json(const std::vector<Point>& quantiles) {
  std::string text = "{\"kind\": \"empirical\", \"quantiles\": [";
  for (std::size_t i = 0; i < quantiles.size(); ++i) {
    text += fmt::format("{}[{:.9g}, {:.6g}]", i == 0 ? "" : ", ", quantiles[i].probability,
                        quantiles[i].value);
  }
  return text + "]}";
}

std::optional<HostedFit> fit_hosted(std::span<const HostedItem> items) {
  // Somebody's later tokens must be known to take time.
  const auto takes_time = [](const HostedItem& item) {
    return item.later_tokens >= 1 && (item.first < 0 || item.total > item.first);
  };
  if (items.size() < kHostedRowsMin || std::none_of(items.begin(), items.end(), takes_time)) {
    return std::nullopt;
  }
  HostedFit fit{
      .rows = items.size(),
      .with_first_token = static_cast<std::size_t>(std::count_if(
          items.begin(), items.end(), [](const HostedItem& item) { return item.first >= 0; })),
      .sessions = by_session(items).size(),
      .input_effect = input_effect(items)};
  HostedHistograms histograms = hosted_histograms(items, fit.input_effect);
  fit.first_token_ms = std::move(histograms.first_token_ms);
  fit.ms_per_output_token = std::move(histograms.ms_per_output_token);
  match_quantiles(items, fit);
  return fit;
}

std::optional<HostedFit> fit_hosted(const LatencyRows& rows, std::uint32_t model,
                                    SessionHalf half) {
  std::optional<HostedFit> fit = fit_hosted(hosted_items(rows, model, half));
  if (fit) fit->model = model;
  return fit;
}

std::vector<double> drawn_totals(std::span<const HostedItem> items, const HostedFit& fit,
                                 std::uint64_t seed, std::uint64_t draws) {
  const Distribution first = read_back(fit.first_token_ms);
  const Distribution later = read_back(fit.ms_per_output_token);
  const fare::RandomKey first_key(seed, 0, fare::Purpose::kFirstToken);
  const fare::RandomKey later_key(seed, 0, fare::Purpose::kOutputTime);
  std::vector<double> drawn;
  drawn.reserve(items.size() * draws);
  for (std::size_t i = 0; i < items.size(); ++i) {
    fare::RandomStream first_luck(first_key, i);
    fare::RandomStream later_luck(later_key, i);
    const double input_ms = fit.input_effect(items[i]);
    for (std::uint64_t draw = 0; draw < draws; ++draw) {
      drawn.push_back(first.sample(first_luck) + input_ms +
                      later.sample(later_luck) * items[i].later_tokens);
    }
  }
  return drawn;
}

HostedErrors compare_hosted(std::span<const HostedItem> items, const HostedFit& fit,
                            std::uint64_t seed) {
  HostedErrors errors;
  errors.rows = items.size();
  if (items.empty()) return errors;
  std::vector<double> measured;
  for (const HostedItem& item : items) measured.push_back(item.total);
  std::vector<double> drawn = drawn_totals(items, fit, seed, kHostedDraws);
  const std::vector<double> real = quantiles_of(measured, HostedErrors::kShares);
  const std::vector<double> simulated = quantiles_of(drawn, HostedErrors::kShares);
  for (std::size_t k = 0; k < HostedErrors::kShares.size(); ++k) {
    errors.measured_ms[k] = real[k];
    errors.drawn_ms[k] = simulated[k];
    errors.error[k] = simulated[k] / real[k] - 1;
  }
  return errors;
}

HostedErrors compare_hosted(const LatencyRows& rows, const HostedFit& fit, SessionHalf half,
                            std::uint64_t seed) {
  return compare_hosted(hosted_items(rows, fit.model, half), fit, seed);
}

}  // namespace routesim
