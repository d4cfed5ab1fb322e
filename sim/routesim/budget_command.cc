#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "fare/budget.h"
#include "routesim/commands.h"
#include "study/files.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 80;
constexpr std::string_view kFormat = "routesim-budget-check/1";

struct CheckOptions {
  std::string config;
  bool json = false;
};

// What is said of one place in one file; checks of other files may add theirs.
struct Finding {
  std::string code;
  std::string place;  // "FILE#/scopes/0".
  std::string message;
};

std::size_t budgets_of(const fare::BudgetConfig& config) {
  std::size_t count = 0;
  for (const fare::Scope& scope : config.scopes) count += scope.budgets.size();
  return count;
}

// "1 scope", "2 scopes".
std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// Breaks a text at blanks so that no line is wider than the terminal; a longer word stays whole.
std::string wrapped(std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string out;
  std::string line = margin;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (line.size() > indent && line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line = margin;
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

std::vector<Finding> budget_findings(const fare::BudgetConfig& config, std::string_view file) {
  std::vector<Finding> findings;
  for (fare::BudgetFinding& one : fare::check(config)) {
    findings.push_back(
        {std::move(one.code), fmt::format("{}#{}", file, one.where), std::move(one.message)});
  }
  return findings;
}

std::string check_text(const fare::BudgetConfig& config, const std::vector<Finding>& findings) {
  const std::string size = fmt::format("{}, {}", counted(config.scopes.size(), "scope"),
                                       counted(budgets_of(config), "budget"));
  if (findings.empty()) return wrapped(fmt::format("fine: {} ({})", config.name, size), 0);
  std::string text = wrapped(
      fmt::format("{} in {} ({})", counted(findings.size(), "finding"), config.name, size), 0);
  for (const Finding& finding : findings) {
    text += fmt::format("  {} at {}\n", finding.code, finding.place);
    text += wrapped(finding.message, 4);
  }
  return text;
}

std::string check_json(const fare::BudgetConfig& config, const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back(
        {{"code", finding.code}, {"where", finding.place}, {"message", finding.message}});
  }
  const Json json = {{"format", kFormat},
                     {"fine", findings.empty()},
                     {"name", config.name},
                     {"scopes", config.scopes.size()},
                     {"budgets", budgets_of(config)},
                     {"findings", std::move(list)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int run_check(const CheckOptions& options) {
  const fare::Expected<std::string> text = read_file(options.config);
  if (!text) return complain(text.error());
  const fare::Expected<fare::BudgetConfig> config = fare::parse_budgets(options.config, *text);
  if (!config) return complain(config.error());
  const std::vector<Finding> findings = budget_findings(*config, options.config);
  const std::string out =
      options.json ? check_json(*config, findings) : check_text(*config, findings);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return findings.empty() ? kGood : kNo;
}

}  // namespace

void add_budget_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* budget = app.add_subcommand("budget", "Ask about budgets");
  budget->require_subcommand(1);
  CLI::App* check = budget->add_subcommand("check", "What a budget file will hardly mean");
  check->footer(
      "Findings: child_above_parent, never_resets, zero_limit, request_above_limit,\n"
      "raise_never_holds, release_breaks_strict, unlimited_scope, guarantees_above_parent,\n"
      "guarantee_above_limit, empty_share, unshared_child.\n"
      "Examples:\n"
      "  routesim budget check scenarios/budgets/acme.json\n"
      "  routesim budget check budgets.json --json\n"
      "Exit code: 0 fine, 1 there are findings, 2 bad input.");
  check->add_option("CONFIG", options->config, "A file of format fare-budgets/1")->required();
  check->add_flag("--json", options->json, "Print JSON instead of text");
  check->callback([options, &exit_code] { exit_code = run_check(*options); });
}

}  // namespace routesim
