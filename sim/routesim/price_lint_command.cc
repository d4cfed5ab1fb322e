#include "fare/price_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"
#include "study/scenario.h"

namespace routesim {
namespace {

using fare::LintFinding;
using fare::LintLevel;
using Json = nlohmann::ordered_json;

struct LintCommand {
  std::vector<std::string> paths;
  std::string at;
  std::string level = "warning";
  int stale_days = 180;
  bool json = false;
  bool strict = false;
  bool rules = false;
};

struct LintResult {
  std::vector<LintFinding> findings;
  std::size_t models = 0;
  std::vector<std::string> hashes;
  std::array<std::size_t, 3> counts{};  // By level.
};

bool is_foreign(const std::string& source) {
  const std::size_t colon = source.find(':');
  return colon != std::string::npos &&
         fare::foreign_format_named(source.substr(0, colon)).has_value();
}

// Our tables make one book; each foreign list is one of its own.
fare::Expected<std::vector<fare::PriceBook>> load_books(const std::vector<std::string>& paths) {
  std::vector<fare::PriceBook> books;
  fare::Errors errors;
  const auto keep = [&](fare::Expected<fare::PriceBook> book) {
    if (book) {
      books.push_back(std::move(*book));
    } else {
      errors.insert(errors.end(), book.error().begin(), book.error().end());
    }
  };
  std::vector<std::string> ours;
  for (const std::string& path : paths) {
    if (!is_foreign(path)) ours.push_back(path);
  }
  if (paths.empty()) ours.push_back(shipped_folder(""));
  if (!ours.empty()) keep(load_prices(ours));
  for (const std::string& path : paths) {
    if (is_foreign(path)) keep(load_source(path));
  }
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  return books;
}

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count_text(count), count == 1 ? one : many);
}

std::string finding_text(const LintFinding& finding) {
  std::string text = filled("", fmt::format("{} {}: {}/{}", fare::to_string(finding.level),
                                            finding.rule, finding.provider, finding.model));
  std::string words = finding.place;
  if (!words.empty()) words += ": ";
  if (!finding.value.empty()) words += finding.value + " ";
  return text + filled("  ", words + finding.must + "; " + finding.suggestion);
}

std::string result_text(const LintResult& result, std::size_t least) {
  const auto& [infos, warnings, errors] = result.counts;
  std::string text = filled(
      "", fmt::format("{}, {} and {} in {}.", plural(errors, "error", "errors"),
                      plural(warnings, "warning", "warnings"), plural(infos, "remark", "remarks"),
                      plural(result.models, "model", "models")));
  std::map<std::pair<int, std::string_view>, std::size_t> by_rule;
  for (const LintFinding& finding : result.findings) {
    ++by_rule[{2 - static_cast<int>(finding.level), finding.rule}];
  }
  if (!by_rule.empty()) {
    Table table({"rule", "level", "times"});
    for (const auto& [key, count] : by_rule) {
      table.add({std::string(key.second),
                 std::string(fare::to_string(static_cast<LintLevel>(2 - key.first))),
                 count_text(count)});
    }
    text += table.text({});
  }
  for (const LintFinding& finding : result.findings) {
    if (static_cast<std::size_t>(finding.level) < least) continue;
    text += "\n" + finding_text(finding);
  }
  return text;
}

std::string result_json(const LintResult& result, std::size_t least) {
  Json findings = Json::array();
  for (const LintFinding& finding : result.findings) {
    if (static_cast<std::size_t>(finding.level) < least) continue;
    findings.push_back({{"level", fare::to_string(finding.level)},
                        {"rule", finding.rule},
                        {"provider", finding.provider},
                        {"model", finding.model},
                        {"place", finding.place},
                        {"value", finding.value},
                        {"must", finding.must},
                        {"suggestion", finding.suggestion}});
  }
  const Json json = {{"errors", result.counts[2]},    {"warnings", result.counts[1]},
                     {"remarks", result.counts[0]},   {"models", result.models},
                     {"table_hashes", result.hashes}, {"findings", std::move(findings)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int print_rules() {
  std::string text;
  for (const fare::LintRule& rule : fare::lint_rules()) {
    text += filled(fmt::format("{:<20}", rule.id), std::string(rule.what));
  }
  print(text);
  return kGood;
}

int run_lint(const LintCommand& options) {
  if (options.rules) return print_rules();
  const auto now = asked_instant("--at", options.at, clock_now());
  const auto books = load_books(options.paths);
  fare::Errors errors;
  if (!now) errors = now.error();
  if (!books) errors.insert(errors.end(), books.error().begin(), books.error().end());
  if (!errors.empty()) return complain(errors);
  LintResult result;
  for (const fare::PriceBook& book : *books) {
    result.models += book.size();
    result.hashes.emplace_back(book.hash());
    for (LintFinding& finding : fare::lint_prices(
             book, {.now = *now, .stale = std::chrono::hours(24) * options.stale_days})) {
      ++result.counts[static_cast<std::size_t>(finding.level)];
      result.findings.push_back(std::move(finding));
    }
  }
  const std::size_t least = options.level == "error" ? 2 : options.level == "warning" ? 1 : 0;
  print(options.json ? result_json(result, least) : result_text(result, least));
  const bool bad = options.strict ? !result.findings.empty() : result.counts[2] > 0;
  return bad ? kNo : kGood;
}

}  // namespace

void add_price_lint_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<LintCommand>();
  CLI::App* command = price.add_subcommand("lint", "Look for faults in price tables");
  command->footer(
      "PATH is a folder or file of tables, or a list: litellm:FILE, genai-prices:FILE,\n"
      "models.dev:FILE, openrouter:FILE.  Default: the shipped tables.\n"
      "Examples:\n"
      "  routesim price lint pricing --strict\n"
      "  routesim price lint litellm:model_prices_and_context_window.json --level error\n"
      "Exit code: 0 no errors (with --strict: nothing at all), 1 some, 2 bad input.");
  command->add_option("PATH", options->paths, "What to check; tables are checked together");
  command->add_option("--at", options->at, "Today, a day or RFC 3339 instant; default: now");
  command->add_option("--level", options->level, "The least level to list: error, warning, info")
      ->check(CLI::IsMember({"error", "warning", "info"}));
  command->add_option("--stale-days", options->stale_days, "How old an observation may be")
      ->check(CLI::Range(1, 36'500));
  command->add_flag("--strict", options->strict, "Fail on any finding, remarks included");
  command->add_flag("--rules", options->rules, "List the rules and end");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run_lint(*options); });
}

}  // namespace routesim
