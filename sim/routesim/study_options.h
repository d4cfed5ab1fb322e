#pragma once

#include <CLI/CLI.hpp>
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "report/table.h"    // Style.
#include "study/scenario.h"  // ScenarioOverrides.

namespace routesim {

// The options that every command that simulates has.
struct StudyOptions {
  std::string scenario;
  ScenarioOverrides overrides;
  unsigned threads = 0;  // 0: as many as the machine has.
  bool json = false;
  bool quiet = false;
  bool oracle = false;  // Also what the policies' requests would cost at the least.
  std::string out;      // A folder for report.json, report.csv, report.html; empty: none.
};

// Adds them to a command, all or all but `out`; `options` must outlive it.
void add_study_options(CLI::App& command, StudyOptions& options);
void add_simulation_options(CLI::App& command, StudyOptions& options);

// Whether standard output shows colours.
Style style_of_stdout();

// Loads the scenario, runs the named policies, prints and writes the report; returns the exit code.
// A name that ends in ".json" is a file.  No names: the scenario's first policies, `count` of them.
int run_study(const StudyOptions& options, const std::vector<std::string>& policies,
              std::size_t count);

}  // namespace routesim
