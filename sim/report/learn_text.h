#pragma once

#include <string>  // std::string.

#include "report/table.h"        // Style.
#include "study/learn_report.h"  // LearnReport.

namespace routesim {

// How a model did beside the baselines, for people.
std::string to_text(const LearnReport& report, const Style& style);

// The same in full: every figure with its interval, {"value", "low", "high"}; null where it has no
// meaning.
std::string to_json(const LearnReport& report);

// Standalone SVG pictures; empty if the report has nothing to show in them.
std::string deferral_svg(const LearnReport& report);     // Share to the strong model against PGR.
std::string calibration_svg(const LearnReport& report);  // Forecast against truth.
std::string front_svg(const LearnReport& report);        // Mean cost against mean quality.

}  // namespace routesim
