#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.

#include "fare/time.h"  // Duration.

namespace routesim {

// How many replicas a pool keeps.  With replicas_min == replicas_max nothing ever changes.
struct Autoscaling {
  std::int64_t replicas_min = 1;  // There from the start; in [0, replicas_max].
  std::int64_t replicas_max = 1;  // In [0, 10,000].
  // Requests in the pool, running and waiting, for each place of its replicas; in [0.01, 1].
  double target_utilisation = 0.7;
  fare::Duration period = std::chrono::seconds(15);           // Between decisions; above 0.
  fare::Duration cold_start = std::chrono::seconds(120);      // From asking to serving; >= 0.
  fare::Duration scale_in_delay = std::chrono::seconds(300);  // How long less must be enough.
};

// The replicas that keep utilisation at or below the target: ceil(requests / (target * places)),
// within the bounds.  The rule of Kubernetes' horizontal pod autoscaler (ceil(current * utilisation
// / target)) without its tolerance.  REQUIRES: requests >= 0, places >= 1.
std::int64_t replicas_wanted(const Autoscaling& scaling, std::int64_t requests,
                             std::int64_t places);

// Decides at whole multiples of the period.  A value; not thread-safe.
class Autoscaler {
 public:
  explicit Autoscaler(const Autoscaling& scaling);  // REQUIRES: in range.

  // The first instant of decision after `now`.  REQUIRES: now >= 0.
  fare::Duration next_after(fare::Duration now) const;

  // How many replicas there should be, given those that run or start: more at once, fewer only
  // after they would have been enough at every decision for scale_in_delay.
  // REQUIRES: `now` is not before any earlier one.
  std::int64_t decide(fare::Duration now, std::int64_t requests, std::int64_t places,
                      std::int64_t replicas);

 private:
  Autoscaling scaling_;
  std::optional<fare::Duration> enough_since_;
};

}  // namespace routesim
