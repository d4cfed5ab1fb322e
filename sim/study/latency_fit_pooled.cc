#include "study/latency_fit_pooled.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fare/check.h"

namespace routesim {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kDraws = 21;  // An item; odd, so that one is the median.

// The levels of one session.
struct SessionLevel {
  double rows = 0;
  double mean = 0;
  double squares = 0;  // Of the deviations from it.
};

std::vector<SessionLevel> levels_of(std::span<const HostedItem> items, const HostedFit& fit) {
  std::vector<SessionLevel> levels;
  for (const HostedItems& session : by_session(items)) {
    std::vector<double> drawn = drawn_totals(session, fit, kSeed, kDraws);
    std::vector<double> logs;
    for (std::size_t i = 0; i < session.size(); ++i) {
      const auto begin = drawn.begin() + static_cast<std::ptrdiff_t>(i * kDraws);
      std::nth_element(begin, begin + kDraws / 2, begin + kDraws);
      logs.push_back(std::log(session[i].total / *(begin + kDraws / 2)));
    }
    SessionLevel one{.rows = static_cast<double>(logs.size())};
    one.mean = std::accumulate(logs.begin(), logs.end(), 0.0) / one.rows;
    for (const double log : logs) one.squares += (log - one.mean) * (log - one.mean);
    levels.push_back(one);
  }
  return levels;
}

double mean_of(const std::vector<SessionLevel>& levels) {
  double sum = 0;
  for (const SessionLevel& one : levels) sum += one.mean;
  return sum / static_cast<double>(levels.size());
}

// Sums over models, of which the components of the variance are made.
struct Components {
  double squares = 0, rows = 0;  // Within sessions; rows less one a session.
  double between = 0;            // Squares of sessions' means about their model's,
  double sessions = 0;           // sessions less one a model,
  double noise = 0;              // and what rows alone would let them be, in variances of a row.

  void add(const std::vector<SessionLevel>& levels) {
    const double mean = mean_of(levels);
    double shares = 0;
    for (const SessionLevel& one : levels) {
      squares += one.squares;
      rows += one.rows - 1;
      between += (one.mean - mean) * (one.mean - mean);
      shares += 1 / one.rows;
    }
    const auto count = static_cast<double>(levels.size());
    sessions += count - 1;
    noise += (count - 1) / count * shares;
  }
  double row_variance() const { return rows > 0 ? squares / rows : 0; }
  double session_variance() const {
    return sessions > 0 ? std::max(0.0, (between - noise * row_variance()) / sessions) : 0;
  }
};

void scale(HostedFit& fit, double factor) {
  for (Distribution::Point& point : fit.first_token_ms) point.value *= factor;
  for (Distribution::Point& point : fit.ms_per_output_token) point.value *= factor;
  fit.input_effect = fit.input_effect.times(factor);
}

}  // namespace

std::optional<HostedPrior> hosted_prior(const LatencyRows& rows, std::uint32_t model,
                                        SessionHalf half) {
  std::vector<HostedItems> others;
  HostedItems all;
  for (std::uint32_t other = 0; other < rows.models.size(); ++other) {
    HostedItems items = hosted_items(rows, other, half);
    if (other == model || items.size() < kHostedRowsMin) continue;
    all.insert(all.end(), items.begin(), items.end());
    others.push_back(std::move(items));
  }
  if (others.size() < 2) return std::nullopt;
  std::optional<HostedFit> fit = fit_hosted(all);
  if (!fit) return std::nullopt;
  HostedPrior prior{.fit = std::move(*fit), .models = others.size()};
  Components components;
  std::vector<double> means;
  for (const HostedItems& items : others) {
    const std::vector<SessionLevel> levels = levels_of(items, prior.fit);
    components.add(levels);
    means.push_back(mean_of(levels));
    prior.level += means.back() / static_cast<double>(others.size());
  }
  for (const double mean : means) {
    prior.level_variance +=
        (mean - prior.level) * (mean - prior.level) / static_cast<double>(others.size() - 1);
  }
  prior.row_variance = components.row_variance();
  prior.session_variance = components.session_variance();
  return prior;
}

HostedFit pool_hosted(std::span<const HostedItem> items, const HostedPrior& prior) {
  FARE_CHECK(!items.empty());
  const std::vector<SessionLevel> levels = levels_of(items, prior.fit);
  constexpr double kVarianceMin = 1e-12;  // Rows that never differ know their level.
  double precision = 0;
  double sum = 0;
  for (const SessionLevel& one : levels) {
    const double variance = prior.session_variance + prior.row_variance / one.rows;
    const double weight = 1 / std::max(variance, kVarianceMin);
    precision += weight;
    sum += weight * one.mean;
  }
  HostedFit fit = prior.fit;
  fit.rows = items.size();
  fit.sessions = levels.size();
  fit.with_first_token = static_cast<std::size_t>(std::count_if(
      items.begin(), items.end(), [](const HostedItem& item) { return item.first >= 0; }));
  fit.own_share = prior.level_variance / (prior.level_variance + 1 / precision);
  const double level = prior.level + fit.own_share * (sum / precision - prior.level);
  scale(fit, std::exp(level));
  return fit;
}

std::optional<HostedFit> fit_or_pool(const LatencyRows& rows, std::uint32_t model,
                                     SessionHalf half) {
  if (auto own = fit_hosted(rows, model, half)) return own;
  const HostedItems items = hosted_items(rows, model, half);
  if (items.size() < kPooledRowsMin) return std::nullopt;
  const auto prior = hosted_prior(rows, model, half);
  if (!prior) return std::nullopt;
  HostedFit fit = pool_hosted(items, *prior);
  fit.model = model;
  return fit;
}

}  // namespace routesim
