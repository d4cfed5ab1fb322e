#pragma once

#include <functional>  // std::function.
#include <optional>    // std::optional.
#include <string>      // std::string.
#include <vector>      // std::vector.

#include "base/json_reader.h"  // JsonNode.
#include "fare/budget.h"       // BudgetConfig.
#include "fare/config.h"       // SpentBefore.

namespace routesim {

// Who pays for a simulation's requests, and out of what.
struct Spending {
  fare::BudgetConfig budgets;
  // The scopes of each request, where "{tenant}" stands for its tenant: the end of a chain, then
  // side scopes.
  std::vector<std::string> scopes;
  std::vector<fare::SpentBefore> before;  // What was spent when the run begins.
  // The cap on output that callers send, where a request has none of its own: with it a strict
  // budget knows what a request may cost.
  std::optional<fare::Tokens> max_output;
};

// Reads a variant's "spending":
//   {"budgets": BUDGETS or "file.json", "scopes": ["team:{tenant}"],
//    "max_output_tokens": 1000,
//    "spent": [{"scope": "acme", "budget": "month", "usd": "1234.50"}]}
// `load` gives the text of a file named in it.  Anything wrong is recorded in the node's Problems.
std::optional<Spending> read_spending(
    const fare::JsonNode& node,
    const std::function<std::optional<std::string>(const std::string&)>& load);

// The scope ids of a tenant's requests.
std::vector<std::string> scopes_of(const Spending& spending, const std::string& tenant);

// The budgets, where each scope of these tenants that only a template stands for is listed by
// itself, behind the others: so their windows are known from the start of a run.
fare::BudgetConfig budgets_for(const Spending& spending, const std::vector<std::string>& tenants);

}  // namespace routesim
