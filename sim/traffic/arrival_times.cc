#include "traffic/arrival_times.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/samplers.h"
#include "fare/check.h"
#include "traffic/decimal.h"

namespace routesim {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kNanosecondsPerHour = 3'600 * kNanosecondsPerSecond;

}  // namespace

PoissonTimes::PoissonTimes(const SyntheticArrivals& arrivals, std::uint64_t seed,
                           std::uint32_t replication)
    : key_(seed, replication, fare::Purpose::kArrival) {
  const std::vector<double>& weights = arrivals.hour_weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  FARE_CHECK(weights.empty() || (std::isfinite(sum) && sum > 0));
  for (std::size_t hour = 0; hour < per_nanosecond_.size(); ++hour) {
    const double weight =
        weights.empty() ? 1 : weights[hour] / sum * static_cast<double>(per_nanosecond_.size());
    FARE_CHECK(weight >= 0);
    per_nanosecond_[hour] = arrivals.per_second * weight / kNanosecondsPerSecond;
  }
}

fare::Duration PoissonTimes::next() {
  fare::RandomStream stream(key_, index_++);
  double expected = fare::exponential(stream.uniform(), 1);  // Requests until the next one.
  for (;;) {
    const double rate = per_nanosecond_[hour_of_day_];
    const double rest = (kNanosecondsPerHour - within_) * rate;
    if (expected < rest) {
      within_ += expected / rate;
      return fare::Duration(hour_ * kNanosecondsPerHour + static_cast<std::int64_t>(within_));
    }
    expected -= rest;
    within_ = 0;
    ++hour_;
    if (++hour_of_day_ == per_nanosecond_.size()) hour_of_day_ = 0;
  }
}

EvenTimes::EvenTimes(const SyntheticArrivals& arrivals) {
  const Decimal rate = shortest_decimal(arrivals.per_second);
  const bool is_whole = rate.exponent >= 0;
  const fare::Int128 parts = rate.digits * power_of_ten(is_whole ? rate.exponent : 0);
  const fare::Int128 step = kNanosecondsPerSecond * power_of_ten(is_whole ? 0 : -rate.exponent);
  whole_ = static_cast<std::int64_t>(step / parts);
  part_ = static_cast<std::int64_t>(step % parts);
  parts_ = static_cast<std::int64_t>(parts);
}

fare::Duration EvenTimes::next() {
  const fare::Duration now(at_);
  at_ += whole_;
  collected_ += part_;
  if (collected_ >= parts_) {
    collected_ -= parts_;
    ++at_;
  }
  return now;
}

// Request k comes before the end if k * step < end (floor changes nothing against a whole number).
std::uint64_t EvenTimes::count_before(fare::Duration end) const {
  const fare::Int128 step = fare::Int128{whole_} * parts_ + part_;
  return static_cast<std::uint64_t>((fare::Int128{end.count()} * parts_ + step - 1) / step);
}

}  // namespace routesim
