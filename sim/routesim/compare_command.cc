#include <memory>

#include "routesim/commands.h"
#include "routesim/study_options.h"

namespace routesim {

void add_compare_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StudyOptions>();
  auto policies = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(
      "compare", "Which of two policies is cheaper, by how much, and at what price in quality");
  command->footer(
      "Both policies meet the same requests and the same luck, so their difference is paired.\n"
      "Examples:\n"
      "  routesim compare scenarios/conversation_day.json\n"
      "  routesim compare scenarios/article_costs.json --policy average --policy tiered_cached\n"
      "  routesim compare scenarios/conversation_day.json --policy tiered --policy new.json\n"
      "  routesim compare scenarios/conversation_day.json --trace trace.csv.gz --out report\n"
      "Exit code: 0 done, 1 some of the cost has no price, 2 bad input.");
  add_study_options(*command, *options);
  command
      ->add_option("--policy", *policies,
                   "Twice: the policy to start from, and the other one, by name or "
                   "as a FILE.json; "
                   "default: the scenario's first two")
      ->type_name("NAME")
      ->take_all();
  command->callback([options, policies, &exit_code] {
    if (!policies->empty() && policies->size() != 2) {
      exit_code =
          complain({{fare::ErrorCode::kOutOfRange, "--policy",
                     "name two policies to compare, or none for the scenario's first two"}});
      return;
    }
    exit_code = run_study(*options, *policies, 2);
  });
}

}  // namespace routesim
