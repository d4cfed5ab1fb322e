#include "study/latency_fit_match.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unsupported/Eigen/NonLinearOptimization>

#include "fare/check.h"

namespace routesim {
namespace {

using Point = Distribution::Point;

constexpr std::size_t kParts = 4;
constexpr std::size_t kLevels = 128;  // Strata of a distribution, by probability.
constexpr std::size_t kDrawsAll = 20'000;
constexpr std::array<double, 3> kWholeShares = {0.5, 0.9, 0.99};
constexpr std::array<double, 4> kPartShares = {0.25, 0.5, 0.75, 0.9};
// The whole counts for more, as it is what fits are asked for; the ridge settles ties only.
const double kWholeWeight = std::sqrt(10.0);
const double kPartWeight = std::sqrt(3.0 / (2 * kParts));
constexpr double kRidge = 0.4;

// The value at a probability.
double value_at(const std::vector<Point>& points, double u) {
  const auto above =
      std::upper_bound(points.begin() + 1, points.end() - 1, u,
                       [](double share, const Point& point) { return share < point.probability; });
  const Point& low = *(above - 1);
  const double part = (u - low.probability) / (above->probability - low.probability);
  return low.value + part * (above->value - low.value);
}

// median * exp(level) * (value / median)^exponent, with an exponent on either side.
struct Warp {
  double median, level, below, above;

  double operator()(double value) const {
    if (median <= 0) return value;  // Most take no time at all: nothing to stretch.
    const double log = std::log(value / median);
    return median * std::exp(level + (log < 0 ? below : above) * log);
  }
};

enum Parameter : Eigen::Index {
  kFirstLevel,
  kFirstBelow,
  kFirstAbove,
  kLaterLevel,
  kLaterBelow,
  kLaterAbove,
  kInput,
  kParameters
};
using Parameters = Eigen::VectorXd;  // All 0: the fit as it is.

Warp warp_of(const std::vector<Point>& points, const Parameters& x, Parameter level) {
  return {value_at(points, 0.5), x[level], std::exp(x[level + 1]), std::exp(x[level + 2])};
}

using Levels = std::array<double, kLevels>;

Levels levels_of(const std::vector<Point>& points, const Warp& warp) {
  Levels levels;
  for (std::size_t k = 0; k < kLevels; ++k) {
    levels[k] = warp(value_at(points, (static_cast<double>(k) + 0.5) / kLevels));
  }
  return levels;
}

// The distances of the quantiles as a function of the parameters, for Eigen's solver.
class Distances {
 public:
  using Scalar = double;
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };

  Distances(std::span<const HostedItem> items, const HostedFit& fit)
      : items_(items), fit_(fit), draws_(std::clamp<std::size_t>(kDrawsAll / items.size(), 2, 50)) {
    std::vector<std::size_t> all(items.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    add(all, kWholeShares);
    add_parts(all, [](const HostedItem& item) { return item.new_k + item.cached_k; });
    add_parts(all, [](const HostedItem& item) { return item.later_tokens; });
  }

  int inputs() const { return static_cast<int>(kParameters); }
  int values() const { return static_cast<int>(count_) + inputs(); }

  int operator()(const InputType& x, ValueType& off) const {
    const Levels first =
        levels_of(fit_.first_token_ms, warp_of(fit_.first_token_ms, x, kFirstLevel));
    const Levels later =
        levels_of(fit_.ms_per_output_token, warp_of(fit_.ms_per_output_token, x, kLaterLevel));
    const InputEffect input = fit_.input_effect.times(std::exp(x[kInput]));
    std::vector<double> drawn;
    Eigen::Index next = 0;
    for (const Part& part : parts_) {
      drawn.clear();
      for (const std::size_t i : part.items) draw(i, input, first, later, drawn);
      const std::vector<double> quantiles = quantiles_of(drawn, part.shares);
      const double weight = &part == &parts_.front() ? kWholeWeight : kPartWeight;
      for (std::size_t k = 0; k < quantiles.size(); ++k) {
        off[next++] = weight * std::log(quantiles[k] / part.measured[k]);
      }
    }
    for (Eigen::Index k = 0; k < kParameters; ++k) off[next++] = kRidge * x[k];
    return 0;
  }

  // By differences.  Quantiles bend where draws change their order: a step must be wider than that.
  int df(const InputType& x, JacobianType& slopes) const {
    constexpr double kStep = 0.02;
    ValueType here(values());
    ValueType there(values());
    (*this)(x, here);
    for (Eigen::Index k = 0; k < kParameters; ++k) {
      (*this)(x + kStep * InputType::Unit(kParameters, k), there);
      slopes.col(k) = (there - here) / kStep;
    }
    return 0;
  }

 private:
  struct Part {
    std::vector<std::size_t> items;
    std::span<const double> shares;
    std::vector<double> measured;
  };

  // The same pairs of strata for the same item in each call: evenly over the times per later token,
  // as tails are made by few long answers, from a start that the R2 sequence gives.
  void draw(std::size_t i, const InputEffect& input, const Levels& first, const Levels& later,
            std::vector<double>& drawn) const {
    const HostedItem& item = items_[i];
    const auto n = static_cast<double>(i + 1);
    for (std::size_t k = 0; k < draws_; ++k) {
      const auto step = static_cast<double>(k);
      const double u = n * 0.7548776662466927 + step * 0.6180339887498949;
      const double v = n * 0.5698402909980532 + step / static_cast<double>(draws_);
      const auto a = static_cast<std::size_t>((u - std::floor(u)) * kLevels);
      const auto b = static_cast<std::size_t>((v - std::floor(v)) * kLevels);
      drawn.push_back(first[a] + input(item) + later[b] * item.later_tokens);
    }
  }

  void add(std::vector<std::size_t> items, std::span<const double> shares) {
    std::vector<double> totals;
    for (const std::size_t i : items) totals.push_back(items_[i].total);
    count_ += shares.size();
    parts_.push_back({std::move(items), shares, quantiles_of(totals, shares)});
  }

  template <class By>
  void add_parts(std::vector<std::size_t> sorted, By by) {
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](std::size_t a, std::size_t b) { return by(items_[a]) < by(items_[b]); });
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto at = [&](std::size_t k) {
        return sorted.begin() + static_cast<std::ptrdiff_t>(k * sorted.size() / kParts);
      };
      add({at(part), at(part + 1)}, kPartShares);
    }
  }

  std::span<const HostedItem> items_;
  const HostedFit& fit_;
  std::size_t draws_;  // An item.
  std::vector<Part> parts_;
  std::size_t count_ = 0;
};

using Inputs = Eigen::Vector2d;

// How the median of the total rises with either input.
template <class Take>
Inputs input_slopes(std::span<const HostedItem> items, Take take) {
  constexpr int kRounds = 50;
  constexpr double kOff = 1e-3;  // Relative deviations below it count alike.
  Eigen::Vector4d line = Eigen::Vector4d::Zero();
  for (int round = 0; round < kRounds; ++round) {
    Eigen::Matrix4d normal = 1e-9 * Eigen::Matrix4d::Identity();
    Eigen::Vector4d right = Eigen::Vector4d::Zero();
    for (const HostedItem& item : items) {
      const Inputs input = take(item);
      const Eigen::Vector4d row = {1, item.later_tokens, input[0], input[1]};
      // Some 200 tokens' time goes by before the first one.
      const double scale = 200 + item.later_tokens;
      const double off = round == 0 ? 1 : std::abs(item.total - line.dot(row)) / scale;
      const double weight = 1 / (scale * scale * std::max(off, kOff));
      normal += weight * row * row.transpose();
      right += weight * item.total * row;
    }
    line = normal.ldlt().solve(right);
  }
  return line.tail<2>();
}

void apply(const Warp& warp, std::vector<Point>& points) {
  for (Point& point : points) point.value = warp(point.value);
}

}  // namespace

InputEffect input_effect(std::span<const HostedItem> items) {
  FARE_CHECK(!items.empty());
  const auto is_cached = [](const HostedItem& item) { return item.cached_k > 0; };
  const auto whole = [](const HostedItem& item) {
    return Inputs(item.new_k + item.cached_k, 0);  // One effect of both.
  };
  const auto apart = [](const HostedItem& item) { return Inputs(item.new_k, item.cached_k); };
  if (std::any_of(items.begin(), items.end(), is_cached)) {
    const Inputs slopes = input_slopes(items, apart);
    if (slopes[0] >= slopes[1] && slopes[1] >= 0) return {slopes[0], slopes[1]};
  }
  const double slope = std::max(0.0, input_slopes(items, whole)[0]);
  return {slope, slope};
}

void match_quantiles(std::span<const HostedItem> items, HostedFit& fit) {
  FARE_CHECK(items.size() >= 20);
  const Distances distances(items, fit);
  Eigen::LevenbergMarquardt<const Distances> solver(distances);
  solver.parameters.maxfev = 60;
  solver.parameters.ftol = solver.parameters.xtol = 1e-4;
  Parameters x = Parameters::Zero(kParameters);
  solver.minimize(x);
  const Warp first = warp_of(fit.first_token_ms, x, kFirstLevel);
  const Warp later = warp_of(fit.ms_per_output_token, x, kLaterLevel);
  apply(first, fit.first_token_ms);
  apply(later, fit.ms_per_output_token);
  fit.input_effect = fit.input_effect.times(std::exp(x[kInput]));
}

}  // namespace routesim
