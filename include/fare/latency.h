#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/time.h"  // Instant, Duration.

namespace fare {

// Observations that count less the older they are: half as much after each half-life, however many
// came since.  All are values, allocate nothing, are not thread-safe, and take some 20 ns an
// observation.  An observation with an earlier `now` than the latest one counts as that old.
//
// Whoever was not observed, or not lately, is judged by a `prior`: the median of its pool, never
// zero, or everyone would run to what nobody knows.

// Mean and spread.
class DecayingMean {
 public:
  explicit DecayingMean(Duration half_life);  // REQUIRES: above 0.

  void observe(double value, Instant now);  // REQUIRES: finite.

  // How many fresh observations all of them are worth.
  [[nodiscard]] double weight(Instant now) const;

  // The weighted mean, where `prior` counts as one fresh observation.
  [[nodiscard]] double mean(double prior, Instant now) const;

  // Of what was observed, by weight, at least the share `quantile` is at or below this: mean +
  // deviation * sqrt(quantile / (1 - quantile)), whatever the distribution (Cantelli's inequality).
  // A normal one's quantile is lower: at 0.9 the factor is 3.0 instead of 1.3.  Nothing if nothing
  // was observed.  REQUIRES: 0 <= quantile < 1.
  [[nodiscard]] std::optional<double> upper(double quantile) const;

 private:
  Duration half_life_;
  double weight_ = 0;  // At `at_`.
  double mean_ = 0;
  double squares_ = 0;  // Of the distances from the mean, weighted.
  Instant at_{};
};

// Peak-EWMA: jumps up at once, comes down by half-lives; without news it goes towards the prior.
// (Finagle's and Linkerd's balancers; there it goes towards zero.)
class DecayingPeak {
 public:
  explicit DecayingPeak(Duration half_life);  // REQUIRES: above 0.

  void observe(double value, Instant now);  // REQUIRES: finite, at least 0.
  [[nodiscard]] double value(double prior, Instant now) const;

 private:
  Duration half_life_;
  std::optional<double> value_;
  Instant at_{};
};

// What a target takes: until the first token, and for each one after it.  Two estimates, because
// one divided by the other favours slow starters.
class TargetLatency {
 public:
  explicit TargetLatency(Duration half_life);  // REQUIRES: above 0.

  // `output` tokens came, the first after `first_token`, the last after `total`.  With less than
  // two tokens nothing is learnt of the time between them.  REQUIRES: 0 <= first_token <= total.
  void observe(Duration first_token, Duration total, std::int64_t output, Instant now);

  const DecayingMean& first_token_ns() const { return first_token_; }
  const DecayingMean& per_token_ns() const { return per_token_; }
  const DecayingPeak& first_token_peak_ns() const { return peak_; }

 private:
  DecayingMean first_token_;
  DecayingMean per_token_;
  DecayingPeak peak_;
};

// The median, the mean of the middle two of an even number; nothing if there are none.  Reorders
// `values`.  O(n).
[[nodiscard]] std::optional<double> median(std::span<double> values);

}  // namespace fare
