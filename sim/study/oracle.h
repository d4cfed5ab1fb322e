#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/expected.h"   // Expected.
#include "fare/money.h"      // Cost.
#include "study/scenario.h"  // Scenario, Variant.

namespace routesim {

// The least that serving a scenario's requests can cost under a policy's floors, bounds and rate
// limits, if all of its traffic were known beforehand (fare/allocation.h).
struct Oracle {
  std::string policy;
  std::int64_t requests = 0;  // Of one replication, as expected, each class rounded down.
  std::int64_t unserved = 0;  // Of these: rate limits leave no room, or no target will do.
  fare::Cost cost;            // Of all that are served.
};

// The oracle of a policy.  A class costs with a target what its mean request costs there, means
// rounded down to whole tokens, at the cheapest half hour of the first week.  Whole answers from
// the gateway's cache are free; failures, cold starts and budgets are left out.
//
// So no router's expected cost of serving as much is below it where lengths are constant in each
// class; where they vary, requests that are shorter than the mean may meet a bound on latency or
// length that the mean does not.  Prices are those of a cold prompt cache.
//
// Errors, as then it would be no bound: sessions, whose prompts grow; a world with prompt caches; a
// rule with a cascade, which meets its floor by asking twice; steps that cap tokens; conditions on
// tags, language or scopes, which simulated requests do not have.
[[nodiscard]] fare::Expected<Oracle> oracle_of(const Scenario& scenario, const Variant& variant);

}  // namespace routesim
