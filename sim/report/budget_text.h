#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

#include "fare/time.h"              // Instant.
#include "report/table.h"           // Style.
#include "study/budget_forecast.h"  // BudgetForecast.

namespace routesim {

// A forecast of budgets, with what it was made from.
struct BudgetReading {
  std::string scenario;
  std::string policy;
  fare::Instant start{};
  fare::Instant until{};  // So long was simulated.
  std::uint64_t seed = 0;
  std::vector<std::string> assumptions;
  std::vector<BudgetForecast> budgets;
};

// For a terminal of 80 columns: which budgets are likely to run out, and when, then all of them.
std::string to_text(const BudgetReading& reading, const Style& style);

// "routesim-budget-forecast/1".
std::string to_json(const BudgetReading& reading);

}  // namespace routesim
