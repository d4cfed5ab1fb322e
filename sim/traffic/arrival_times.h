#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::uint64_t.

#include "base/random.h"      // RandomKey.
#include "fare/time.h"        // Duration.
#include "traffic/traffic.h"  // SyntheticArrivals.

namespace routesim {

// The instants of a Poisson process whose rate is constant within each hour of the day, and the day
// starts at zero.  Exact, by a change of time: gaps of a unit-rate process are stretched by the
// rate that holds while they pass (no thinning), one uniform number a request.
// A position is an hour and nanoseconds within it, so nothing drifts over months.
// O(1) a request plus one step for each hour in which nothing arrives.
class PoissonTimes {
 public:
  PoissonTimes(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication);

  fare::Duration next();  // Of the requests 0, 1, 2 ...; never before the one before.

 private:
  fare::RandomKey key_;
  std::array<double, 24> per_nanosecond_;  // The rate of each hour.
  std::uint64_t index_ = 0;
  std::uint32_t hour_of_day_ = 0;
  std::int64_t hour_ = 0;  // Since the start.
  double within_ = 0;      // Nanoseconds since the start of the hour.
};

// Request k at floor(k * 1e9 / per_second) nanoseconds, exactly, where per_second is the decimal
// number that was written (0.1 means every 10 s).
class EvenTimes {
 public:
  explicit EvenTimes(const SyntheticArrivals& arrivals);

  fare::Duration next();

  // How many requests come before `end`.
  std::uint64_t count_before(fare::Duration end) const;

 private:
  // The step is whole_ + part_ / parts_ nanoseconds.
  std::int64_t whole_;
  std::int64_t part_;
  std::int64_t parts_;
  std::int64_t at_ = 0;
  std::int64_t collected_ = 0;  // Parts since the last whole nanosecond; below parts_.
};

}  // namespace routesim
