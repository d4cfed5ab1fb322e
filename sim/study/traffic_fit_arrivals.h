#pragma once

#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "study/traffic_fit.h"  // ArrivalCandidate, Burstiness.

namespace routesim {

// The tick that the times are multiples of, within a hundredth of it, for nine in ten: 0.1 s to a
// minute.
std::optional<double> tick_of(const std::vector<fare::Duration>& at);

// All candidate processes for the instants, simplest first, each tried out.
std::vector<ArrivalCandidate> fit_arrivals(const std::vector<fare::Duration>& at,
                                           const Burstiness& trace, std::optional<double> tick,
                                           const TrafficFitOptions& options);

}  // namespace routesim
