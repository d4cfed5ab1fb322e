#pragma once

#include <optional>  // std::optional.

#include "base/json_node.h"              // JsonNode.
#include "traffic/synthetic_arrivals.h"  // SyntheticArrivals.

namespace routesim {

// Reads a scenario's "arrivals":
//   {"process": "poisson", "per_second": 5.5, "hours": 24, "hour_weights": [24 or 168 numbers],
//    "rate_curve": [[hours, factor], ...], "tick_seconds": 1}
//   {"process": "even", ...}                                        evenly spaced
//   {"process": "gamma" | "weibull", "cv": 3 | "shape": 0.5, ...}   renewal
//   {"process": "mmpp", "states": [{"weight": 1, "mean_seconds": 60}, ...], ...}
//   {"process": "clients", "rate_scale": 1, "clients": [{"tenant": "acme", "class": "chat",
//    "windows": [{"start_seconds": 0, "seconds": 600, "per_second": 0.2, "gaps": "gamma",
//                 "cv": 2}, ...]}, ...]}
// All but "clients" take two of "per_second", "hours" (above 0, at most 87,600: ten years) and
// "requests" (1 to 1e10, within ten years at the mean rate); "clients" end with "hours", after
// "requests", or with their last window.  SyntheticArrivals says what the rest means.
// Anything wrong is recorded in the node's Problems; then what is returned is not to be used.
std::optional<SyntheticArrivals> read_arrivals(const fare::JsonNode& node);

// Sets what follows from the clients: the process, its end (that of the last window, or `end` if
// that is earlier) and the mean rate until then.
void close_clients(SyntheticArrivals& arrivals, fare::Duration end);

}  // namespace routesim
