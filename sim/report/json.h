#pragma once

#include <string>  // std::string.

#include "study/report.h"  // Report.

namespace routesim {

// The report for programs: money as exact decimal strings, keys in a fixed order, two blanks of
// indentation, a newline at the end.  What did not happen or is not there, such as "faults" of a
// model or "budgets" of a policy, has no key.  Deterministic: the same report gives the same bytes.
std::string to_json(const Report& report);

// A table for spreadsheets: one row for each policy and model and meter, class, and tenant, and one
// for a cascade's scores (group "judge"):
//   policy,group,name,meter,requests,tokens,usd
// with costs in exact dollars over all replications.
std::string to_csv(const Report& report);

}  // namespace routesim
