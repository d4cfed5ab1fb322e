#include "fare/bandit.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "choice/best_of_normals.h"
#include "fare/check.h"

namespace fare {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;
using VectorView = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

constexpr double kWidthMax = 10;

Eigen::Index index(std::size_t value) { return static_cast<Eigen::Index>(value); }

// What is chosen from, and what is believed of it.
struct Allowed {
  std::array<bool, kCandidatesMax> arm{};
  std::size_t count = 0;
};

Money extra_cost(const ArmRequest& request, std::size_t arm) {
  const Money extra = request.arms[arm].cost - request.arms[request.incumbent].cost;
  return std::max(extra, Money());
}

Allowed allowed_arms(const ArmRequest& request) {
  Allowed allowed;
  const double floor = request.arms[request.incumbent].quality - request.tolerance;
  for (std::size_t i = 0; i < request.arms.size(); ++i) {
    const ArmForecast& one = request.arms[i];
    const bool other = !request.pinned && one.feasible && one.quality >= floor &&
                       extra_cost(request, i) <= std::max(request.budget, Money());
    allowed.arm[i] = i == request.incumbent || other;
    allowed.count += allowed.arm[i] ? 1 : 0;
  }
  return allowed;
}

void check_request(const ArmRequest& request, const BanditOptions& options) {
  FARE_CHECK(request.features.size() == options.dimensions);
  FARE_CHECK(request.arms.size() == options.arms);
  FARE_CHECK(request.incumbent < options.arms);
  FARE_CHECK(request.arms[request.incumbent].feasible);
  FARE_CHECK(request.tolerance >= 0);
  FARE_CHECK(request.worth > Money());
  FARE_CHECK(request.draw > 0);
  FARE_CHECK(request.draw < 1);
}

// The first arm at which the running sum of probabilities passes the draw.
std::size_t drawn(std::span<const double> probability, double draw) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < probability.size(); ++i) {
    if (probability[i] == 0) continue;
    last = i;
    sum += probability[i];
    if (draw < sum) return i;
  }
  return last;
}

}  // namespace

Expected<Bandit> Bandit::create(const BanditOptions& options) {
  Errors errors;
  const auto unless = [&errors](bool holds, std::string_view where, std::string_view rule,
                                double value) {
    if (holds) return;
    errors.push_back({ErrorCode::kOutOfRange, std::string(where),
                      fmt::format("must be {}, but is {}", rule, value)});
  };
  unless(options.arms >= 1 && options.arms <= kCandidatesMax, "bandit/arms", "from 1 to 32",
         static_cast<double>(options.arms));
  unless(options.dimensions >= 1 && options.dimensions <= kBanditDimensionsMax, "bandit/dimensions",
         "from 1 to 64", static_cast<double>(options.dimensions));
  unless(options.penalty > 0 && std::isfinite(options.penalty), "bandit/penalty", "above 0",
         options.penalty);
  unless(options.width >= 0 && options.width <= kWidthMax, "bandit/width", "in [0, 10]",
         options.width);
  unless(options.mixing >= 0 && options.mixing <= 1, "bandit/mixing", "in [0, 1]", options.mixing);
  unless(!options.half_life || *options.half_life > Duration(0), "bandit/half_life", "above 0",
         options.half_life ? static_cast<double>(options.half_life->count()) : 0);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return Bandit(options);
}

Bandit::Bandit(const BanditOptions& options) : options_(options), arms_(options.arms) {
  const std::size_t size = options.dimensions;
  for (Arm& arm : arms_) {
    arm.prior.assign(size * size, 0);
    for (std::size_t i = 0; i < size; ++i) arm.prior[i * size + i] = options.penalty;
    arm.learnt.assign(size * size, 0);
    arm.prior_reward.assign(size, 0);
    arm.learnt_reward.assign(size, 0);
    arm.factor.assign(size * size, 0);
    arm.weights.assign(size, 0);
    solve(arm);
  }
}

void Bandit::solve(Arm& arm) const {
  const Eigen::Index size = index(options_.dimensions);
  MatrixView factor(arm.factor.data(), size, size);
  const Matrix precision =
      MatrixView(arm.prior.data(), size, size) + MatrixView(arm.learnt.data(), size, size);
  const Eigen::LLT<Matrix> cholesky(precision);
  FARE_CHECK(cholesky.info() == Eigen::Success);
  factor = cholesky.matrixL();
  VectorView(arm.weights.data(), size) = cholesky.solve(VectorView(arm.prior_reward.data(), size) +
                                                        VectorView(arm.learnt_reward.data(), size));
}

void Bandit::believe(std::size_t arm, std::size_t feature, std::span<const double> sample,
                     double rows) {
  const std::size_t size = options_.dimensions;
  FARE_CHECK(arm < options_.arms);
  FARE_CHECK(feature < size);
  FARE_CHECK(rows >= 0);
  FARE_CHECK(!sample.empty());
  FARE_CHECK(sample.size() % size == 0);
  Arm& one = arms_[arm];
  const std::size_t requests = sample.size() / size;
  const Eigen::Map<const Matrix> x(sample.data(), index(requests), index(size));
  MatrixView prior(one.prior.data(), index(size), index(size));
  prior = x.transpose() * x * (rows / static_cast<double>(requests));
  prior.diagonal().array() += options_.penalty;
  // The precision times the weights that are believed in: 1 for the forecast, 0 for all others.
  VectorView(one.prior_reward.data(), index(size)) = prior.col(index(feature));
  solve(one);
}

void Bandit::fade(Arm& arm, Instant now) const {
  const Instant before = arm.at.value_or(now);
  arm.at = std::max(before, now);
  if (!options_.half_life || *arm.at == before) return;
  const double halvings = static_cast<double>((*arm.at - before).count()) /
                          static_cast<double>(options_.half_life->count());
  const double factor = std::exp2(-halvings);
  for (double& value : arm.learnt) value *= factor;
  for (double& value : arm.learnt_reward) value *= factor;
}

void Bandit::observe(std::size_t arm, std::span<const double> features, double quality,
                     Instant now) {
  FARE_CHECK(arm < options_.arms);
  FARE_CHECK(features.size() == options_.dimensions);
  FARE_CHECK(quality >= 0);
  FARE_CHECK(quality <= 1);
  Arm& one = arms_[arm];
  fade(one, now);
  const ConstVector x(features.data(), index(features.size()));
  MatrixView(one.learnt.data(), x.size(), x.size()) += x * x.transpose();
  VectorView(one.learnt_reward.data(), x.size()) += quality * x;
  solve(one);
}

void Bandit::age(Instant now) {
  if (!options_.half_life) return;
  for (Arm& arm : arms_) {
    fade(arm, now);
    solve(arm);
  }
}

ArmOpinion Bandit::opinion(std::size_t arm, std::span<const double> features) const {
  FARE_CHECK(arm < options_.arms);
  FARE_CHECK(features.size() == options_.dimensions);
  const Arm& one = arms_[arm];
  const std::size_t size = features.size();
  ArmOpinion opinion;
  double square = 0;
  std::array<double, kBanditDimensionsMax> solved;  // factor^-1 * features.
  for (std::size_t i = 0; i < size; ++i) {
    const double* row = one.factor.data() + i * size;
    double value = features[i];
    for (std::size_t k = 0; k < i; ++k) value -= row[k] * solved[k];
    solved[i] = value / row[i];
    square += solved[i] * solved[i];
    opinion.mean += one.weights[i] * features[i];
  }
  opinion.error = std::sqrt(square);
  return opinion;
}

ArmChoice Bandit::choose(const ArmRequest& request) const {
  check_request(request, options_);
  const Allowed allowed = allowed_arms(request);
  // The allowed arms close up, the incumbent first, which then wins ties.
  std::array<std::size_t, kCandidatesMax> arm;
  std::array<Normal, kCandidatesMax> value;
  std::size_t count = 0;
  const auto add = [&](std::size_t i) {
    const ArmOpinion opinion = this->opinion(i, request.features);
    const double loss = static_cast<double>(request.arms[i].cost.count()) /
                        static_cast<double>(request.worth.count());
    value[count] = {opinion.mean - loss, options_.width * opinion.error};
    arm[count++] = i;
  };
  add(request.incumbent);
  for (std::size_t i = 0; i < options_.arms; ++i) {
    if (allowed.arm[i] && i != request.incumbent) add(i);
  }
  std::array<double, kCandidatesMax> best{};
  if (options_.kind == BanditKind::kThompson) {
    best_of_normals({value.data(), count}, {best.data(), count});
  } else {
    const auto bound = [&](std::size_t k) { return value[k].mean + value[k].deviation; };
    std::size_t top = 0;
    for (std::size_t k = 1; k < count; ++k) top = bound(k) > bound(top) ? k : top;
    best[top] = 1;
  }
  ArmChoice choice;
  const double even = options_.mixing / static_cast<double>(count);
  for (std::size_t k = 0; k < count; ++k) {
    choice.probability[arm[k]] = (1 - options_.mixing) * best[k] + even;
  }
  choice.arm = drawn(std::span(choice.probability).first(options_.arms), request.draw);
  choice.propensity = choice.probability[choice.arm];
  choice.explores = choice.arm != request.incumbent;
  choice.extra = extra_cost(request, choice.arm);
  return choice;
}

}  // namespace fare
