#include "spend/flow_bucket.h"

#include <algorithm>
#include <limits>

namespace fare {

std::int64_t FlowBucket::level() const {
  const Int128 units = level_ / per_;
  return static_cast<std::int64_t>(units - (units * per_ > level_ ? 1 : 0));
}

void FlowBucket::advance(Instant now) {
  if (now <= at_) return;
  // Two instants may be further apart than a Duration reaches.
  const Int128 passed =
      static_cast<Int128>(now.time_since_epoch().count()) - at_.time_since_epoch().count();
  level_ = std::min(full(), level_ + passed * count_);
  at_ = now;
}

std::optional<Instant> FlowBucket::ready_at(std::int64_t units) const {
  const Int128 missing = std::max<Int128>(0, weight(units) - level_);
  const Int128 at = at_.time_since_epoch().count() + (missing + count_ - 1) / count_;
  if (at > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  const Instant refilled(Duration(static_cast<std::int64_t>(at)));
  const bool waits_for_window = is_in_window() && units > window_left_;
  return waits_for_window ? std::max(refilled, window_end_) : refilled;
}

void FlowBucket::correct(std::int64_t more) {
  level_ = std::min(full(), level_ - weight(more));
  // What comes back was perhaps taken in an earlier window: it does not widen this one.
  if (is_in_window() && more > 0) window_left_ -= more;
}

void FlowBucket::lower(std::int64_t units) { level_ = std::min(level_, weight(units)); }

void FlowBucket::set_window(std::int64_t units, Instant window_end) {
  window_left_ = units;
  window_end_ = window_end;
}

}  // namespace fare
