#include "study/latency_fit_held_out.h"

#include <cmath>
#include <utility>

#include "base/random.h"
#include "study/latency_fit_pooled.h"

namespace routesim {
namespace {

constexpr std::uint64_t kDraws = 10;  // An item.

// Half of the sessions, at random, and the others.
std::pair<HostedItems, HostedItems> halve(const std::vector<HostedItems>& sessions,
                                          fare::RandomStream& random) {
  std::vector<std::size_t> order(sessions.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto place = static_cast<std::size_t>(random.below(i + 1));
    order[i] = order[place];
    order[place] = i;
  }
  std::pair<HostedItems, HostedItems> halves;
  for (std::size_t i = 0; i < order.size(); ++i) {
    HostedItems& half = 2 * i < order.size() ? halves.first : halves.second;
    half.insert(half.end(), sessions[order[i]].begin(), sessions[order[i]].end());
  }
  return halves;
}

}  // namespace

std::optional<HostedSpread> quantile_noise(std::span<const HostedItem> items, const HostedFit& fit,
                                           std::uint64_t seed) {
  const std::vector<HostedItems> sessions = by_session(items);
  if (sessions.size() < 2) return std::nullopt;
  std::vector<std::vector<double>> drawn;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    drawn.push_back(drawn_totals(sessions[i], fit, seed + i, kDraws));
  }
  const fare::RandomKey key(seed, 0, fare::Purpose::kBootstrap);
  HostedSpread sums{};
  HostedSpread squares{};
  std::vector<double> real;
  std::vector<double> simulated;
  for (std::size_t sample = 0; sample < kHostedResamples; ++sample) {
    fare::RandomStream random(key, sample);
    real.clear();
    simulated.clear();
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const auto pick = static_cast<std::size_t>(random.below(sessions.size()));
      for (const HostedItem& item : sessions[pick]) real.push_back(item.total);
      simulated.insert(simulated.end(), drawn[pick].begin(), drawn[pick].end());
    }
    const std::vector<double> measured = quantiles_of(real, HostedErrors::kShares);
    const std::vector<double> predicted = quantiles_of(simulated, HostedErrors::kShares);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const double off = std::log(predicted[k] / measured[k]);
      sums[k] += off;
      squares[k] += off * off;
    }
  }
  constexpr auto kSamples = static_cast<double>(kHostedResamples);
  const auto count = static_cast<double>(sessions.size());
  HostedSpread noise;
  for (std::size_t k = 0; k < noise.size(); ++k) {
    const double variance = (squares[k] - sums[k] * sums[k] / kSamples) / (kSamples - 1);
    noise[k] = std::sqrt(std::max(0.0, variance) * count / (count - 1));
  }
  return noise;
}

std::optional<HostedSpread> held_out_noise(std::span<const HostedItem> fitted,
                                           std::span<const HostedItem> held_out,
                                           const HostedFit& fit, std::uint64_t seed) {
  auto noise = quantile_noise(fitted, fit, seed);
  const auto other = quantile_noise(held_out, fit, seed);
  if (!noise || !other) return std::nullopt;
  for (std::size_t k = 0; k < noise->size(); ++k)
    (*noise)[k] = std::hypot((*noise)[k], (*other)[k]);
  return noise;
}

std::optional<HeldOutErrors> held_out_errors(const LatencyRows& rows, std::uint32_t model,
                                             std::uint64_t seed) {
  const std::vector<HostedItems> sessions =
      by_session(hosted_items(rows, model, SessionHalf::kAll));
  if (sessions.size() < 2) return std::nullopt;
  std::optional<HostedPrior> prior;
  bool has_asked = false;
  const auto fit_of = [&](const HostedItems& items) -> std::optional<HostedFit> {
    if (auto own = fit_hosted(items)) return own;
    if (items.size() < kPooledRowsMin) return std::nullopt;
    if (!std::exchange(has_asked, true)) prior = hosted_prior(rows, model, SessionHalf::kAll);
    return prior ? std::optional(pool_hosted(items, *prior)) : std::nullopt;
  };
  HeldOutErrors errors;
  const auto add = [&](const HostedItems& fitted, const HostedItems& held_out) {
    if (held_out.size() < kPooledRowsMin) return;
    const auto fit = fit_of(fitted);
    if (!fit) return;
    const HostedErrors one = compare_hosted(held_out, *fit, seed);
    ++errors.trials;
    for (std::size_t k = 0; k < one.error.size(); ++k) {
      errors.error[k] += one.error[k] * one.error[k];
      errors.bias[k] += one.error[k];
    }
  };
  const fare::RandomKey key(seed, 1, fare::Purpose::kBootstrap);
  for (std::size_t halving = 0; halving < kHostedHalvings; ++halving) {
    fare::RandomStream random(key, halving);
    const auto [one, other] = halve(sessions, random);
    add(one, other);
    add(other, one);
  }
  if (errors.trials == 0) return std::nullopt;
  for (std::size_t k = 0; k < errors.error.size(); ++k) {
    errors.error[k] = std::sqrt(errors.error[k] / static_cast<double>(errors.trials));
    errors.bias[k] /= static_cast<double>(errors.trials);
  }
  return errors;
}

}  // namespace routesim
