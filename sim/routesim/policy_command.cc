#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "fare/budget.h"
#include "fare/policy_check.h"
#include "routesim/commands.h"
#include "routesim/policy_explain.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"
#include "study/files.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCheckFormat = "routesim-policy-check/1";
constexpr std::string_view kExplainFormat = "routesim-policy-explain/1";

struct PolicyOptions {
  std::string policy;
  std::string prices;
  std::string budgets;
  std::string request;
  std::string at;
  bool json = false;
};

// What it extends stands beside it.
fare::Expected<fare::Policy> load_policy(const std::string& path) {
  const fare::Expected<std::string> text = read_file(path);
  if (!text) return tl::unexpected<fare::Errors>(text.error());
  const auto beside = [](std::string_view name,
                         std::string_view from) -> fare::Expected<fare::PolicyText> {
    const std::filesystem::path folder = std::filesystem::path(from).parent_path();
    const std::string file = (folder / name).lexically_normal().string();
    fare::Expected<std::string> found = read_file(file);
    if (!found) return tl::unexpected<fare::Errors>(found.error());
    return fare::PolicyText{file, std::move(*found)};
  };
  const std::string file = std::filesystem::path(path).lexically_normal().string();
  return fare::Policy::parse(file, *text, beside);
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string check_text(const fare::Policy& policy,
                       const std::vector<fare::PolicyFinding>& findings) {
  if (findings.empty()) return fmt::format("fine: {}\n", policy.name());
  std::string text = fmt::format("{} finding{} in {}\n", findings.size(),
                                 findings.size() == 1 ? "" : "s", policy.name());
  for (const fare::PolicyFinding& finding : findings) {
    text += fmt::format("  {} at {}#{}\n", finding.code, policy.file(), finding.where);
    text += filled("    ", finding.message);
    if (!finding.path.empty()) text += filled("    path: ", finding.path);
  }
  return text;
}

std::string check_json(const fare::Policy& policy,
                       const std::vector<fare::PolicyFinding>& findings) {
  Json list = Json::array();
  for (const fare::PolicyFinding& finding : findings) {
    Json one = {{"code", finding.code},
                {"where", fmt::format("{}#{}", policy.file(), finding.where)},
                {"message", finding.message}};
    if (!finding.path.empty()) one["path"] = finding.path;
    list.push_back(std::move(one));
  }
  const Json json = {{"format", kCheckFormat},
                     {"fine", findings.empty()},
                     {"name", policy.name()},
                     {"hash", policy.hash()},
                     {"findings", std::move(list)}};
  return dump(json);
}

int run_check(const PolicyOptions& options) {
  const auto policy = load_policy(options.policy);
  if (!policy) return complain(policy.error());
  const auto prices = load_asked_prices(options.prices);
  if (!prices) return complain(prices.error());
  const auto now = asked_instant("--at", options.at, clock_now());
  if (!now) return complain(now.error());
  std::optional<fare::BudgetConfig> budgets;
  if (!options.budgets.empty()) {
    const auto text = read_file(options.budgets);
    if (!text) return complain(text.error());
    auto config = fare::parse_budgets(options.budgets, *text);
    if (!config) return complain(config.error());
    budgets = std::move(*config);
  }
  const auto findings = fare::check(*policy, *prices, {*now, budgets ? &*budgets : nullptr});
  print(options.json ? check_json(*policy, findings) : check_text(*policy, findings));
  return findings.empty() ? kGood : kNo;
}

std::string numbers_of(const fare::Candidate& one) {
  std::string text;
  if (one.expected_cost) text += fmt::format(", ${}", to_usd(*one.expected_cost));
  if (one.quality) text += fmt::format(", quality {}", *one.quality);
  if (one.latency) {
    text += fmt::format(", {:.0f} ms", static_cast<double>(one.latency->count()) / 1e6);
  }
  return text;
}

std::string explain_text(const Explained& explained, fare::Instant now) {
  std::string text = explained.refusal == fare::Refusal::kNone
                         ? fmt::format("{}", fmt::join(explained.plan, ", then "))
                         : fmt::format("refused: {}", to_string(explained.refusal));
  if (!explained.rule.empty()) text += fmt::format(", by rule \"{}\"", explained.rule);
  text = filled("", fmt::format("{}, at {}", text, fare::to_rfc3339(now)));
  for (const ExplainedCandidate& one : explained.candidates) {
    text += filled("  ", fmt::format("{}: {}{}", one.name, to_string(one.candidate.verdict),
                                     numbers_of(one.candidate)));
    if (one.what_if) text += filled("    ", one.what_if->sentence);
  }
  return text;
}

Json candidate_json(const ExplainedCandidate& one) {
  const fare::Candidate& candidate = one.candidate;
  Json json = {{"target", one.name}, {"verdict", to_string(candidate.verdict)}};
  json["expected_usd"] = candidate.expected_cost ? Json(to_usd(*candidate.expected_cost)) : Json();
  json["quality"] = candidate.quality ? Json(*candidate.quality) : Json();
  json["latency_ms"] =
      candidate.latency ? Json(static_cast<double>(candidate.latency->count()) / 1e6) : Json();
  if (one.what_if) {
    json["what_if"] = {{"change", one.what_if->change},
                       {"to", Json::parse(one.what_if->to)},
                       {"verdict", one.what_if->verdict},
                       {"sentence", one.what_if->sentence}};
  }
  return json;
}

std::string explain_json(const Explained& explained, const fare::Policy& policy,
                         fare::Instant now) {
  Json candidates = Json::array();
  for (const ExplainedCandidate& one : explained.candidates) {
    candidates.push_back(candidate_json(one));
  }
  const Json json = {{"format", kExplainFormat},
                     {"policy", policy.name()},
                     {"hash", policy.hash()},
                     {"at", fare::to_rfc3339(now)},
                     {"refusal", to_string(explained.refusal)},
                     {"rule", explained.rule},
                     {"plan", explained.plan},
                     {"candidates", std::move(candidates)}};
  return dump(json);
}

int run_explain(const PolicyOptions& options) {
  const auto policy = load_policy(options.policy);
  if (!policy) return complain(policy.error());
  const auto prices = load_asked_prices(options.prices);
  if (!prices) return complain(prices.error());
  const auto now = asked_instant("--at", options.at, clock_now());
  if (!now) return complain(now.error());
  const auto request = parse_request(options.request);
  if (!request) return complain(request.error());
  const auto explained = explain(*policy, *prices, *request, *now);
  if (!explained) return complain(explained.error());
  print(options.json ? explain_json(*explained, *policy, *now) : explain_text(*explained, *now));
  return explained->refusal == fare::Refusal::kNone ? kGood : kNo;
}

void add_common(CLI::App& command, PolicyOptions& options) {
  command.add_option("FILE", options.policy, "A file of format fare-policy/1")->required();
  add_prices_option(command, options.prices);
  command.add_option("--at", options.at, "A day or an RFC 3339 instant; default: now")
      ->type_name("INSTANT");
  command.add_flag("--json", options.json, "Print JSON instead of text");
}

void add_check(CLI::App& policy, int& exit_code) {
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* check = policy.add_subcommand("check", "What a policy will hardly mean");
  check->footer(
      "Findings: unknown_model, unpriced_target, unused_target,\n"
      "no_candidate_meets_floor, fallback_below_floor, fallback_shorter,\n"
      "mutual_fallback, unreachable_rung, idle_rung, idle_trigger, canary_off,\n"
      "attempt_above_limit, request_above_limit.\n"
      "Examples:\n"
      "  routesim policy check scenarios/policies/tiered.json\n"
      "  routesim policy check p.json --budgets scenarios/budgets/acme.json --json\n"
      "Exit code: 0 fine, 1 there are findings, 2 bad input.");
  add_common(*check, *options);
  check->add_option("--budgets", options->budgets, "Holds the worst requests to these budgets")
      ->type_name("PATH");
  check->callback([options, &exit_code] { exit_code = run_check(*options); });
}

void add_explain(CLI::App& policy, int& exit_code) {
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* command =
      policy.add_subcommand("explain", "Who would serve a request, and why nobody else");
  command->footer(
      "The request is JSON: input_tokens, and if you like class,\n"
      "expected_output_tokens, max_output_tokens, capabilities, tags, scopes,\n"
      "language, latency_bound_ms, session.  Under each loser stands what would\n"
      "change it, found by deciding again.\n"
      "Examples:\n"
      "  routesim policy explain scenarios/policies/tiered.json \\\n"
      "    --request '{\"class\": \"complex\", \"input_tokens\": 1200}'\n"
      "  routesim policy explain p.json --request '{\"input_tokens\": 9}' --json\n"
      "Exit code: 0 served, 1 refused, 2 bad input.");
  add_common(*command, *options);
  command->add_option("--request", options->request, "The request, as JSON")->required();
  command->callback([options, &exit_code] { exit_code = run_explain(*options); });
}

}  // namespace

void add_policy_command(CLI::App& app, int& exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "Ask about a policy");
  policy->require_subcommand(1);
  add_check(*policy, exit_code);
  add_explain(*policy, exit_code);
}

}  // namespace routesim
