#pragma once

#include <cstdint>  // std::uint64_t.
#include <map>      // std::map.
#include <string>   // std::string.

#include "fare/expected.h"    // Expected.
#include "fare/money.h"       // Cost.
#include "fare/price_book.h"  // PriceBook.

namespace routesim {

// What some requests cost under two states of the price tables.  Only a request that both price
// counts in `before` and `after`, so that their difference is that of prices alone.
struct ReplayedSpend {
  std::uint64_t requests = 0;  // All.
  fare::Cost before;
  fare::Cost after;
  std::uint64_t gained = 0;    // Requests that only the new tables price,
  fare::Cost gained_cost;      // and what they cost there.
  std::uint64_t lost = 0;      // Requests that only the old tables price,
  fare::Cost lost_cost;        // and what they cost there.
  std::uint64_t unpriced = 0;  // Requests that neither prices wholly.

  ReplayedSpend& operator+=(const ReplayedSpend& other);
};

struct UsageReplay {
  ReplayedSpend total;
  std::map<std::string, ReplayedSpend> by_model;   // "provider/model", or the name as logged.
  std::map<std::string, ReplayedSpend> by_tenant;  // "" where the log names none.
};

// Prices a log twice.  A line is {"model", "provider"?, "at", "tenant"?, "tier"?, "speed"?,
// "region"?, "usage": {canonical meters}}; gzip will do.  Errors: every line that is not one, up to
// a hundred.
[[nodiscard]] fare::Expected<UsageReplay> replay_usage(const std::string& path,
                                                       const fare::PriceBook& before,
                                                       const fare::PriceBook& after);

}  // namespace routesim
