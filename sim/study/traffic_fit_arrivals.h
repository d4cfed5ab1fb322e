#pragma once

#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "study/traffic_fit.h"  // ArrivalCandidate, Burstiness.

namespace routesim {

// The tick that the times are multiples of, within a hundredth of it, for nine in ten: 0.1 s to a
// minute.
std::optional<double> tick_of(const std::vector<fare::Duration>& at);

// What candidates are made from and held against.
struct ArrivalQuestion {
  std::vector<fare::Duration> at;      // Of all requests.
  std::vector<fare::Duration> starts;  // Of sessions; without "sessions" the same.
  Burstiness trace;                    // Of `at`.
  std::optional<double> tick;
  // All else of the source ("input_tokens", "classes", "sessions" ...), which each start leads to,
  // so that candidates are judged as they will be written; empty: a start is a request, and no
  // more.
  std::string source_json;
};

// All candidate processes for the starts, simplest first, each tried out.
std::vector<ArrivalCandidate> fit_arrivals(const ArrivalQuestion& question,
                                           const TrafficFitOptions& options);

}  // namespace routesim
