#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "report/budget_text.h"
#include "routesim/commands.h"
#include "routesim/progress.h"
#include "routesim/study_options.h"
#include "study/budget_watch.h"
#include "study/report.h"

namespace routesim {
namespace {

using fare::ErrorCode;

struct ForecastOptions {
  StudyOptions study;
  std::string policy;
  int days_max = 40;
};

fare::Expected<const Variant*> variant_with_budgets(const Scenario& scenario,
                                                    const ForecastOptions& options) {
  for (const Variant& variant : scenario.variants) {
    if (!variant.spending) continue;
    if (options.policy.empty() || variant.name == options.policy) return &variant;
  }
  const std::string which =
      options.policy.empty() ? "no policy" : fmt::format("no policy \"{}\"", options.policy);
  return fare::fail(ErrorCode::kMissingKey, options.study.scenario,
                    fmt::format("has {} with budgets: give it the key \"spending\"", which));
}

// Synthetic traffic goes on until the last window ends, at most `days_max`; what was recorded, or
// counted in requests, is what it is.
void lengthen(Scenario& scenario, const Variant& variant, int days_max) {
  SyntheticArrivals& arrivals = scenario.traffic.arrivals;
  const bool is_recorded = scenario.traffic.trace || scenario.traffic.recorded ||
                           arrivals.process == SyntheticArrivals::Process::kClients;
  if (is_recorded || arrivals.requests > 0) return;
  const std::optional<fare::Instant> end = last_window_end(scenario, variant);
  if (!end) return;
  const fare::Duration most = std::chrono::hours(24) * days_max;
  arrivals.length = std::min(*end - scenario.start, most);
}

int run_forecast(const ForecastOptions& options) {
  fare::Expected<Scenario> scenario =
      load_scenario(options.study.scenario, options.study.overrides);
  if (!scenario) return complain(scenario.error());
  const fare::Expected<const Variant*> variant = variant_with_budgets(*scenario, options);
  if (!variant) return complain(variant.error());
  lengthen(*scenario, **variant, options.days_max);
  const unsigned threads = options.study.threads > 0
                               ? options.study.threads
                               : std::max(1u, std::thread::hardware_concurrency());
  std::atomic<std::uint64_t> done{0};
  BudgetReading reading;
  reading.scenario = scenario->name;
  reading.policy = (*variant)->name;
  reading.start = scenario->start;
  reading.until = scenario->start + span_of(scenario->traffic);
  reading.seed = scenario->seed;
  reading.assumptions = scenario->assumptions;
  {
    const double expected = expected_requests(scenario->traffic) * scenario->replications;
    const Progress progress(done, expected, !options.study.quiet);
    reading.budgets = forecast_budgets(*scenario, **variant, threads, done);
  }
  const std::string text =
      options.study.json ? to_json(reading) : to_text(reading, style_of_stdout());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

}  // namespace

void add_budget_forecast_command(CLI::App& budget, int& exit_code) {
  auto options = std::make_shared<ForecastOptions>();
  CLI::App* command =
      budget.add_subcommand("forecast", "Which budgets will run out, how likely, and when");
  command->footer(
      "Simulates until the budgets' windows end.  P10, P50, P90: what is spent by then at the end\n"
      "of the window; spent: what the scenario says was spent before.\n"
      "Examples:\n"
      "  routesim budget forecast scenarios/november_budget.json\n"
      "  routesim budget forecast scenarios/november_budget.json --replications 50 --json\n"
      "Exit code: 0 done, 2 bad input.");
  add_simulation_options(*command, options->study);
  command->add_option("--policy", options->policy, "Default: the scenario's first with budgets")
      ->type_name("NAME");
  command->add_option("--days-max", options->days_max, "Simulate at most so many days")
      ->check(CLI::Range(1, 3'650));
  command->callback([options, &exit_code] { exit_code = run_forecast(*options); });
}

}  // namespace routesim
