#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "base/nearest.h"
#include "routesim/commands.h"

namespace {

// The parser would only say that a command is missing.
bool is_unknown_command(const CLI::App& app, const char* word) {
  const std::string name(word);
  if (name.empty() || name.front() == '-') return false;
  std::vector<std::string_view> known;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == name) return false;
    known.push_back(command->get_name());
  }
  const std::string hint = fare::did_you_mean(fare::nearest(name, known));
  routesim::complain({{fare::ErrorCode::kUnknownName, "routesim",
                       fmt::format("\"{}\" is not a command{}", name, hint)}});
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = routesim::kGood;
  CLI::App app{"routesim replays traffic through the fare router and tells what it costs."};
  app.footer(
      "Examples:\n"
      "  routesim compare scenarios/conversation_day.json --out report\n"
      "  routesim price quote --model claude-haiku-4-5 --usage '{\"input\": 500, \"output\": "
      "100}'\n"
      "  routesim COMMAND --help");
  app.require_subcommand(1);
  app.set_version_flag("--version", "routesim 0.1.0");
  try {
    routesim::add_run_command(app, exit_code);
    routesim::add_compare_command(app, exit_code);
    routesim::add_price_command(app, exit_code);
    routesim::add_cache_command(app, exit_code);
    routesim::add_budget_command(app, exit_code);
    routesim::add_learn_command(app, exit_code);
    routesim::add_fit_command(app, exit_code);
    if (argc > 1 && is_unknown_command(app, argv[1])) return routesim::kBadInput;
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // Prints help, version or what is wrong.
    return code == 0 ? routesim::kGood : routesim::kBadInput;
  } catch (const std::exception& error) {
    return routesim::complain({{fare::ErrorCode::kIo, "routesim", error.what()}});
  }
  return exit_code;
}
