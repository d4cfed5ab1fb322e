#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace routesim {

// A scope of a budget file with one budget, which is called as its window is.
inline nlohmann::json budget_scope(const std::string& id, const std::string& kind,
                                   const std::string& window, const std::string& limit_usd) {
  return {{"id", id},
          {"kind", kind},
          {"budgets",
           {{{"id", window},
             {"limit_usd", limit_usd},
             {"window", {{"kind", window}, {"zone", "UTC"}}}}}}};
}

// A policy's "spending": each tenant pays from a team's scope, at most 2,000 tokens of output.
inline nlohmann::json spending_of(const nlohmann::json& scopes) {
  return {{"budgets", {{"format", "fare-budgets/1"}, {"name", "b"}, {"scopes", scopes}}},
          {"scopes", {"team:{tenant}"}},
          {"max_output_tokens", 2'000}};
}

}  // namespace routesim
