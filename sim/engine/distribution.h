#pragma once

#include <limits>    // std::numeric_limits.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/json_reader.h"  // JsonNode.
#include "base/random.h"       // RandomStream.

namespace routesim {

// A distribution of a non-negative number, as scenarios write it:
//   5                                                       always 5
//   {"kind": "lognormal", "mu": 6.63, "sigma": 0.99, "min": 1, "max": 128000}
//   {"kind": "lognormal", "median": 600, "sigma": 0.4}      the same with mu = ln(median)
//   {"kind": "exponential", "mean": 20}
//   {"kind": "gamma", "shape": 2, "scale": 3}
//   {"kind": "weibull", "shape": 1.5, "scale": 3}
//   {"kind": "pareto", "shape": 2.5, "scale": 10}
//   {"kind": "uniform", "min": 1, "max": 5}
//   {"kind": "empirical", "quantiles": [[0, 10], [0.5, 100], [1, 900]]}   linear in between
// "min" and "max" truncate: the draw is conditioned on the interval, never clamped to it.  (Gamma
// has no closed inverse and takes no truncation.)  The interval must hold at least 1e-9 of the
// probability: below that a double is too coarse to draw from.
// Ranges: mu -100 to 100, sigma 0 to 20, shape 0.1 to 100; median, mean and scale 1e-9 to 1e12;
// every other number 0 to 1e15.
//
// A value; copying is cheap but for "empirical".  Sampling allocates nothing, and takes O(1), for
// "empirical" O(log n).
class Distribution {
 public:
  enum class Kind {
    kConstant,
    kExponential,
    kLognormal,
    kGamma,
    kWeibull,
    kPareto,
    kUniform,
    kEmpirical
  };
  struct Point {
    double probability;
    double value;
  };

  Distribution() = default;                                // Always 0.
  static Distribution constant(double value);              // REQUIRES: value >= 0, finite.
  static Distribution exponential(double mean);            // REQUIRES: mean > 0, finite.
  static Distribution lognormal(double mu, double sigma);  // REQUIRES: finite, sigma >= 0.

  // Draws one number.  All kinds but gamma use exactly one uniform (a constant none) and are
  // monotone in it.
  double sample(fare::RandomStream& stream) const;

  // The mean, with truncation, in closed form (relative error below 1e-6 even for the narrowest
  // interval).  Infinite for a Pareto with shape <= 1 and no maximum.
  double mean() const;

  // The least and the greatest number that sample() can give; for gamma a bound of them.
  double least() const;
  double greatest() const;

  Kind kind() const { return kind_; }

 private:
  friend std::optional<Distribution> read_distribution(const fare::JsonNode& node);

  Distribution(Kind kind, double first, double second)
      : kind_(kind), first_(first), second_(second) {}

  // Conditions on [min, max]; false if that holds too little probability.
  bool truncate(double min, double max);
  double at(double u) const;                 // The draw that belongs to the uniform number u.
  double quantile(double u) const;           // Of the untruncated distribution; not for gamma.
  double probability_to(double x) const;     // P(X <= x), untruncated; not for gamma.
  double probability_below(double x) const;  // P(X < x): differs where a value has weight.
  double exponential_mean() const;
  double lognormal_mean() const;
  double weibull_mean() const;
  double pareto_mean() const;
  double empirical_mean() const;

  Kind kind_ = Kind::kConstant;
  double first_ = 0;   // value | mean | mu | shape | shape | shape | min.
  double second_ = 0;  //               sigma | scale | scale | scale | max.
  double min_ = 0;     // The truncation, as values
  double max_ = std::numeric_limits<double>::infinity();
  double u_min_ = 0;  // and as probabilities.
  double u_max_ = 1;
  std::vector<Point> points_;  // Of "empirical": probabilities rise from 0 to 1, values never fall.
};

// A JSON parser for ObjectReader.  Everything wrong is recorded with its place: unknown kind,
// missing or foreign parameters, an empty interval, an interval that holds too little probability.
std::optional<Distribution> read_distribution(const fare::JsonNode& node);

}  // namespace routesim
