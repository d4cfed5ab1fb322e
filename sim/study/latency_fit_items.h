#pragma once

#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "study/latency_fit_rows.h"  // LatencyRows.

namespace routesim {

// Which sessions' rows a fit or a comparison takes: by their number in the file.
enum class SessionHalf : std::uint8_t { kAll, kEven, kOdd };

// One row in milliseconds and thousands of tokens.
struct HostedItem {
  double total = 0;
  double first = -1;  // Below 0: not recorded.
  double later_tokens = 0;
  double new_k = 0;     // Of the input: not read from a cache,
  double cached_k = 0;  // and read from one.
  std::uint32_t session = 0;
};

// What a thousand tokens of input add to a first token, in milliseconds; at least 0.
struct InputEffect {
  double per_1k_new = 0;
  double per_1k_cached = 0;

  double operator()(const HostedItem& item) const {
    return per_1k_new * item.new_k + per_1k_cached * item.cached_k;
  }
  InputEffect times(double factor) const { return {per_1k_new * factor, per_1k_cached * factor}; }
};
using HostedItems = std::vector<HostedItem>;

// The rows of one model, in their order, but for those that took no time.
HostedItems hosted_items(const LatencyRows& rows, std::uint32_t model, SessionHalf half);

// The items session by session, in the order of their first appearance.
std::vector<HostedItems> by_session(std::span<const HostedItem> items);

// Linear between the order statistics.  REQUIRES: `values` is not empty; `shares` rise in [0, 1].
// Reorders `values`.  O(values * shares).
std::vector<double> quantiles_of(std::span<double> values, std::span<const double> shares);

}  // namespace routesim
