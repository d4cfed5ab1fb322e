#include "fare/latency.h"

#include <algorithm>
#include <cmath>

#include "fare/check.h"
#include "spend/decay.h"

namespace fare {

DecayingMean::DecayingMean(Duration half_life) : half_life_(half_life) {
  FARE_CHECK(half_life > Duration(0));
}

// West: "Updating mean and variance estimates", 1979, with all earlier weights decayed first.
void DecayingMean::observe(double value, Instant now) {
  FARE_CHECK(std::isfinite(value));
  const double left = decay(at_, now, half_life_);
  const double fresh = now < at_ ? decay(now, at_, half_life_) : 1;
  weight_ = weight_ * left + fresh;
  const double distance = value - mean_;
  mean_ += fresh == 0 ? 0 : distance * fresh / weight_;
  squares_ = squares_ * left + fresh * distance * (value - mean_);
  at_ = std::max(at_, now);
}

double DecayingMean::weight(Instant now) const { return weight_ * decay(at_, now, half_life_); }

double DecayingMean::mean(double prior, Instant now) const {
  const double known = weight(now);
  return (known * mean_ + prior) / (known + 1);
}

std::optional<double> DecayingMean::upper(double quantile) const {
  FARE_CHECK(quantile >= 0);
  FARE_CHECK(quantile < 1);
  if (weight_ == 0) return std::nullopt;
  const double variance = std::max(0.0, squares_ / weight_);
  return mean_ + std::sqrt(variance * quantile / (1 - quantile));
}

DecayingPeak::DecayingPeak(Duration half_life) : half_life_(half_life) {
  FARE_CHECK(half_life > Duration(0));
}

void DecayingPeak::observe(double value, Instant now) {
  FARE_CHECK(std::isfinite(value));
  FARE_CHECK(value >= 0);
  if (!value_ || value >= *value_) {
    value_ = value;
  } else {
    *value_ = value + (*value_ - value) * decay(at_, now, half_life_);
  }
  at_ = std::max(at_, now);
}

double DecayingPeak::value(double prior, Instant now) const {
  if (!value_) return prior;
  return prior + (*value_ - prior) * decay(at_, now, half_life_);
}

TargetLatency::TargetLatency(Duration half_life)
    : first_token_(half_life), per_token_(half_life), peak_(half_life) {}

void TargetLatency::observe(Duration first_token, Duration total, std::int64_t output,
                            Instant now) {
  FARE_CHECK(first_token >= Duration(0));
  FARE_CHECK(total >= first_token);
  const auto first = static_cast<double>(first_token.count());
  first_token_.observe(first, now);
  peak_.observe(first, now);
  if (output < 2) return;
  const auto rest = static_cast<double>((total - first_token).count());
  per_token_.observe(rest / static_cast<double>(output - 1), now);
}

std::optional<double> median(std::span<double> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace fare
