#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "base/random.h"  // RandomStream.

namespace fare {

// Our own samplers: the distributions of the standard library differ between implementations, and
// ours must give the same bytes everywhere.  Those that invert a distribution function take one
// uniform number and are monotone in it up to rounding (so antithetic and truncated draws work);
// rejection samplers take a stream and use as many numbers as they need.  All parameters must be
// finite; ranges are checked.

// The standard normal quantile, for p in (0, 1); relative error below 1e-15.
// Wichura, "Algorithm AS 241: The percentage points of the normal distribution", 1988 (PPND16).
double normal_quantile(double p);

// The standard normal distribution function, for finite x; relative error about 1e-15 in both
// tails. Cody, "Algorithm 715: SPECFUN", 1993 (ANORM).
double normal_cdf(double x);

// Quantile functions, for u in (0, 1).
double exponential(double u, double mean);             // mean > 0.
double lognormal(double u, double mu, double sigma);   // exp of a normal; sigma >= 0.
double weibull(double u, double shape, double scale);  // Both > 0.
double pareto(double u, double shape, double scale);   // P(X > x) = (scale / x)^shape, x >= scale.

// Gamma with the given shape and mean shape * scale.  Marsaglia and Tsang, "A simple method for
// generating gamma variables", 2000; shapes below 1 by their boost (below about 0.05 a draw may
// underflow to 0).  Both > 0.
double gamma(RandomStream& stream, double shape, double scale);

// Zipf on 1 ... n with P(k) proportional to k^-exponent.  Hörmann and Derflinger, "Rejection
// inversion to generate variates from monotone discrete distributions", 1996: O(1) for any n.
class Zipf {
 public:
  Zipf(std::uint64_t n, double exponent);  // n >= 1, exponent > 0.
  std::uint64_t operator()(RandomStream& stream) const;

 private:
  double h_integral(double x) const;
  double h_integral_inverse(double x) const;
  double h(double x) const;

  std::uint64_t n_;
  double exponent_;
  double first_;  // H(1.5) - 1.
  double last_;   // H(n + 0.5).
  double shift_;
};

// Index i with probability weight[i] / sum, by Walker's alias method (Vose's construction): O(1) a
// draw, one uniform number each.
class Discrete {
 public:
  explicit Discrete(std::span<const double> weights);  // Not empty, none negative, sum > 0.
  std::size_t operator()(double u) const;

 private:
  std::vector<double> keep_;  // The chance to stay in a column.
  std::vector<std::uint32_t> alias_;
};

}  // namespace fare
