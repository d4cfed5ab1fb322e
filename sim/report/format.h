#pragma once

#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/money.h"      // Cost.
#include "study/estimate.h"  // Estimate.
#include "study/report.h"    // Metric, Report.

namespace routesim {

// Numbers for people; the JSON has them in full.

// What a metric is called in tables: "first token p50".
std::string_view label(Metric metric);

// "$1,234.56"; more decimals for small sums, so that nothing that costs looks free.
std::string dollars_text(fare::Cost cost);
std::string dollars_text(double dollars);

// Whether the metric is a share or a probability, whose differences are points.
bool is_share(Metric metric);

// A value of the metric with its unit: "$5.20", "612 ms", "98.7 %", "0.912".
std::string value_text(Metric metric, double value);

// The same for a difference, with its sign; exactly zero is "0".
std::string difference_text(Metric metric, double value);

// "± $1.20", "± 0" where all replications were equal, "" where there was only one.
std::string interval_text(Metric metric, const Estimate& estimate);

// "12,345"
std::string count_text(std::uint64_t count);

// Breaks at blanks so that no line is wider than a terminal; each line begins with `indent`.  "±"
// stays with its number.
std::string wrapped(const std::string& text, const std::string& indent);

// "24 h", "58 min 22 s".
std::string span_text(fare::Duration span);

// "2026-11-28 14:05 UTC": nobody plans by the second.
std::string instant_text(fare::Instant at);

// What the policies are called: their names, with a letter where a policy is compared with itself.
std::vector<std::string> policy_labels(const Report& report);

// The answer to "which is cheaper, by how much" in one or two sentences, for a comparison; what the
// policy costs, for a run.
std::string answer_text(const Report& report);

}  // namespace routesim
