#pragma once

#include <cstdint>                // std::uint8_t.
#include <nlohmann/json_fwd.hpp>  // nlohmann::ordered_json.
#include <string>                 // std::string.
#include <vector>                 // std::vector.

#include "study/traffic_fit.h"  // LengthFit, TrafficFitOptions.

namespace routesim {

// What a number is: counts are whole and drawn with the next whole number above; others as drawn.
enum class LawKind : std::uint8_t { kCount, kNumber };

// The distribution, as scenarios write it: the log-normal law, cut off where the values end, if it
// is near enough; for counts of few kinds each with its share; else quantiles, the more the further
// out in the tail.  `values` need no order, and no number of kCount is below 1.
// REQUIRES: not empty.
nlohmann::ordered_json fit_law(std::string name, std::vector<double> values, LawKind kind,
                               const TrafficFitOptions& options, std::vector<LengthFit>& fits);

// Linear between the order statistics.  REQUIRES: sorted, not empty; p in [0, 1].
double sorted_quantile(const std::vector<double>& sorted, double p);

// REQUIRES: not empty.
double mean_of(const std::vector<double>& values);

// Six significant digits.
double rounded(double value);

}  // namespace routesim
