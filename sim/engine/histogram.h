#pragma once

#include <bit>      // std::bit_width.
#include <cstdint>  // std::uint64_t.
#include <vector>   // std::vector.

#include "fare/time.h"  // Duration.

namespace routesim {

// Durations counted in buckets whose width is 1/128 of their value, so a quantile is within 0.8 %
// of the recorded one.  Integers throughout: merging and order of recording change nothing. Not
// thread-safe.  Fixed memory: 60 KiB.
class Histogram {
 public:
  Histogram() : counts_(kBuckets) {}

  // REQUIRES: duration >= 0.
  void record(fare::Duration duration) {
    ++counts_[bucket_of(static_cast<std::uint64_t>(duration.count()))];
    ++count_;
  }

  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }

  // The duration that `share` (0 to 1) of the records do not exceed: the record of rank
  // ceil(share * count), the records of a bucket taken as evenly spread over it.
  // REQUIRES: count() > 0.
  fare::Duration quantile(double share) const;

 private:
  static constexpr unsigned kMantissaBits = 7;
  static constexpr std::uint64_t kExact = std::uint64_t{1} << kMantissaBits;
  static constexpr std::size_t kBuckets = (65 - kMantissaBits) * kExact;

  // Values below 128 have a bucket each; above, the top eight bits select one.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kExact) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kMantissaBits - 1;
    return (shift + 1) * kExact + (value >> shift) - kExact;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
};

}  // namespace routesim
