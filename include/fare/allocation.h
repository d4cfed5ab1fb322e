#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/money.h"  // Cost.

namespace fare {

// Which target should serve how much of which class, if all of a period's traffic were known: the
// least that any router can spend under the same floors and rate limits.  Reports call it "oracle".

// A period's traffic, and what may serve it.
struct AllocationQuestion {
  std::vector<std::int64_t> requests;  // By class; 0 to 1e12 each.
  std::vector<std::optional<std::int64_t>>
      capacity;  // By target: requests, 0 to 1e12; or no limit.
  // By class, then target: what one request costs, 0 to 10,000 dollars; nothing where the target
  // may not serve the class: below the floor, too slow, without capability or price.
  std::vector<std::optional<Cost>> cost;
};

struct Allocation {
  // Whether everything can be served.  If not, the rest is what is served at most, at the least
  // cost for that much.
  bool is_feasible = false;
  std::int64_t unserved = 0;       // Requests for which there is no room.
  Cost cost;                       // Exact: the sum of flow * cost.
  std::vector<std::int64_t> flow;  // By class, then target, as AllocationQuestion::cost.
};

// A limit in tokens as one in requests: as many as the least tokens that a request of any class it
// may serve takes let through.  With it the cost stays a lower bound, but where classes differ in
// length it is not always one that can be reached.  REQUIRES: tokens >= 0, tokens_per_request > 0.
[[nodiscard]] std::int64_t capacity_of_tokens(std::int64_t tokens, std::int64_t tokens_per_request);

// The cheapest allocation that serves as much as can be served: a minimum-cost flow from classes to
// targets (successive shortest paths, Ahuja, Magnanti, Orlin: "Network Flows", 1993, 9.7).  All
// integers: exact.  O(classes * targets) augmentations at most in practice, each a Dijkstra; some
// milliseconds for 64 classes and 100 targets.  REQUIRES: everything in its range, at most 65
// classes and 1,000 targets, as many costs as classes times targets.
[[nodiscard]] Allocation allocate(const AllocationQuestion& question);

}  // namespace fare
