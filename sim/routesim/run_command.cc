#include <memory>

#include "routesim/commands.h"
#include "routesim/study_options.h"

namespace routesim {

void add_run_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StudyOptions>();
  auto policy = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("run", "What one policy costs on a scenario's traffic");
  command->footer(
      "Examples:\n"
      "  routesim run scenarios/conversation_day.json\n"
      "  routesim run scenarios/article_costs.json --policy tiered --json\n"
      "  routesim run scenarios/conversation_day.json --oracle\n"
      "Exit code: 0 done, 1 some of the cost has no price, 2 bad input.");
  add_study_options(*command, *options);
  command
      ->add_option("--policy", *policy, "By name or as a FILE.json; default: the scenario's first")
      ->type_name("NAME");
  command->callback([options, policy, &exit_code] {
    std::vector<std::string> names;
    if (!policy->empty()) names.push_back(*policy);
    exit_code = run_study(*options, names, 1);
  });
}

}  // namespace routesim
