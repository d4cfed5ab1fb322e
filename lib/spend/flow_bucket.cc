#include "spend/flow_bucket.h"

#include <algorithm>
#include <limits>

namespace fare {

Int128 FlowBucket::whole_units() const {
  const Int128 units = level_ / per_;
  return units - (units * per_ > level_ ? 1 : 0);
}

std::int64_t FlowBucket::level() const { return static_cast<std::int64_t>(whole_units()); }

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

void FlowBucket::change(const Flow& flow) {
  // In two parts, for their product would not fit.
  const Int128 units = whole_units();
  const Int128 rest = level_ - units * per_;
  const Int128 level = units * flow.per.count() + rest * flow.per.count() / per_;
  count_ = flow.count;
  per_ = flow.per.count();
  burst_ = flow.burst;
  level_ = std::min(full(), level);
}

void FlowBucket::lower(std::int64_t units) { level_ = std::min(level_, weight(units)); }

void FlowBucket::set_window(std::int64_t units, Instant window_end) {
  window_left_ = units;
  window_end_ = window_end;
}

}  // namespace fare
