#pragma once

#include <optional>  // std::optional.
#include <span>      // std::span.

namespace routesim {

// A mean over replications, with its 95 % confidence half-width if there were at least two:
// Student's t, replications being independent.  Half-width 0 means that they were all equal.
struct Estimate {
  double mean = 0;
  std::optional<double> half_width;

  bool excludes_zero() const {
    return half_width && (mean - *half_width > 0 || mean + *half_width < 0);
  }
};

// REQUIRES: not empty.
Estimate estimate(std::span<const double> values);

// The sample variance; 0 for fewer than two values.
double variance(std::span<const double> values);

}  // namespace routesim
