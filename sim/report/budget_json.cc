#include "report/budget_json.h"

#include <nlohmann/json.hpp>

namespace routesim {

nlohmann::ordered_json budget_json(const BudgetForecast& one) {
  using Json = nlohmann::ordered_json;
  const bool has_end = one.window.end != fare::kNever;
  return {
      {"scope", one.scope},
      {"budget", one.budget},
      {"mode", fare::to_string(one.mode)},
      {"window",
       {{"from", fare::to_rfc3339(one.window.begin)},
        {"until", has_end ? Json(fare::to_rfc3339(one.window.end)) : Json()},
        {"is_over", one.is_over}}},
      {"limit_usd", fare::to_usd(one.limit)},
      {"spent_usd", fare::to_usd(one.spent_before)},
      {"p10_usd", fare::to_usd(one.p10)},
      {"p50_usd", fare::to_usd(one.p50)},
      {"p90_usd", fare::to_usd(one.p90)},
      {"replications", one.replications},
      {"exhausted", one.exhausted},
      {"exhaustion_probability", one.probability.value},
      {"exhaustion_interval", {one.probability.low, one.probability.high}},
      {"exhausted_at", one.exhausted_mean ? Json(fare::to_rfc3339(*one.exhausted_mean)) : Json()}};
}

}  // namespace routesim
