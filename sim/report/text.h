#pragma once

#include <string>  // std::string.

#include "report/table.h"  // Style.
#include "study/report.h"  // Report.

namespace routesim {

// The report for a terminal of 80 columns: the answer, the figures with intervals, and where the
// money went, and what was assumed.
std::string to_text(const Report& report, const Style& style);

}  // namespace routesim
