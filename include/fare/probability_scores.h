#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.

namespace fare {

// A probability (or a score, for auroc) and what came true: 1, 0, or a quality between them.
struct Forecast {
  double probability;
  double truth;
};

// The mean squared error; forecasting the mean of the truth for all comes to its variance.
// REQUIRES: not empty, here and below.
[[nodiscard]] double brier(std::span<const Forecast> forecasts);
[[nodiscard]] double brier_of_mean(std::span<const Forecast> forecasts);

// The expected calibration error: over ten bins of equal width, the mean distance between what was
// forecast and what came true, weighted by how many fell into the bin (Naeini, Cooper, Hauskrecht,
// "Obtaining well calibrated probabilities using Bayesian binning", 2015).
inline constexpr std::size_t kCalibrationBins = 10;
[[nodiscard]] double calibration_error(std::span<const Forecast> forecasts);

// The chance that one that came true (truth > 0.5) was scored above one that did not, ties counting
// half; 0.5 if there are none of either.
[[nodiscard]] double auroc(std::span<const Forecast> forecasts);

}  // namespace fare
