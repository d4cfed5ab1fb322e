#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.

#include "fare/quantity.h"    // Int128.
#include "fare/rate_limit.h"  // Flow.
#include "fare/time.h"        // Instant.

namespace fare {

// One token bucket.  A unit weighs `per` nanoseconds, so in each nanosecond exactly `count` flow in
// and nothing is ever rounded.  |level| stays below 2^127 for 1e12 debts of 1e12 units.
// Not thread-safe.  REQUIRES everywhere: advance(now) was called for the `now` that is meant.
class FlowBucket {
 public:
  FlowBucket(const Flow& flow, Instant now)
      : count_(flow.count), per_(flow.per.count()), burst_(flow.burst), level_(full()), at_(now) {}

  std::int64_t burst() const { return burst_; }
  std::int64_t level() const;  // In units, rounded down.

  // Lets time pass; a `now` before an earlier one changes nothing.
  void advance(Instant now);

  bool fits(std::int64_t units) const {
    if (is_in_window() && units > window_left_) return false;
    return weight(units) <= level_;
  }
  // The first instant at which it fits; nothing if that is beyond Instant::max().
  // REQUIRES: units <= burst().
  std::optional<Instant> ready_at(std::int64_t units) const;

  // Takes `more`, into debt if it must be, or gives back if it is negative, up to the burst.
  void correct(std::int64_t more);

  // From now on it flows like that.  What waits stays as it is, up to the new burst; in units, that
  // is, rounded down by less than a nanosecond's worth.
  void change(const Flow& flow);

  // At most `units` wait; or may be taken until `window_end`.
  void lower(std::int64_t units);
  void set_window(std::int64_t units, Instant window_end);

 private:
  Int128 weight(std::int64_t units) const { return static_cast<Int128>(units) * per_; }
  Int128 full() const { return weight(burst_); }
  Int128 whole_units() const;  // Rounded down.
  bool is_in_window() const { return at_ < window_end_; }

  std::int64_t count_;
  std::int64_t per_;
  std::int64_t burst_;
  Int128 level_;
  Instant at_;
  Instant window_end_ = Instant::min();
  std::int64_t window_left_ = 0;  // Of what the vendor said; it may be negative.
};

}  // namespace fare
