#pragma once

#include <nlohmann/json_fwd.hpp>  // nlohmann::ordered_json.

#include "study/budget_forecast.h"  // BudgetForecast.

namespace routesim {

// One budget for programs: money as exact decimal strings, what is not known null.
nlohmann::ordered_json budget_json(const BudgetForecast& one);

}  // namespace routesim
