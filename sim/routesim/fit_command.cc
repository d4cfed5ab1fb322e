#include "routesim/commands.h"

namespace routesim {

void add_fit_command(CLI::App& app, int& exit_code) {
  CLI::App* fit = app.add_subcommand("fit", "Fit what scenarios assume to what was measured");
  fit->footer(
      "Examples:\n"
      "  routesim fit latency sessions.jsonl.gz --format claude-code --out models.json\n"
      "  routesim fit traffic requests.csv --out scenario.json");
  fit->require_subcommand(1);
  add_fit_latency_command(*fit, exit_code);
  add_fit_traffic_command(*fit, exit_code);
}

}  // namespace routesim
