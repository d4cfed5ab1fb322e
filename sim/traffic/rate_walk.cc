#include "traffic/rate_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kNanosecondsPerHour = 3'600 * kNanosecondsPerSecond;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kHoursADay = 24;

// The rates of the hours; without weights all hours of a day have the same.
std::vector<double> rates_of(const SyntheticArrivals& arrivals) {
  const std::vector<double>& weights = arrivals.hour_weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  FARE_CHECK(weights.empty() || (std::isfinite(sum) && sum > 0));
  std::vector<double> rates(weights.empty() ? kHoursADay : weights.size());
  for (std::size_t hour = 0; hour < rates.size(); ++hour) {
    const double weight =
        weights.empty() ? 1 : weights[hour] / sum * static_cast<double>(rates.size());
    FARE_CHECK(weight >= 0);
    rates[hour] = arrivals.per_second * weight / kNanosecondsPerSecond;
  }
  return rates;
}

// How much of each state's weight is in the mean.
std::vector<RateState> scaled(std::vector<RateState> states) {
  if (states.empty()) return states;
  const double mean = mean_weight(states);
  FARE_CHECK(mean > 0);
  for (RateState& state : states) state.weight /= mean;
  return states;
}

}  // namespace

double mean_weight(const std::vector<RateState>& states) {
  double sum = 0;
  double time = 0;
  for (const RateState& state : states) {
    sum += state.weight * static_cast<double>(state.mean.count());
    time += static_cast<double>(state.mean.count());
  }
  return sum / time;
}

RateWalk::RateWalk(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication)
    : per_nanosecond_(rates_of(arrivals)),
      curve_(arrivals.rate_curve),
      states_(scaled(arrivals.states)),
      key_(seed, replication, fare::Purpose::kModulation),
      limit_(arrivals.requests > 0 ? kNever - kNanosecondsPerHour : arrivals.length.count()),
      hour_end_(0),
      hour_(per_nanosecond_.size() - 1),
      state_end_(states_.empty() ? kNever : 0) {
  // Else the requests would never all come.
  FARE_CHECK(curve_.empty() || arrivals.requests == 0 || curve_.back().factor > 0);
  enter_next();
}

fare::Duration RateWalk::advance(double expected) {
  for (;;) {
    const double rest = static_cast<double>(end_ - start_) - within_;
    const double rate = rate_ + slope_ * within_;
    const double due = slope_ == 0 ? rest * rate : rest * (rate + slope_ * rest / 2);
    if (expected < due && !is_over_) {
      // The root of rate x + slope x^2 / 2 = expected, in the form that cancels nothing.
      within_ += slope_ == 0
                     ? expected / rate
                     : std::min(rest, 2 * expected /
                                          (rate + std::sqrt(std::max(
                                                      rate * rate + 2 * slope_ * expected, 0.0))));
      return fare::Duration(start_ + static_cast<std::int64_t>(within_));
    }
    if (end_ >= limit_) is_over_ = true;
    if (is_over_) return fare::Duration::max();
    expected -= due;
    enter_next();
  }
}

void RateWalk::enter_next() {
  start_ = end_;
  within_ = 0;
  if (start_ == hour_end_) {
    hour_end_ += kNanosecondsPerHour;
    if (++hour_ == per_nanosecond_.size()) hour_ = 0;
  }
  if (start_ == state_end_) enter_state();
  while (point_ < curve_.size() && curve_[point_].at.count() <= start_) ++point_;
  end_ = std::min(hour_end_, state_end_);
  rate_ = per_nanosecond_[hour_];
  if (!states_.empty()) rate_ *= states_[state_].weight;
  slope_ = 0;
  if (!curve_.empty()) bend();
}

// The curve's part of the segment.
void RateWalk::bend() {
  if (point_ == curve_.size()) {
    rate_ *= curve_.back().factor;
    return;
  }
  end_ = std::min(end_, curve_[point_].at.count());
  if (point_ == 0) {
    rate_ *= curve_.front().factor;
    return;
  }
  const RatePoint& from = curve_[point_ - 1];
  const RatePoint& to = curve_[point_];
  const double growth = (to.factor - from.factor) / static_cast<double>((to.at - from.at).count());
  slope_ = rate_ * growth;
  rate_ *= from.factor + growth * static_cast<double>(start_ - from.at.count());
}

void RateWalk::enter_state() {
  fare::RandomStream stream(key_, states_entered_);
  if (states_entered_++ == 0) {
    double rest = 0;
    for (const RateState& state : states_) rest += static_cast<double>(state.mean.count());
    rest *= stream.uniform();
    while (state_ + 1 < states_.size() &&
           rest >= static_cast<double>(states_[state_].mean.count())) {
      rest -= static_cast<double>(states_[state_++].mean.count());
    }
  } else {
    const std::uint64_t steps = 1 + stream.below(states_.size() - 1);
    state_ = (state_ + steps) % states_.size();
  }
  const auto mean = static_cast<double>(states_[state_].mean.count());
  const double lasts = std::ceil(fare::exponential(stream.uniform(), mean));
  const bool is_endless = lasts >= static_cast<double>(kNever - start_);
  state_end_ = is_endless ? kNever : start_ + static_cast<std::int64_t>(lasts);
}

}  // namespace routesim
