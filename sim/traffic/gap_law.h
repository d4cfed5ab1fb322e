#pragma once

#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.

#include "base/random.h"  // RandomStream.

namespace routesim {

// The gaps between requests that come one after the other: independent, with a mean of 1.  A rate
// stretches them.  A value; allocates nothing.
class GapLaw {
 public:
  enum class Kind : std::uint8_t { kExponential, kGamma, kWeibull };

  static constexpr double kCvMin = 0.001;  // 1,000 times as regular as chance,
  static constexpr double kCvMax = 1000;   // and as many times as bursty.

  GapLaw() = default;  // Exponential: a Poisson process.

  // The law of a kind whose standard deviation is `cv` times its mean (always 1 for kExponential).
  // Gamma: shape 1 / cv^2.  Weibull: the shape k at which gamma(1 + 2/k) / gamma(1 + 1/k)^2 is
  // 1 + cv^2, to the last bits, by bisection; about a microsecond.
  // REQUIRES: cv in [kCvMin, kCvMax].
  static GapLaw with_cv(Kind kind, double cv);

  // REQUIRES: a shape whose cv is in [kCvMin, kCvMax].
  static GapLaw with_shape(Kind kind, double shape);

  // The cv of a shape; infinite if it is above any double.
  static double cv_of(Kind kind, double shape);

  Kind kind() const { return kind_; }
  double shape() const { return shape_; }
  double cv() const { return cv_of(kind_, shape_); }

  // A gap.  Exponential and Weibull take one uniform number and are monotone in it.
  double draw(fare::RandomStream& stream) const;

  // The time from an instant that knows nothing of the requests to the next one: a uniform share
  // of a gap that was met in proportion to its length (Cox, "Renewal theory", 1962, 5.2).  A
  // process that begins with it is stationary: n requests are expected in a time of n, for any n.
  double first(fare::RandomStream& stream) const;

 private:
  GapLaw(Kind kind, double shape, double scale) : kind_(kind), shape_(shape), scale_(scale) {}

  Kind kind_ = Kind::kExponential;
  double shape_ = 1;
  double scale_ = 1;  // With which the mean is 1.
};

}  // namespace routesim
