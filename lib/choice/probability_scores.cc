#include "fare/probability_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "fare/check.h"

namespace fare {

double brier(std::span<const Forecast> forecasts) {
  FARE_CHECK(!forecasts.empty());
  double sum = 0;
  for (const Forecast& one : forecasts) {
    sum += (one.probability - one.truth) * (one.probability - one.truth);
  }
  return sum / static_cast<double>(forecasts.size());
}

double brier_of_mean(std::span<const Forecast> forecasts) {
  FARE_CHECK(!forecasts.empty());
  double mean = 0;
  for (const Forecast& one : forecasts) mean += one.truth;
  mean /= static_cast<double>(forecasts.size());
  double sum = 0;
  for (const Forecast& one : forecasts) sum += (mean - one.truth) * (mean - one.truth);
  return sum / static_cast<double>(forecasts.size());
}

double calibration_error(std::span<const Forecast> forecasts) {
  FARE_CHECK(!forecasts.empty());
  std::array<double, kCalibrationBins> gap{};
  for (const Forecast& one : forecasts) {
    const double place = one.probability * static_cast<double>(kCalibrationBins);
    const double last = static_cast<double>(kCalibrationBins - 1);
    gap[static_cast<std::size_t>(std::clamp(std::floor(place), 0.0, last))] +=
        one.probability - one.truth;
  }
  double sum = 0;
  for (const double one : gap) sum += std::abs(one);
  return sum / static_cast<double>(forecasts.size());
}

double auroc(std::span<const Forecast> forecasts) {
  FARE_CHECK(!forecasts.empty());
  std::vector<Forecast> sorted(forecasts.begin(), forecasts.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Forecast& a, const Forecast& b) { return a.probability < b.probability; });
  double below = 0, pairs = 0, positives = 0;  // `below`: negatives scored lower so far.
  for (std::size_t i = 0; i < sorted.size();) {
    double true_here = 0, false_here = 0;
    const double score = sorted[i].probability;
    for (; i < sorted.size() && sorted[i].probability == score; ++i) {
      (sorted[i].truth > 0.5 ? true_here : false_here) += 1;
    }
    pairs += true_here * (below + false_here / 2);
    below += false_here;
    positives += true_here;
  }
  return positives == 0 || below == 0 ? 0.5 : pairs / (positives * below);
}

}  // namespace fare
