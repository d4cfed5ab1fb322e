#include "fare/burn_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fare/check.h"

namespace fare {
namespace {

constexpr double kHour = 3.6e12;

// Two instants may be further apart than a Duration reaches.
Int128 nanoseconds_between(Instant from, Instant to) {
  return static_cast<Int128>(to.time_since_epoch().count()) - from.time_since_epoch().count();
}

Duration between(Instant from, Instant to) {
  return Duration(static_cast<std::int64_t>(
      std::min<Int128>(nanoseconds_between(from, to), Duration::max().count())));
}

double in_double(Duration time) { return static_cast<double>(time.count()); }

// `more` nanodollars on top; as far as kForecastMax.
Money plus(Money money, double more) {
  const double room = static_cast<double>((kForecastMax - money).count());
  return more < room ? money + Money(std::llround(more)) : kForecastMax;
}

}  // namespace

void BurnRate::pass(Duration time) {
  const double left = std::exp2(-in_double(time) / in_double(half_life_));
  spent_ *= left;
  time_ *= left;
}

void BurnRate::add(Money amount, Duration time) {
  pass(time);
  const double scale = in_double(half_life_) / std::numbers::ln2;
  const double weighed = -std::expm1(-in_double(time) / scale) * scale;
  time_ += weighed;
  const double mean_weight = time > Duration(0) ? weighed / in_double(time) : 1;
  spent_ += static_cast<double>(amount.count()) * mean_weight;
}

void BurnRate::observe(const BurnBooks& books, Instant now) {
  if (at_ && now < *at_) return;
  const Instant begin = books.window.begin;
  const bool is_rolling = books.rolling > Duration(0);
  if (!at_) {
    if (!is_rolling && begin <= now) add(books.used, between(begin, now));
  } else if (begin == begin_) {
    add(books.used - used_, between(*at_, now));
  } else if (is_rolling || begin < *at_ || begin > now) {
    pass(between(*at_, now));  // Nobody knows what of it was spent, and what fell out.
  } else {
    pass(between(*at_, begin));
    add(books.used, between(begin, now));
  }
  at_ = now;
  begin_ = begin;
  used_ = books.used;
}

std::optional<BurnForecast> BurnRate::forecast(const BurnBooks& books, Instant now) const {
  if (time_ * 4 < in_double(half_life_)) return std::nullopt;
  const double per_ns = std::max(0.0, spent_ / time_);
  const bool is_rolling = books.rolling > Duration(0);
  const bool has_end = is_rolling || books.window.end != kNever;
  BurnForecast forecast;
  forecast.per_hour = plus(Money(), per_ns * kHour);
  // Out of a rolling window falls, per length, what stands in it.
  const double used = static_cast<double>(books.used.count());
  const double growth = is_rolling ? per_ns - used / in_double(books.rolling) : per_ns;
  const double left =
      is_rolling ? in_double(books.rolling)
                 : static_cast<double>(std::max<Int128>(
                       0, nanoseconds_between(now, has_end ? books.window.end : kWindowsEnd)));
  if (has_end) {
    forecast.at_end = is_rolling ? plus(Money(), per_ns * left) : plus(books.used, per_ns * left);
  }
  if (books.used >= books.limit) {
    forecast.exhausted_at = now;
  } else if (growth > 0) {
    const double in = std::ceil(static_cast<double>((books.limit - books.used).count()) / growth);
    if (in <= left) forecast.exhausted_at = now + Duration(static_cast<std::int64_t>(in));
  }
  return forecast;
}

BurnSteps::BurnSteps(Options options) : options_(options) {
  FARE_CHECK(options.down_percent >= 1);
  FARE_CHECK(options.down_percent <= 1'000);
  FARE_CHECK(options.up_percent < options.down_percent);
  FARE_CHECK(options.step_time >= Duration(0));
}

std::uint32_t BurnSteps::update(const std::optional<BurnForecast>& forecast, Money limit,
                                std::uint32_t steps_max, Instant now) {
  steps_ = std::min(steps_, steps_max);
  if (!forecast || !forecast->at_end) return steps_;
  if (stepped_at_ && nanoseconds_between(*stepped_at_, now) < options_.step_time.count()) {
    return steps_;
  }
  const Int128 at_end = Int128{forecast->at_end->count()} * 100;
  const bool is_down = at_end > Int128{limit.count()} * options_.down_percent;
  const bool is_up = at_end < Int128{limit.count()} * options_.up_percent;
  if (is_down && steps_ < steps_max) {
    ++steps_;
    stepped_at_ = now;
  } else if (is_up && steps_ > 0) {
    --steps_;
    stepped_at_ = now;
  }
  return steps_;
}

}  // namespace fare
