#pragma once

#include <cstdint>  // std::uint32_t.
#include <vector>   // std::vector.

#include "traffic/arrival.h"  // Arrival.

namespace routesim {

// Requests that follow from others and are still to come, each in a slot that is used again.
// Memory grows with the most that were ever due at a time.
class DueArrivals {
 public:
  // The slot that it waits in.
  std::uint32_t put(const Arrival& arrival) {
    if (free_.empty()) {
      arrivals_.push_back(arrival);
      return static_cast<std::uint32_t>(arrivals_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    arrivals_[slot] = arrival;
    return slot;
  }

  // REQUIRES: something waits there.
  Arrival take(std::uint32_t slot) {
    free_.push_back(slot);
    return arrivals_[slot];
  }

 private:
  std::vector<Arrival> arrivals_;
  std::vector<std::uint32_t> free_;
};

}  // namespace routesim
