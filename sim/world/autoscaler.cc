#include "world/autoscaler.h"

#include <algorithm>
#include <cmath>

#include "fare/check.h"

namespace routesim {

std::int64_t replicas_wanted(const Autoscaling& scaling, std::int64_t requests,
                             std::int64_t places) {
  FARE_CHECK(requests >= 0);
  FARE_CHECK(places >= 1);
  const double each = scaling.target_utilisation * static_cast<double>(places);
  const auto wanted = static_cast<std::int64_t>(std::ceil(static_cast<double>(requests) / each));
  return std::clamp(wanted, scaling.replicas_min, scaling.replicas_max);
}

Autoscaler::Autoscaler(const Autoscaling& scaling) : scaling_(scaling) {
  FARE_CHECK(scaling.replicas_min >= 0);
  FARE_CHECK(scaling.replicas_min <= scaling.replicas_max);
  FARE_CHECK(scaling.target_utilisation >= 0.01);
  FARE_CHECK(scaling.target_utilisation <= 1);
  FARE_CHECK(scaling.period.count() > 0);
  FARE_CHECK(scaling.cold_start.count() >= 0);
  FARE_CHECK(scaling.scale_in_delay.count() >= 0);
}

fare::Duration Autoscaler::next_after(fare::Duration now) const {
  FARE_CHECK(now.count() >= 0);
  return (now / scaling_.period + 1) * scaling_.period;
}

std::int64_t Autoscaler::decide(fare::Duration now, std::int64_t requests, std::int64_t places,
                                std::int64_t replicas) {
  const std::int64_t wanted = replicas_wanted(scaling_, requests, places);
  if (wanted >= replicas) {
    enough_since_.reset();
    return wanted;
  }
  if (!enough_since_) enough_since_ = now;
  if (now - *enough_since_ < scaling_.scale_in_delay) return replicas;
  enough_since_.reset();
  return wanted;
}

}  // namespace routesim
