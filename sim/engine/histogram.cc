#include "engine/histogram.h"

#include <algorithm>
#include <cmath>

#include "fare/check.h"
#include "fare/quantity.h"

namespace routesim {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

fare::Duration Histogram::quantile(double share) const {
  FARE_CHECK(count_ > 0);
  FARE_CHECK(share >= 0);
  FARE_CHECK(share <= 1);
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::size_t bucket = 0;
  std::uint64_t before = 0;
  while (before + counts_[bucket] < rank) before += counts_[bucket++];
  if (bucket < kExact) return fare::Duration(static_cast<std::int64_t>(bucket));
  const std::size_t shift = bucket / kExact - 1;
  const std::uint64_t low = (bucket % kExact + kExact) << shift;
  // (2 k - 1) / (2 n) of the width for record k of n; 128 bits, for the widest bucket spans 2^56.
  const fare::Int128 width = fare::Int128{1} << shift;
  const fare::Int128 offset = width * static_cast<std::int64_t>(2 * (rank - before) - 1) /
                              static_cast<std::int64_t>(2 * counts_[bucket]);
  return fare::Duration(static_cast<std::int64_t>(low + static_cast<std::uint64_t>(offset)));
}

}  // namespace routesim
