#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.

#include "fare/money.h"   // Money.
#include "fare/time.h"    // Instant, Duration.
#include "fare/window.h"  // WindowSpan.

namespace fare {

// The books of one budget's current window, as far as a forecast needs them: Ledger::burn_books().
struct BurnBooks {
  Money limit;
  Money used;           // Settled, reserved and leased: limit - free.
  WindowSpan window{};  // Rolling: the current slice.
  Duration rolling{};   // The length of a rolling window; 0 for every other kind.
  bool refuses = true;  // False: it only observes.
};

// What follows if money goes on as it went lately.
struct BurnForecast {
  Money per_hour;  // At least 0.  This and at_end: at most kForecastMax.
  // What will be used when the window ends; of a rolling window, what will stand in it one length
  // from now.  Nothing if the window has no end.
  std::optional<Money> at_end;
  // When the limit will be reached: now, if it is.  Nothing if not before the window's end.
  std::optional<Instant> exhausted_at;
};

inline constexpr Money kForecastMax{9'000'000'000'000'000'000};  // Nine billion dollars.

// How fast the money of one budget goes, lately.
//
// What was used between two observations counts as spread evenly over the time between them, and
// counts half as much with every half-life since:
//
//   rate = integral of spending * 2 ^ (-age / half_life) / integral of 2 ^ (-age / half_life).
//
// So a constant rate is found exactly at every observation, from the first on, however they are
// spaced (to some 1e-15 of it: the rate is a double, money is not); and t after a change from one
// rate to another, what is missing of the change is at most 2 ^ (-t / half_life).  Use that falls
// (a reservation settled for less) is negative spending; a rate is never below 0.  The rate goes on
// into the next window; what went on unobserved before a new window or slice is left out.
//
// A value: not thread-safe, the owner locks.  O(1), some 30 ns; allocates nothing.
class BurnRate {
 public:
  // REQUIRES: half_life > 0.
  explicit BurnRate(Duration half_life) : half_life_(half_life) {}

  // Takes in what is used at `now`.  The first one takes it as spread over the window so far
  // (unless that is rolling).  A `now` before the latest observation's changes nothing.
  void observe(const BurnBooks& books, Instant now);

  // What follows from what was observed; nothing (unknown) as long as less than a quarter of a
  // half-life was: too little to judge by.
  [[nodiscard]] std::optional<BurnForecast> forecast(const BurnBooks& books, Instant now) const;

 private:
  void pass(Duration time);
  void add(Money amount, Duration time);

  Duration half_life_;
  double spent_ = 0;  // Both integrals, in nanodollars and nanoseconds.
  double time_ = 0;
  std::optional<Instant> at_;  // Of the latest observation.
  Instant begin_{};            // Its window's.
  Money used_;
};

// How many steps down a ladder a forecast calls for, with hysteresis: one more while what will be
// used at the window's end is above `down_percent` of the limit, one less while it is below
// `up_percent`, none else, and none while that is unknown.
//
// Between two steps lies at least `step_time`, so in any stretch of time there are at most
// 1 + time / step_time of them; at a constant rate all go one way.
// A value: not thread-safe, the owner locks.
class BurnSteps {
 public:
  struct Options {
    std::uint32_t down_percent = 100;              // 1 to 1000.
    std::uint32_t up_percent = 90;                 // Below down_percent.
    Duration step_time = std::chrono::minutes(5);  // At least 0.
  };
  // REQUIRES: options in their ranges.
  explicit BurnSteps(Options options);

  // Takes at most one step; answers how many to hold from `now` on, at most `steps_max`, to which
  // a ladder that became shorter cuts them.
  std::uint32_t update(const std::optional<BurnForecast>& forecast, Money limit,
                       std::uint32_t steps_max, Instant now);

  [[nodiscard]] std::uint32_t steps() const { return steps_; }

 private:
  Options options_;
  std::uint32_t steps_ = 0;
  std::optional<Instant> stepped_at_;
};

}  // namespace fare
