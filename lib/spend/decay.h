#pragma once

#include <cmath>  // std::exp2.

#include "fare/quantity.h"  // Int128.
#include "fare/time.h"      // Instant, Duration.

namespace fare {

// What is left at `now` of a weight of one at `then`; one if `now` is earlier.
inline double decay(Instant then, Instant now, Duration half_life) {
  // Two instants may be further apart than a Duration reaches.
  const Int128 age =
      static_cast<Int128>(now.time_since_epoch().count()) - then.time_since_epoch().count();
  if (age <= 0) return 1;
  return std::exp2(-static_cast<double>(age) / static_cast<double>(half_life.count()));
}

}  // namespace fare
