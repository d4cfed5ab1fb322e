#include "engine/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using Kind = Distribution::Kind;
using Point = Distribution::Point;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUniformLeast = 0x1p-54;  // The ends of RandomStream::uniform().
constexpr double kUniformGreatest = 1 - 0x1p-53;
constexpr double kMassMin = 1e-9;
constexpr double kValueMax = 1e15;
constexpr double kScaleMin = 1e-9;
constexpr double kScaleMax = 1e12;
constexpr double kShapeMin = 0.1;
constexpr double kShapeMax = 100;
constexpr double kMuMax = 100;
constexpr double kSigmaMax = 20;
constexpr std::size_t kPointsMax = 10'000;

// Beyond it the normal distribution has no weight that a double can hold.
constexpr double kNormalEnd = 40;

constexpr std::array<std::string_view, 7> kKindNames = {
    "exponential", "lognormal", "gamma", "weibull", "pareto", "uniform", "empirical"};

double standardised(double x, double mu, double sigma) {
  if (x <= 0) return -kNormalEnd;
  return std::clamp((std::log(x) - mu) / sigma, -kNormalEnd, kNormalEnd);
}

// P(low < Z < high); differences are taken in the tail where both terms are small.
double normal_mass(double low, double high) {
  if (low > 0) return fare::normal_cdf(-low) - fare::normal_cdf(-high);
  return fare::normal_cdf(high) - fare::normal_cdf(low);
}

double line(double x, double x0, double x1, double y0, double y1) {
  return y0 + (x - x0) / (x1 - x0) * (y1 - y0);
}

// The largest probability whose quantile is at most x.
double empirical_to(const std::vector<Point>& points, double x) {
  const auto above = std::upper_bound(points.begin(), points.end(), x,
                                      [](double value, const Point& p) { return value < p.value; });
  if (above == points.begin()) return 0;
  if (above == points.end()) return 1;
  const Point& below = *(above - 1);
  return line(x, below.value, above->value, below.probability, above->probability);
}

// The smallest probability whose quantile is at least x.
double empirical_below(const std::vector<Point>& points, double x) {
  const auto next = std::lower_bound(points.begin(), points.end(), x,
                                     [](const Point& p, double value) { return p.value < value; });
  if (next == points.begin()) return 0;
  if (next == points.end()) return 1;
  const Point& below = *(next - 1);
  return line(x, below.value, next->value, below.probability, next->probability);
}

double empirical_quantile(const std::vector<Point>& points, double u) {
  const auto above =
      std::upper_bound(points.begin() + 1, points.end() - 1, u,
                       [](double p, const Point& point) { return p < point.probability; });
  const Point& below = *(above - 1);
  return line(u, below.probability, above->probability, below.value, above->value);
}

}  // namespace

Distribution Distribution::constant(double value) {
  FARE_CHECK(std::isfinite(value));
  FARE_CHECK(value >= 0);
  return Distribution(Kind::kConstant, value, 0);
}

Distribution Distribution::exponential(double mean) {
  FARE_CHECK(std::isfinite(mean));
  FARE_CHECK(mean > 0);
  return Distribution(Kind::kExponential, mean, 0);
}

Distribution Distribution::lognormal(double mu, double sigma) {
  FARE_CHECK(std::isfinite(mu));
  FARE_CHECK(std::isfinite(sigma));
  FARE_CHECK(sigma >= 0);
  return Distribution(Kind::kLognormal, mu, sigma);
}

double Distribution::sample(fare::RandomStream& stream) const {
  if (kind_ == Kind::kConstant) return first_;
  if (kind_ == Kind::kGamma) return fare::gamma(stream, first_, second_);
  return at(stream.uniform());
}

double Distribution::at(double u) const {
  // Rounding may lead onto 1, where quantiles are infinite, and a last bit beyond the interval.
  const double inside = std::min(u_min_ + u * (u_max_ - u_min_), kUniformGreatest);
  return std::clamp(quantile(inside), min_, max_);
}

double Distribution::quantile(double u) const {
  switch (kind_) {
    case Kind::kConstant:
      return first_;
    case Kind::kExponential:
      return fare::exponential(u, first_);
    case Kind::kLognormal:
      return fare::lognormal(u, first_, second_);
    case Kind::kWeibull:
      return fare::weibull(u, first_, second_);
    case Kind::kPareto:
      return fare::pareto(u, first_, second_);
    case Kind::kUniform:
      return first_ + u * (second_ - first_);
    case Kind::kEmpirical:
      return empirical_quantile(points_, u);
    case Kind::kGamma:
      break;
  }
  FARE_CHECK(kind_ != Kind::kGamma);
  return 0;
}

double Distribution::probability_to(double x) const {
  switch (kind_) {
    case Kind::kExponential:
      return -std::expm1(-x / first_);
    case Kind::kLognormal:
      if (second_ == 0) return x >= std::exp(first_) ? 1 : 0;
      return fare::normal_cdf(standardised(x, first_, second_));
    case Kind::kWeibull:
      return -std::expm1(-std::pow(x / second_, first_));
    case Kind::kPareto:
      return x <= second_ ? 0 : -std::expm1(first_ * std::log(second_ / x));
    case Kind::kEmpirical:
      return empirical_to(points_, x);
    case Kind::kConstant:
    case Kind::kUniform:
    case Kind::kGamma:
      break;
  }
  FARE_CHECK(!"this kind is never truncated");
  return 0;
}

double Distribution::probability_below(double x) const {
  if (kind_ == Kind::kEmpirical) return empirical_below(points_, x);
  if (kind_ == Kind::kLognormal && second_ == 0) return x > std::exp(first_) ? 1 : 0;
  return probability_to(x);
}

bool Distribution::truncate(double min, double max) {
  min_ = min;
  max_ = max;
  u_min_ = min > 0 ? probability_below(min) : 0;
  u_max_ = max < kInfinity ? probability_to(max) : 1;
  return u_max_ - u_min_ >= kMassMin;
}

double Distribution::least() const {
  // Shapes from 0.1 and scales from 1e-9 keep every gamma draw far above underflow.
  if (kind_ == Kind::kGamma) return std::numeric_limits<double>::min();
  return at(kUniformLeast);
}

double Distribution::greatest() const {
  if (kind_ != Kind::kGamma) return at(kUniformGreatest);
  // Marsaglia and Tsang's draw is d (1 + c x)^3 with a normal x, times a boost below 1.
  const double d = (first_ < 1 ? first_ + 1 : first_) - 1.0 / 3;
  const double root = 1 + fare::normal_quantile(kUniformGreatest) / std::sqrt(9 * d);
  return second_ * d * root * root * root;
}

double Distribution::mean() const {
  switch (kind_) {
    case Kind::kConstant:
      return first_;
    case Kind::kExponential:
      return std::clamp(exponential_mean(), min_, max_);
    case Kind::kLognormal:
      return std::clamp(lognormal_mean(), min_, max_);
    case Kind::kGamma:
      return first_ * second_;
    case Kind::kWeibull:
      return std::clamp(weibull_mean(), min_, max_);
    case Kind::kPareto:
      return std::clamp(pareto_mean(), min_, max_);
    case Kind::kUniform:
      return first_ + (second_ - first_) / 2;
    case Kind::kEmpirical:
      return empirical_mean();
  }
  return 0;
}

// min + mean - width / (exp(width / mean) - 1), the memoryless tail less what the maximum cuts off.
double Distribution::exponential_mean() const {
  if (max_ == kInfinity) return min_ + first_;
  const double width = (max_ - min_) / first_;
  // The difference cancels for narrow intervals, where two terms of its series are exact enough.
  if (width < 1e-4) return min_ + first_ * (width / 2 - width * width / 12);
  return min_ + first_ * (1 - width / std::expm1(width));
}

// E[X; a < X < b] = exp(mu + sigma^2 / 2) P(alpha - sigma < Z < beta - sigma).
double Distribution::lognormal_mean() const {
  if (second_ == 0) return std::exp(first_);
  const double low = standardised(min_, first_, second_);
  const double high = max_ == kInfinity ? kNormalEnd : standardised(max_, first_, second_);
  const double whole = std::exp(first_ + second_ * second_ / 2);
  return whole * normal_mass(low - second_, high - second_) / normal_mass(low, high);
}

// With t = (x / scale)^shape, which is exponential: E[t^(1/shape); t0 < t < t1] is a difference of
// incomplete gamma functions at 1 + 1 / shape.
double Distribution::weibull_mean() const {
  const double order = 1 + 1 / first_;
  const double whole = second_ * std::tgamma(order);
  const double t0 = std::pow(min_ / second_, first_);
  const double t1 = max_ == kInfinity ? kInfinity : std::pow(max_ / second_, first_);
  const double mass = std::exp(-t0) * -std::expm1(t0 - t1);
  if (t0 > order) {
    const double above = t1 == kInfinity ? 0 : boost::math::gamma_q(order, t1);
    return whole * (boost::math::gamma_q(order, t0) - above) / mass;
  }
  const double below = t1 == kInfinity ? 1 : boost::math::gamma_p(order, t1);
  return whole * (below - boost::math::gamma_p(order, t0)) / mass;
}

// With r = ln(b / a): a shape / (shape - 1) (1 - e^(-(shape - 1) r)) / (1 - e^(-shape r)).
double Distribution::pareto_mean() const {
  const double start = std::max(min_, second_);
  if (max_ == kInfinity) return first_ <= 1 ? kInfinity : start * first_ / (first_ - 1);
  const double r = std::log(max_ / start);
  const double excess = first_ - 1;
  const double part = excess == 0 ? r : -std::expm1(-excess * r) / excess;
  return start * first_ * part / -std::expm1(-first_ * r);
}

// The integral of the quantile function, a polygon.
double Distribution::empirical_mean() const {
  double area = 0;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    const double low = std::max(points_[i - 1].probability, u_min_);
    const double high = std::min(points_[i].probability, u_max_);
    if (low >= high) continue;
    const auto value = [&](double u) {
      return line(u, points_[i - 1].probability, points_[i].probability, points_[i - 1].value,
                  points_[i].value);
    };
    area += (high - low) * (value(low) + value(high)) / 2;
  }
  return area / (u_max_ - u_min_);
}

namespace {

std::optional<Point> read_point(const fare::JsonNode& node) {
  if (!fare::json::is_list(node, 2, 2)) return std::nullopt;
  const std::optional<double> probability = fare::json::number(0, 1)(node.item(0));
  const std::optional<double> value = fare::json::number(0, kValueMax)(node.item(1));
  if (!probability || !value) return std::nullopt;
  return Point{*probability, *value};
}

std::optional<std::vector<Point>> read_quantiles(const fare::JsonNode& node) {
  std::optional<std::vector<Point>> points = fare::json::list(read_point, 2, kPointsMax)(node);
  if (!points) return std::nullopt;
  const auto refuse = [](const fare::JsonNode& place, std::string_view rule) {
    place.problem(ErrorCode::kConflict, std::string(rule));
    return std::nullopt;
  };
  if (points->front().probability != 0) return refuse(node.item(0), "must start at probability 0");
  if (points->back().probability != 1) {
    return refuse(node.item(points->size() - 1), "must end at probability 1");
  }
  for (std::size_t i = 1; i < points->size(); ++i) {
    const Point& before = (*points)[i - 1];
    const Point& point = (*points)[i];
    if (point.probability <= before.probability) {
      return refuse(node.item(i), fmt::format("must have a probability above the {} before it",
                                              before.probability));
    }
    if (point.value < before.value) {
      return refuse(node.item(i),
                    fmt::format("must have a value of at least the {} before it", before.value));
    }
  }
  return points;
}

struct Parameters {
  double first = 0;
  double second = 0;
  std::vector<Point> points;
};

// "mu", or "median" in its place.
bool read_mu(fare::ObjectReader& reader, double& mu) {
  const fare::JsonNode& node = reader.node();
  if (!node.has("median")) return reader.required("mu", mu, fare::json::number(-kMuMax, kMuMax));
  double median = 0;
  if (!reader.required("median", median, fare::json::number(kScaleMin, kScaleMax))) return false;
  mu = std::log(median);
  if (!reader.member("mu", false)) return true;
  node.problem(ErrorCode::kConflict, "takes \"mu\" or \"median\", not both");
  return false;
}

bool read_uniform(fare::ObjectReader& reader, Parameters& parameters) {
  const auto value = fare::json::number(0, kValueMax);
  const bool has_min = reader.required("min", parameters.first, value);
  const bool has_max = reader.required("max", parameters.second, value);
  if (!has_min || !has_max) return false;
  if (parameters.first < parameters.second) return true;
  reader.node().problem(ErrorCode::kConflict,
                        fmt::format("must have \"min\" below \"max\", but has {} and {}",
                                    parameters.first, parameters.second));
  return false;
}

std::optional<Parameters> read_parameters(fare::ObjectReader& reader, Kind kind) {
  const auto scale = fare::json::number(kScaleMin, kScaleMax);
  Parameters parameters;
  bool good = true;
  switch (kind) {
    case Kind::kExponential:
      good &= reader.required("mean", parameters.first, scale);
      break;
    case Kind::kLognormal:
      good &= read_mu(reader, parameters.first);
      good &= reader.required("sigma", parameters.second, fare::json::number(0, kSigmaMax));
      break;
    case Kind::kGamma:
    case Kind::kWeibull:
    case Kind::kPareto:
      good &= reader.required("shape", parameters.first, fare::json::number(kShapeMin, kShapeMax));
      good &= reader.required("scale", parameters.second, scale);
      break;
    case Kind::kUniform:
      good &= read_uniform(reader, parameters);
      break;
    case Kind::kEmpirical:
      good &= reader.required("quantiles", parameters.points, read_quantiles);
      break;
    case Kind::kConstant:
      break;
  }
  if (!good) return std::nullopt;
  return parameters;
}

struct Interval {
  double min = 0;
  double max = kInfinity;

  bool is_whole() const { return min == 0 && max == kInfinity; }
};

std::optional<Interval> read_interval(fare::ObjectReader& reader, Kind kind) {
  Interval interval;
  if (kind == Kind::kUniform) return interval;  // There "min" and "max" are its parameters.
  bool good = true;
  for (const std::string_view key : {"min", "max"}) {
    const std::optional<fare::JsonNode> end = reader.member(key, false);
    if (!end) continue;
    if (kind == Kind::kGamma) {
      end->problem(ErrorCode::kConflict,
                   "is not for gamma, which takes no truncation: it has no closed inverse");
      good = false;
    } else if (const auto value = fare::json::number(0, kValueMax)(*end)) {
      (key == "min" ? interval.min : interval.max) = *value;
    } else {
      good = false;
    }
  }
  if (!good) return std::nullopt;
  if (interval.min <= interval.max) return interval;
  reader.node().problem(ErrorCode::kConflict,
                        fmt::format("must have \"min\" at or below \"max\", but has {} and {}",
                                    interval.min, interval.max));
  return std::nullopt;
}

}  // namespace

std::optional<Distribution> read_distribution(const fare::JsonNode& node) {
  if (!node.is_object()) {
    if (!node.value().is_number()) {
      node.must_be(ErrorCode::kWrongType, "a number or an object with a \"kind\"");
      return std::nullopt;
    }
    const std::optional<double> value = fare::json::number(0, kValueMax)(node);
    if (!value) return std::nullopt;
    return Distribution::constant(*value);
  }
  fare::ObjectReader reader(node);
  std::size_t index = 0;
  const auto kind_name = fare::json::one_of({kKindNames.begin(), kKindNames.end()});
  // Without a kind no other key has a meaning, so none of them is called unknown.
  if (!reader.required("kind", index, kind_name)) return std::nullopt;
  const Kind kind = static_cast<Kind>(index + 1);  // The names leave out the constant.
  std::optional<Parameters> parameters = read_parameters(reader, kind);
  const std::optional<Interval> interval = read_interval(reader, kind);
  reader.finish();
  if (!parameters || !interval) return std::nullopt;
  Distribution distribution(kind, parameters->first, parameters->second);
  distribution.points_ = std::move(parameters->points);
  if (interval->is_whole() || distribution.truncate(interval->min, interval->max)) {
    return distribution;
  }
  node.problem(
      ErrorCode::kConflict,
      fmt::format("holds less than {} of the probability from \"min\" to \"max\"", kMassMin));
  return std::nullopt;
}

}  // namespace routesim
