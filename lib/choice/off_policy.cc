#include "fare/off_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "choice/reward_model.h"

namespace fare {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // The normal quantile of .975.
constexpr double kSumTolerance = 1e-6;           // Of a policy's probabilities.
constexpr std::size_t kArmsMax = 1'024, kDimensionsMax = 256, kFoldsMax = 50;
constexpr std::size_t kErrorsMax = 100;
constexpr std::array<std::string_view, 3> kNames = {"identified", "no_support", "too_thin"};

ValueEstimate estimate(double value, double error) {
  return {value, error, value - kNormal95 * error, value + kNormal95 * error};
}

// The mean of independent terms.
ValueEstimate mean_of(const std::vector<double>& terms) {
  const auto rows = static_cast<double>(terms.size());
  double sum = 0, squares = 0;
  for (const double term : terms) sum += term;
  const double mean = sum / rows;
  for (const double term : terms) squares += (term - mean) * (term - mean);
  return estimate(mean, rows > 1 ? std::sqrt(squares / (rows - 1) / rows) : 0);
}

class Complaints {
 public:
  void add(std::string where, std::string message) {
    if (errors_.size() < kErrorsMax) {
      errors_.push_back({ErrorCode::kOutOfRange, std::move(where), std::move(message)});
    }
  }
  void unless(bool holds, std::string_view where, std::string_view rule, double value) {
    if (!holds) add(std::string(where), fmt::format("must be {}, but is {}", rule, value));
  }
  Errors take() { return std::move(errors_); }

 private:
  Errors errors_;
};

void check_options(const OffPolicyOptions& options, Complaints& complaints) {
  const auto positive = [](double value) { return value > 0 && std::isfinite(value); };
  complaints.unless(options.folds >= 2 && options.folds <= kFoldsMax, "options/folds",
                    "from 2 to 50", static_cast<double>(options.folds));
  complaints.unless(positive(options.penalty), "options/penalty", "above 0", options.penalty);
  complaints.unless(positive(options.weight_max), "options/weight_max", "above 0",
                    options.weight_max);
  complaints.unless(options.unsupported_max >= 0 && options.unsupported_max <= 1,
                    "options/unsupported_max", "in [0, 1]", options.unsupported_max);
  complaints.unless(options.effective_min >= 0 && std::isfinite(options.effective_min),
                    "options/effective_min", "at least 0", options.effective_min);
}

void check_sizes(const ChoiceLog& log, std::span<const double> policy, Complaints& complaints) {
  const std::size_t rows = log.arm.size();
  complaints.unless(log.arms >= 1 && log.arms <= kArmsMax, "arms", "from 1 to 1024",
                    static_cast<double>(log.arms));
  complaints.unless(log.dimensions <= kDimensionsMax, "dimensions", "at most 256",
                    static_cast<double>(log.dimensions));
  if (rows == 0) complaints.add("arm", "must have a row, but the log is empty");
  const auto length = [&](std::string_view name, std::size_t size, std::size_t wanted) {
    if (size == wanted) return;
    complaints.add(std::string(name), fmt::format("must have {} entries, one for each of {} rows, "
                                                  "but has {}",
                                                  wanted, rows, size));
  };
  length("propensity", log.propensity.size(), rows);
  length("reward", log.reward.size(), rows);
  if (!log.chance.empty()) length("chance", log.chance.size(), rows * log.arms);
  length("features", log.features.size(), rows * log.dimensions);
  length("policy", policy.size(), rows * log.arms);
}

bool had_chance(const ChoiceLog& log, std::size_t row, std::size_t arm) {
  return log.chance.empty() || log.chance[row * log.arms + arm] != 0;
}

void check_row(const ChoiceLog& log, std::span<const double> policy, std::size_t row,
               Complaints& complaints) {
  const auto unless = [&](bool holds, std::string_view column, std::string_view rule,
                          double value) {
    if (!holds) complaints.unless(false, fmt::format("{}/{}", column, row), rule, value);
  };
  const std::uint32_t arm = log.arm[row];
  unless(arm < log.arms, "arm", "below the number of arms", static_cast<double>(arm));
  if (arm < log.arms && !had_chance(log, row, arm)) {
    complaints.add(fmt::format("chance/{}", row),
                   fmt::format("must not be 0 for arm {}, which was chosen", arm));
  }
  const double propensity = log.propensity[row];
  unless(propensity > 0 && propensity <= 1, "propensity", "above 0 and at most 1", propensity);
  unless(std::isfinite(log.reward[row]), "reward", "finite", log.reward[row]);
  for (std::size_t k = 0; k < log.dimensions; ++k) {
    const float feature = log.features[row * log.dimensions + k];
    if (!std::isfinite(feature)) unless(false, "features", "finite", static_cast<double>(feature));
  }
  double sum = 0;
  for (std::size_t a = 0; a < log.arms; ++a) {
    const double probability = policy[row * log.arms + a];
    unless(probability >= 0 && probability <= 1, "policy", "in [0, 1]", probability);
    sum += probability;
  }
  unless(std::abs(sum - 1) <= kSumTolerance, "policy", "a distribution, whose sum is 1", sum);
}

Errors check(const ChoiceLog& log, std::span<const double> policy,
             const OffPolicyOptions& options) {
  Complaints complaints;
  check_options(options, complaints);
  check_sizes(log, policy, complaints);
  Errors errors = complaints.take();
  if (!errors.empty()) return errors;
  for (std::size_t row = 0; row < log.arm.size(); ++row) check_row(log, policy, row, complaints);
  return complaints.take();
}

// How much of the policy's choice the log could not have made, by row.
std::vector<double> unsupported(const ChoiceLog& log, std::span<const double> policy) {
  std::vector<bool> tried(log.arms, false);
  for (const std::uint32_t arm : log.arm) tried[arm] = true;
  std::vector<double> lacking(log.arm.size(), 0);
  for (std::size_t row = 0; row < log.arm.size(); ++row) {
    const bool certain = log.propensity[row] == 1;
    for (std::size_t arm = 0; arm < log.arms; ++arm) {
      const bool support =
          tried[arm] && had_chance(log, row, arm) && (!certain || arm == log.arm[row]);
      if (!support) lacking[row] += policy[row * log.arms + arm];
    }
  }
  return lacking;
}

// The rows that are judged, with what every estimate needs of them.
struct Judged {
  std::vector<std::size_t> row;
  std::vector<double> weight, reward;

  Judged(const ChoiceLog& log, std::span<const double> policy, const std::vector<double>& lacking,
         bool supported_only) {
    for (std::size_t i = 0; i < log.arm.size(); ++i) {
      if (supported_only && lacking[i] > 0) continue;
      row.push_back(i);
      weight.push_back(policy[i * log.arms + log.arm[i]] / log.propensity[i]);
      reward.push_back(log.reward[i]);
    }
  }
  std::size_t size() const { return row.size(); }
};

// The mean of min(w, most) * reward.
ValueEstimate weighted(const Judged& rows, double most) {
  std::vector<double> terms(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    terms[i] = std::min(rows.weight[i], most) * rows.reward[i];
  }
  return mean_of(terms);
}

// The ratio, and its difference to the mean of what was logged: the linear terms of both.
void add_snips(const Judged& rows, double logged, PolicyValue& value) {
  double weights = 0, rewards = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    weights += rows.weight[i];
    rewards += rows.weight[i] * rows.reward[i];
  }
  const double ratio = rewards / weights;
  const double mean_weight = weights / static_cast<double>(rows.size());
  std::vector<double> own(rows.size()), gain(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    own[i] = rows.weight[i] / mean_weight * (rows.reward[i] - ratio);
    gain[i] = own[i] - (rows.reward[i] - logged);
  }
  value.snips = estimate(ratio, mean_of(own).error);
  value.snips_gain = estimate(ratio - logged, mean_of(gain).error);
}

void add_modelled(const ChoiceLog& log, std::span<const double> policy, const Judged& rows,
                  const OffPolicyOptions& options, PolicyValue& value) {
  const std::vector<double> model = cross_fitted_rewards(
      log, rows.row, {.folds = options.folds, .penalty = options.penalty, .seed = options.seed});
  std::vector<double> direct(rows.size(), 0), robust(rows.size()), gain(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double* predicted = model.data() + i * log.arms;
    const double* chosen = policy.data() + rows.row[i] * log.arms;
    for (std::size_t arm = 0; arm < log.arms; ++arm) direct[i] += chosen[arm] * predicted[arm];
    const double surprise = rows.reward[i] - predicted[log.arm[rows.row[i]]];
    robust[i] = direct[i] + rows.weight[i] * surprise;
    gain[i] = robust[i] - rows.reward[i];
  }
  value.direct = mean_of(direct);
  value.doubly_robust = mean_of(robust);
  value.doubly_robust_gain = mean_of(gain);
}

void describe(const Judged& rows, OffPolicyAnswer& answer) {
  double sum = 0, squares = 0;
  for (const double weight : rows.weight) {
    sum += weight;
    squares += weight * weight;
    answer.weight_max = std::max(answer.weight_max, weight);
  }
  answer.rows = rows.size();
  answer.effective_rows = squares > 0 ? sum * sum / squares : 0;
  if (rows.size() == 0) return;
  answer.weight_mean = mean_of(rows.weight);
  answer.logged = mean_of(rows.reward);
}

}  // namespace

std::string_view to_string(Identification identification) {
  return kNames[static_cast<std::size_t>(identification)];
}

Expected<OffPolicyAnswer> evaluate_off_policy(const ChoiceLog& log, std::span<const double> policy,
                                              const OffPolicyOptions& options) {
  Errors errors = check(log, policy, options);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  OffPolicyAnswer answer;
  const std::vector<double> lacking = unsupported(log, policy);
  const auto all = static_cast<double>(lacking.size());
  for (const double mass : lacking) {
    answer.unsupported_rows += mass > 0 ? 1 / all : 0;
    answer.unsupported_choices += mass / all;
  }
  const Judged rows(log, policy, lacking, options.supported_only);
  answer.left_out = lacking.size() - rows.size();
  describe(rows, answer);
  const bool lacks = answer.unsupported_choices > options.unsupported_max;
  if (rows.size() == 0 || (lacks && !options.supported_only)) {
    answer.identification = Identification::kNoSupport;
    return answer;
  }
  if (answer.effective_rows == 0 || answer.effective_rows < options.effective_min) {
    answer.identification = Identification::kTooThin;
    return answer;
  }
  PolicyValue value;
  value.ips = weighted(rows, answer.weight_max);
  value.clipped_ips = weighted(rows, options.weight_max);
  add_snips(rows, answer.logged.value, value);
  add_modelled(log, policy, rows, options, value);
  answer.value = value;
  return answer;
}

}  // namespace fare
