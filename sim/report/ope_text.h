#pragma once

#include <string>  // std::string.

#include "report/table.h"      // Style.
#include "study/ope_report.h"  // OpeReport.

namespace routesim {

// What a policy is worth by a log, the answer first; 80 columns.
std::string to_text(const OpeReport& report, const Style& style);

// The same in full: every figure as {"value", "error", "low", "high"}; null where nothing is known.
std::string to_json(const OpeReport& report);

}  // namespace routesim
