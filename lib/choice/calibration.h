#pragma once

#include <span>    // std::span.
#include <vector>  // std::vector.

#include "fare/probability_scores.h"  // Forecast.

namespace fare {

// Turns a score into a probability.
struct Calibration {
  enum class Link : unsigned char { kLogistic, kLine, kStairs };
  struct Step {
    double score;  // From here on,
    double value;  // this is the probability; before the first step, its value too.
  };

  Link link = Link::kLogistic;
  double slope = 1, offset = 0;  // Of kLogistic and kLine.
  std::vector<Step> steps;       // Of kStairs: ascending, not empty.

  double operator()(double score) const;
};

// Fits a calibration to scores (Forecast::probability) of rows that the scorer did not learn from.
// REQUIRES: not empty.
//
// Logistic: Platt, "Probabilistic outputs for support vector machines", 1999, with his smoothed
// targets, by Newton's method; the slope is not negative.  Line: least squares, not negative.
Calibration fit_logistic_link(std::span<const Forecast> scored);
Calibration fit_line(std::span<const Forecast> scored);

// Isotonic regression by pooling adjacent violators (Ayer et al., 1955).
Calibration fit_stairs(std::span<const Forecast> scored);

}  // namespace fare
