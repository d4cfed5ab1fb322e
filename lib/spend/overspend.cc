#include "fare/overspend.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fare/check.h"

namespace fare {

Money overspend_bound(const OpenReservations& open, double confidence) {
  FARE_CHECK(open.quantile >= 0);
  FARE_CHECK(open.quantile <= 1);
  FARE_CHECK(confidence > 0);
  FARE_CHECK(confidence < 1);
  FARE_CHECK(open.excess_max >= Money());
  const auto count = static_cast<double>(open.count);
  const double mean = count * (1 - open.quantile);
  const double c = -std::log1p(-confidence);
  const double above = c / 3 + std::sqrt(c * c / 9 + 2 * c * mean * open.quantile);
  // Rounded up, and a little more for what the doubles lost.
  const double exceeding = std::min(count, std::ceil((mean + above) * (1 + 1e-12)));
  const Int128 bound = static_cast<Int128>(exceeding) * open.excess_max.count();
  FARE_CHECK(bound <= std::numeric_limits<std::int64_t>::max());
  return Money(static_cast<std::int64_t>(bound));
}

}  // namespace fare
