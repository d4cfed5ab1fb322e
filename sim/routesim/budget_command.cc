#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "fare/budget.h"
#include "fare/policy_check.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "study/files.h"
#include "study/policy_files.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 80;
constexpr std::string_view kFormat = "routesim-budget-check/1";

// What a policy's check finds that bears on money; the others belong to `policy check`.
constexpr std::array<std::string_view, 6> kPolicyCodes = {
    "unknown_model", "unpriced_target",     "unreachable_rung",
    "idle_trigger",  "attempt_above_limit", "request_above_limit"};

struct CheckOptions {
  std::string config;
  std::string policy;
  std::string prices;
  std::string at;
  bool json = false;
};

// What is said of one place in one file.
struct Finding {
  std::string code;
  std::string place;  // "FILE#/scopes/0".
  std::string message;
  std::string path = "";  // The targets that show it, in a policy.
};

// What was checked, and what was found.
struct Checked {
  fare::BudgetConfig config;
  std::optional<fare::Policy> policy;
  std::vector<Finding> findings;
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

std::vector<Finding> policy_findings(const fare::Policy& policy, const fare::PriceBook& prices,
                                     const fare::PolicyCheckOptions& options) {
  std::vector<Finding> findings;
  for (fare::PolicyFinding& one : fare::check(policy, prices, options)) {
    if (std::find(kPolicyCodes.begin(), kPolicyCodes.end(), one.code) == kPolicyCodes.end()) {
      continue;
    }
    findings.push_back({std::move(one.code), fmt::format("{}#{}", policy.file(), one.where),
                        std::move(one.message), std::move(one.path)});
  }
  return findings;
}

std::string check_text(const Checked& checked) {
  const fare::BudgetConfig& config = checked.config;
  const std::string policy =
      checked.policy ? fmt::format(" under policy {}", checked.policy->name()) : "";
  const std::string size = fmt::format("{}, {}", counted(config.scopes.size(), "scope"),
                                       counted(budgets_of(config), "budget"));
  if (checked.findings.empty()) {
    return wrapped(fmt::format("fine: {}{} ({})", config.name, policy, size), 0);
  }
  std::string text =
      wrapped(fmt::format("{} in {}{} ({})", counted(checked.findings.size(), "finding"),
                          config.name, policy, size),
              0);
  for (const Finding& finding : checked.findings) {
    text += fmt::format("  {} at {}\n", finding.code, finding.place);
    text += wrapped(finding.message, 4);
    if (!finding.path.empty()) text += wrapped("path: " + finding.path, 4);
  }
  return text;
}

std::string check_json(const Checked& checked) {
  Json list = Json::array();
  for (const Finding& finding : checked.findings) {
    Json one = {{"code", finding.code}, {"where", finding.place}, {"message", finding.message}};
    if (!finding.path.empty()) one["path"] = finding.path;
    list.push_back(std::move(one));
  }
  Json json = {{"format", kFormat},
               {"fine", checked.findings.empty()},
               {"name", checked.config.name},
               {"scopes", checked.config.scopes.size()},
               {"budgets", budgets_of(checked.config)}};
  if (checked.policy) {
    json["policy"] = {{"name", checked.policy->name()}, {"hash", checked.policy->hash()}};
  }
  json["findings"] = std::move(list);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Adds what the policy's check finds.
fare::Errors check_policy(const CheckOptions& options, Checked& checked) {
  fare::Expected<fare::Policy> policy = load_policy(options.policy);
  if (!policy) return policy.error();
  const auto prices = load_asked_prices(options.prices);
  if (!prices) return prices.error();
  const auto now = asked_instant("--at", options.at, clock_now());
  if (!now) return now.error();
  for (Finding& one : policy_findings(*policy, *prices, {*now, &checked.config})) {
    checked.findings.push_back(std::move(one));
  }
  checked.policy = std::move(*policy);
  return {};
}

int run_check(const CheckOptions& options) {
  const fare::Expected<std::string> text = read_file(options.config);
  if (!text) return complain(text.error());
  fare::Expected<fare::BudgetConfig> config = fare::parse_budgets(options.config, *text);
  if (!config) return complain(config.error());
  Checked checked{std::move(*config), std::nullopt, {}};
  checked.findings = budget_findings(checked.config, options.config);
  if (!options.policy.empty()) {
    const fare::Errors errors = check_policy(options, checked);
    if (!errors.empty()) return complain(errors);
  }
  print(options.json ? check_json(checked) : check_text(checked));
  return checked.findings.empty() ? kGood : kNo;
}

}  // namespace

void add_budget_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* budget = app.add_subcommand("budget", "Ask about budgets");
  budget->footer(
      "Examples:\n"
      "  routesim budget check scenarios/budgets/acme.json\n"
      "  routesim budget forecast scenarios/november_budget.json");
  budget->require_subcommand(1);
  add_budget_forecast_command(*budget, exit_code);
  CLI::App* check = budget->add_subcommand("check", "What a budget file will hardly mean");
  check->footer(
      "Findings: child_above_parent, never_resets, zero_limit, request_above_limit,\n"
      "raise_never_holds, release_breaks_strict, unlimited_scope, empty_share,\n"
      "guarantees_above_parent, guarantee_above_limit, unshared_child.\n"
      "With a policy also: unknown_model, unpriced_target, unreachable_rung,\n"
      "idle_trigger, attempt_above_limit, and request_above_limit of a rule, whose\n"
      "worst attempts of one request are held against every limit.\n"
      "Examples:\n"
      "  routesim budget check scenarios/budgets/acme.json\n"
      "  routesim budget check budgets.json --json\n"
      "  routesim budget check scenarios/budgets/acme.json \\\n"
      "    --policy scenarios/policies/tiered.json\n"
      "Exit code: 0 fine, 1 there are findings, 2 bad input.");
  check->add_option("CONFIG", options->config, "A file of format fare-budgets/1")->required();
  CLI::Option* policy =
      check->add_option("--policy", options->policy, "Holds this policy's worst requests to them")
          ->type_name("FILE");
  add_prices_option(*check, options->prices);
  check->get_option("--prices")->needs(policy);
  check->add_option("--at", options->at, "Prices of this day or instant; default: now")
      ->type_name("INSTANT")
      ->needs(policy);
  check->add_flag("--json", options->json, "Print JSON instead of text");
  check->callback([options, &exit_code] { exit_code = run_check(*options); });
}

}  // namespace routesim
