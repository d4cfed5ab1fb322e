#include "study/ope_replay.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "fare/check.h"
#include "fare/dense_features.h"
#include "fare/learn.h"
#include "study/outcome_layouts.h"

namespace routesim {
namespace {

constexpr double kDollar = 1e9;  // Nanodollars; what a whole point of quality is worth.

// Sums over replications.
struct Record {
  double error = 0, square = 0, covered = 0, width = 0;

  void add(const fare::ValueEstimate& one, double truth) {
    error += one.value - truth;
    square += (one.value - truth) * (one.value - truth);
    covered += one.low <= truth && truth <= one.high ? 1 : 0;
    width += (one.high - one.low) / 2;
  }
  EstimatorRecord mean(std::size_t count) const {
    const auto n = static_cast<double>(count);
    return {error / n, std::sqrt(square / n), covered / n, width / n};
  }
};

// The logger's probability of each arm, by row and arm.
std::vector<double> logger_of(const KnownOutcomes& known, const CoverageOptions& options) {
  std::vector<double> lengths = known.length;
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  const std::size_t arms = known.arms.size();
  std::vector<double> chance(known.rows() * arms, options.mixing / static_cast<double>(arms));
  for (std::size_t row = 0; row < known.rows(); ++row) {
    const std::size_t liked = known.length[row] > *middle ? options.long_arm : options.short_arm;
    chance[row * arms + liked] += 1 - options.mixing;
  }
  return chance;
}

double value_of(const KnownOutcomes& known, std::span<const double> policy) {
  double sum = 0;
  for (std::size_t row = 0; row < known.rows(); ++row) {
    for (std::size_t arm = 0; arm < known.arms.size(); ++arm) {
      sum += policy[row * known.arms.size() + arm] * known.reward(row, arm);
    }
  }
  return sum / static_cast<double>(known.rows());
}

struct Replication {
  fare::ChoiceLog log;
  std::vector<double> policy;
};

Replication draw_log(const KnownOutcomes& known, std::span<const double> policy,
                     const std::vector<double>& logger, const CoverageOptions& options,
                     std::uint32_t replication) {
  const std::size_t arms = known.arms.size();
  const fare::RandomKey key(options.seed, replication, fare::Purpose::kExplore);
  Replication drawn;
  drawn.log.arms = arms;
  drawn.log.dimensions = known.dimensions;
  for (std::size_t i = 0; i < options.rows; ++i) {
    fare::RandomStream stream(key, i);
    const std::size_t row = stream.below(known.rows());
    double left = stream.uniform();
    std::size_t arm = 0;
    while (arm + 1 < arms && left >= logger[row * arms + arm]) left -= logger[row * arms + arm++];
    drawn.log.arm.push_back(static_cast<std::uint32_t>(arm));
    drawn.log.propensity.push_back(logger[row * arms + arm]);
    drawn.log.reward.push_back(known.reward(row, arm));
    for (std::size_t k = 0; k < known.dimensions; ++k) {
      drawn.log.features.push_back(static_cast<float>(known.features[row * known.dimensions + k]));
    }
    for (std::size_t k = 0; k < arms; ++k) drawn.policy.push_back(policy[row * arms + k]);
  }
  return drawn;
}

}  // namespace

KnownOutcomes known_outcomes(const fare::OutcomeData& data, const fare::ChoiceModel& model,
                             std::vector<double> price) {
  KnownOutcomes known;
  known.arms.assign(model.targets().begin(), model.targets().end());
  known.price = std::move(price);
  FARE_CHECK(!known.arms.empty());
  FARE_CHECK(known.price.size() == known.arms.size());
  known.dimensions = fare::dense_size(model);
  std::vector<std::size_t> column;
  for (const std::string& arm : known.arms) {
    const auto found = std::find(data.targets.begin(), data.targets.end(), arm);
    FARE_CHECK(found != data.targets.end());
    column.push_back(static_cast<std::size_t>(found - data.targets.begin()));
  }
  fare::ChoiceScratch scratch;
  for (const fare::OutcomeRow& row : data.rows) {
    const bool whole = std::all_of(column.begin(), column.end(), [&row](std::size_t target) {
      return row.outcomes[target].has_value();
    });
    if (!row.test || !whole) continue;
    const fare::ChoiceForecast forecast = model.forecast(row.prompt, scratch);
    known.features.resize(known.features.size() + known.dimensions);
    fare::dense_features(forecast, std::span(known.features).last(known.dimensions));
    for (std::size_t i = 0; i < column.size(); ++i) {
      known.forecast.push_back(forecast.targets[i].quality);
      known.quality.push_back(static_cast<double>(row.outcomes[column[i]]->quality));
    }
    known.length.push_back(static_cast<double>(row.prompt.size()));
  }
  return known;
}

fare::Expected<PairReplay> replay_pair(const std::string& folder, double train, std::uint64_t seed,
                                       double strong_price, double weak_price) {
  const auto converted =
      convert_outcomes(folder, {.layout = OutcomeLayout::kRouteLlm, .train = train, .seed = seed});
  if (!converted) return tl::unexpected<fare::Errors>(converted.error());
  const auto data = fare::parse_outcomes(folder, converted->lines, {});
  if (!data) return tl::unexpected<fare::Errors>(data.error());
  const auto model = fare::learn(*data, {});
  if (!model) return tl::unexpected<fare::Errors>(model.error());
  if (model->targets().size() != 2) {
    return fare::fail(fare::ErrorCode::kConflict, folder, "must have outcomes of two models");
  }
  PairReplay pair{known_outcomes(*data, *model, {0, 0}), *model, {}, 0, 1};
  double ahead = 0;  // Of the first arm.
  for (std::size_t row = 0; row < pair.known.rows(); ++row) {
    ahead += pair.known.quality[2 * row] - pair.known.quality[2 * row + 1];
  }
  if (ahead < 0) std::swap(pair.strong, pair.weak);
  pair.known.price[pair.strong] = strong_price;
  pair.known.price[pair.weak] = weak_price;
  for (const fare::OutcomeRow& row : data->rows) {
    if (!row.test) pair.prompts.push_back(row.prompt);
  }
  return pair;
}

std::vector<double> offline_policy(const KnownOutcomes& known) {
  const std::size_t arms = known.arms.size();
  std::vector<double> policy(known.rows() * arms, 0);
  for (std::size_t row = 0; row < known.rows(); ++row) {
    std::size_t best = 0;
    const auto worth = [&](std::size_t arm) {
      return known.forecast[row * arms + arm] - known.price[arm];
    };
    for (std::size_t arm = 1; arm < arms; ++arm) best = worth(arm) > worth(best) ? arm : best;
    policy[row * arms + best] = 1;
  }
  return policy;
}

fare::Expected<CoverageReport> check_coverage(const KnownOutcomes& known,
                                              std::span<const double> policy,
                                              const CoverageOptions& options) {
  const std::vector<double> logger = logger_of(known, options);
  CoverageReport report;
  report.truth = value_of(known, policy);
  report.logged = value_of(known, logger);
  Record ips, clipped, snips, direct, robust, snips_gain, robust_gain;
  for (std::size_t k = 0; k < options.replications; ++k) {
    const Replication drawn =
        draw_log(known, policy, logger, options, static_cast<std::uint32_t>(k));
    fare::OffPolicyOptions estimates = options.estimates;
    estimates.seed = k;
    const auto answer = fare::evaluate_off_policy(drawn.log, drawn.policy, estimates);
    if (!answer) return tl::unexpected<fare::Errors>(answer.error());
    if (!answer->value) {
      return fare::fail(fare::ErrorCode::kConflict, "replication " + std::to_string(k),
                        "is not identified: " + std::string(to_string(answer->identification)));
    }
    ips.add(answer->value->ips, report.truth);
    clipped.add(answer->value->clipped_ips, report.truth);
    snips.add(answer->value->snips, report.truth);
    direct.add(answer->value->direct, report.truth);
    robust.add(answer->value->doubly_robust, report.truth);
    snips_gain.add(answer->value->snips_gain, report.truth - report.logged);
    robust_gain.add(answer->value->doubly_robust_gain, report.truth - report.logged);
  }
  report.ips = ips.mean(options.replications);
  report.clipped_ips = clipped.mean(options.replications);
  report.snips = snips.mean(options.replications);
  report.direct = direct.mean(options.replications);
  report.doubly_robust = robust.mean(options.replications);
  report.snips_gain = snips_gain.mean(options.replications);
  report.doubly_robust_gain = robust_gain.mean(options.replications);
  return report;
}

OnlineResult replay_online(const KnownOutcomes& known, fare::Bandit bandit,
                           const OnlineOptions& options) {
  FARE_CHECK(options.rows <= known.rows());
  const std::size_t arms = known.arms.size();
  std::vector<std::size_t> order(known.rows());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const fare::RandomKey key(options.seed, 0, fare::Purpose::kExplore);
  fare::RandomStream shuffle(key, ~std::uint64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shuffle.below(i)]);
  OnlineResult result;
  std::vector<fare::ArmForecast> forecasts(arms);
  for (std::size_t i = 0; i < options.rows; ++i) {
    const std::size_t row = order[i];
    const auto features =
        std::span(known.features).subspan(row * known.dimensions, known.dimensions);
    for (std::size_t arm = 0; arm < arms; ++arm) {
      forecasts[arm].quality = known.forecast[row * arms + arm];
      forecasts[arm].cost = fare::Money(std::llround(known.price[arm] * kDollar));
    }
    fare::ArmRequest request;
    request.features = features;
    request.arms = forecasts;
    request.incumbent = options.incumbent;
    request.tolerance = options.tolerance;
    request.budget = fare::Money(static_cast<std::int64_t>(kDollar));
    request.draw = fare::RandomStream(key, i).uniform();
    const fare::ArmChoice choice = bandit.choose(request);
    const fare::Instant now{std::chrono::seconds(i)};
    bandit.observe(choice.arm, features, known.quality[row * arms + choice.arm], now);
    result.reward += known.reward(row, choice.arm);
    result.incumbent_reward += known.reward(row, options.incumbent);
    result.explored += choice.explores ? 1 : 0;
  }
  const auto rows = static_cast<double>(options.rows);
  return {result.reward / rows, result.incumbent_reward / rows, result.explored / rows};
}

}  // namespace routesim
