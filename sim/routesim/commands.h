#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "fare/expected.h"  // Errors.

namespace routesim {

// What a command ends with.
enum ExitCode : int {
  kGood = 0,
  kNo = 1,        // The answer is no: something has no price, a check found something.
  kBadInput = 2,  // The command line or a file is wrong; stderr says what to change.
};

// Adds one command to the program.  Its callback leaves the exit code in `exit_code`.
void add_run_command(CLI::App& app, int& exit_code);
void add_compare_command(CLI::App& app, int& exit_code);
void add_learn_command(CLI::App& app, int& exit_code);
void add_ope_command(CLI::App& app, int& exit_code);
void add_price_command(CLI::App& app, int& exit_code);
void add_price_list_command(CLI::App& price, int& exit_code);
void add_price_show_command(CLI::App& price, int& exit_code);
void add_cache_command(CLI::App& app, int& exit_code);
void add_budget_command(CLI::App& app, int& exit_code);
void add_budget_forecast_command(CLI::App& budget, int& exit_code);
void add_policy_command(CLI::App& app, int& exit_code);

// What is recorded, made into models: `fit` and its commands.
void add_fit_command(CLI::App& app, int& exit_code);
void add_fit_latency_command(CLI::App& fit, int& exit_code);
void add_fit_traffic_command(CLI::App& fit, int& exit_code);

// The upkeep of price tables: commands of `price`.
void add_price_diff_command(CLI::App& price, int& exit_code);
void add_price_disagree_command(CLI::App& price, int& exit_code);
void add_price_import_command(CLI::App& price, int& exit_code);
void add_price_lint_command(CLI::App& price, int& exit_code);

// Prints every error, a line each, to stderr; returns kBadInput.
int complain(const fare::Errors& errors);

}  // namespace routesim
