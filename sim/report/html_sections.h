#pragma once

#include <string>  // std::string.

#include "report/markup.h"  // Markup.
#include "study/report.h"   // Metric, PolicyReport, Report.

namespace routesim {

// The parts of the HTML report, each as finished HTML; "" where there is nothing to say.

// Above all: what must be known before trusting the answer.
std::string caveats_box(const Report& report);

// Said wherever a cost stands: one that is not whole must not pass for one.
std::string price_warning(const Report& report);

// The answer as pictures: what each policy costs by model, and the difference against zero.
std::string answer_section(const Report& report);

// Every figure: what changes, with intervals, as pictures, then the table.
std::string figures_section(const Report& report);

// Every dollar by model and meter, class and tenant, to the last digit.
std::string money_section(const Report& report);

// How long answers take; how good they are and how often there is none.
std::string latency_section(const Report& report);
std::string quality_section(const Report& report);

// What became of the requests; how the attempts at each model failed or waited.
std::string counts_section(const Report& report);
std::string faults_section(const Report& report);

// How the windows of budgets end; what GPUs of one's own did and cost.
std::string budgets_section(const Report& report);
std::string pools_section(const Report& report);

// What it rests on, how to read it, and what identifies the run.
std::string assumptions_section(const Report& report);
std::string identity_section(const Report& report);

// A policy's figure, or why it has none.
Markup value_cell(const PolicyReport& policy, Metric metric);

// "one replication", "mean of 10 replications".
std::string mean_words(const Report& report);

}  // namespace routesim
