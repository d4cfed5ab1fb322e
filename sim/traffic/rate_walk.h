#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::int64_t.
#include <vector>   // std::vector.

#include "base/random.h"                 // RandomKey.
#include "fare/time.h"                   // Duration.
#include "traffic/synthetic_arrivals.h"  // SyntheticArrivals.

namespace routesim {

// Time, walked in units of expected requests: gaps of a process with rate 1 are stretched by the
// rate that holds while they pass.  Exact, by inversion of the integrated rate; nothing is thinned.
//
// The rate is the product of the mean rate, the weight of the hour, the curve, and the weight of
// the state; so it is a straight line within a segment, from which a root of a quadratic leads to
// the instant.  A position is a segment and nanoseconds within it, so nothing drifts over months.
// The states and how long they last are drawn by their number, whatever arrives meanwhile; the
// first is drawn from their shares of time, so the process is stationary.
// O(1) a step plus one for each hour, point and state that passes; allocates in its constructor.
class RateWalk {
 public:
  RateWalk(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication);

  // Where `expected` more requests than at the last call are expected; Duration::max() if that is
  // beyond the end of the run.  REQUIRES: expected >= 0.
  fare::Duration advance(double expected);

 private:
  void enter_next();
  void enter_state();
  void bend();

  std::vector<double> per_nanosecond_;  // The rate of each hour of the day or week.
  std::vector<RatePoint> curve_;
  std::vector<RateState> states_;
  fare::RandomKey key_;
  std::int64_t limit_;  // No request is due after it.
  bool is_over_ = false;

  std::int64_t start_ = 0;  // Of the segment,
  std::int64_t end_ = 0;    // and its end: that of the hour, the stretch of curve, or the state.
  double within_ = 0;       // Nanoseconds since the start of the segment.
  double rate_ = 0;         // At its start, a nanosecond,
  double slope_ = 0;        // and how it grows each nanosecond.

  std::int64_t hour_end_ = 0;
  std::size_t hour_ = 0;   // Of the day or week.
  std::size_t point_ = 0;  // The next of the curve.
  std::int64_t state_end_;
  std::size_t state_ = 0;
  std::uint64_t states_entered_ = 0;
};

}  // namespace routesim
