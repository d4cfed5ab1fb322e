#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "fare/budget.h"
#include "fare/policy_check.h"
#include "routesim/commands.h"
#include "routesim/policy_explain.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"
#include "study/files.h"
#include "study/policy_files.h"

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
  std::string counted_at;
  std::vector<std::string> scopes;
  std::vector<std::string> spent;  // "SCOPE/BUDGET=USD".
  std::vector<std::string> holds;  // "TARGET=INSTANT".
  bool json = false;
};

// What stands before and after the last `mark`; nothing if it is not there.
std::optional<std::pair<std::string, std::string>> halves_of(const std::string& text, char mark) {
  const std::size_t place = text.rfind(mark);
  if (place == std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, place), text.substr(place + 1));
}

fare::Expected<std::optional<fare::BudgetConfig>> load_budgets(const std::string& path) {
  if (path.empty()) return std::optional<fare::BudgetConfig>();
  const auto text = read_file(path);
  if (!text) return tl::unexpected<fare::Errors>(text.error());
  auto config = fare::parse_budgets(path, *text);
  if (!config) return tl::unexpected<fare::Errors>(config.error());
  return std::optional<fare::BudgetConfig>(std::move(*config));
}

fare::Expected<std::vector<fare::SpentBefore>> parse_spent(const std::vector<std::string>& list) {
  std::vector<fare::SpentBefore> spent;
  for (const std::string& one : list) {
    const auto sides = halves_of(one, '=');
    const auto place = sides ? halves_of(sides->first, '/') : std::nullopt;
    if (!place) {
      return fare::fail(fare::ErrorCode::kSyntax, "--spent",
                        fmt::format("must be SCOPE/BUDGET=USD, but is \"{}\"", one));
    }
    const auto usd = fare::parse_usd(sides->second);
    if (!usd) return fare::fail(usd.error()[0].code, "--spent", usd.error()[0].message);
    const std::optional<fare::Money> money = fare::money_half_even(*usd);
    if (!money || *money < fare::Money() || *money > fare::kLimitMax) {
      return fare::fail(fare::ErrorCode::kOutOfRange, "--spent",
                        fmt::format("must be from $0 to a billion dollars, but is \"{}\"", one));
    }
    spent.push_back({place->first, place->second, *money});
  }
  return spent;
}

fare::Expected<std::vector<std::pair<std::string, fare::Instant>>> parse_holds(
    const std::vector<std::string>& list) {
  std::vector<std::pair<std::string, fare::Instant>> holds;
  for (const std::string& one : list) {
    const auto sides = halves_of(one, '=');
    if (!sides) {
      return fare::fail(fare::ErrorCode::kSyntax, "--hold",
                        fmt::format("must be TARGET=INSTANT, but is \"{}\"", one));
    }
    const auto until = asked_instant("--hold", sides->second, {});
    if (!until) return tl::unexpected<fare::Errors>(until.error());
    holds.emplace_back(sides->first, *until);
  }
  return holds;
}

// Of all options, what decides beside the request.  Errors: of all of them.
fare::Expected<AskedState> asked_state(const PolicyOptions& options) {
  AskedState state;
  fare::Errors errors;
  const auto keep = [&errors](auto expected, auto& place) {
    if (expected) {
      place = std::move(*expected);
    } else {
      errors.insert(errors.end(), expected.error().begin(), expected.error().end());
    }
  };
  keep(asked_instant("--at", options.at, clock_now()), state.now);
  keep(asked_instant("--counted-at", options.counted_at, state.now), state.counted_at);
  keep(load_budgets(options.budgets), state.budgets);
  keep(parse_spent(options.spent), state.spent);
  keep(parse_holds(options.holds), state.holds);
  if (errors.empty() && state.counted_at > state.now) {
    errors.push_back({fare::ErrorCode::kOutOfRange, "--counted-at", "must not be after --at"});
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return state;
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
  const auto budgets = load_budgets(options.budgets);
  if (!budgets) return complain(budgets.error());
  const auto findings = fare::check(*policy, *prices, {*now, *budgets ? &**budgets : nullptr});
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
  if (explained.retry_at) {
    text += fmt::format("; try again at {}", fare::to_rfc3339(*explained.retry_at));
  }
  if (!explained.degradations.empty()) {
    text += fmt::format(", degraded by {}", fmt::join(explained.degradations, ", "));
  }
  if (explained.soft_percent > 0) {
    text += fmt::format(", above {} % of a budget", explained.soft_percent);
  }
  if (!explained.rule.empty()) text += fmt::format(", by rule \"{}\"", explained.rule);
  text = filled("", fmt::format("{}, at {}", text, fare::to_rfc3339(now)));
  for (const ExplainedCandidate& one : explained.candidates) {
    text += filled("  ", fmt::format("{}: {}{}", one.name, to_string(one.candidate.verdict),
                                     numbers_of(one.candidate)));
    for (const WhatIf& what_if : one.what_ifs) text += filled("    ", what_if.sentence);
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
  for (const WhatIf& what_if : one.what_ifs) {
    json["what_ifs"].push_back({{"change", what_if.change},
                                {"to", Json::parse(what_if.to)},
                                {"verdict", what_if.verdict},
                                {"sentence", what_if.sentence}});
  }
  return json;
}

std::string explain_json(const Explained& explained, const fare::Policy& policy,
                         fare::Instant now) {
  Json candidates = Json::array();
  for (const ExplainedCandidate& one : explained.candidates) {
    candidates.push_back(candidate_json(one));
  }
  Json json = {{"format", kExplainFormat},
               {"policy", policy.name()},
               {"hash", policy.hash()},
               {"at", fare::to_rfc3339(now)},
               {"refusal", to_string(explained.refusal)},
               {"rule", explained.rule},
               {"plan", explained.plan},
               {"degradations", explained.degradations},
               {"soft_percent", explained.soft_percent},
               {"retry_at", nullptr},
               {"candidates", std::move(candidates)}};
  if (explained.retry_at) json["retry_at"] = fare::to_rfc3339(*explained.retry_at);
  return dump(json);
}

int run_explain(const PolicyOptions& options) {
  const auto policy = load_policy(options.policy);
  if (!policy) return complain(policy.error());
  const auto prices = load_asked_prices(options.prices);
  if (!prices) return complain(prices.error());
  const auto state = asked_state(options);
  if (!state) return complain(state.error());
  auto request = parse_request(options.request);
  if (!request) return complain(request.error());
  request->scopes.insert(request->scopes.end(), options.scopes.begin(), options.scopes.end());
  if (request->scopes.size() > fare::kScopesMax) {
    return complain({{fare::ErrorCode::kOutOfRange, "--scope",
                      fmt::format("a request may name {} scopes", fare::kScopesMax)}});
  }
  const auto explained = explain(*policy, *prices, *request, *state);
  if (!explained) return complain(explained.error());
  print(options.json ? explain_json(*explained, *policy, state->now)
                     : explain_text(*explained, state->now));
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

void add_state(CLI::App& command, PolicyOptions& options) {
  CLI::Option* budgets =
      command.add_option("--budgets", options.budgets, "What may be spent")->type_name("PATH");
  command.add_option("--scope", options.scopes, "Who pays, beside the request's scopes")
      ->type_name("ID")
      ->needs(budgets);
  command.add_option("--spent", options.spent, "Of a budget, before: SCOPE/BUDGET=USD")
      ->type_name("TEXT")
      ->needs(budgets);
  command.add_option("--counted-at", options.counted_at, "When --spent held; default: --at")
      ->type_name("INSTANT");
  command.add_option("--hold", options.holds, "A vendor's retry-after: TARGET=INSTANT")
      ->type_name("TEXT");
}

void add_explain(CLI::App& policy, int& exit_code) {
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* command =
      policy.add_subcommand("explain", "Who would serve a request, and why nobody else");
  command->footer(
      "The request is JSON: input_tokens, and if you like class,\n"
      "expected_output_tokens, max_output_tokens, capabilities, tags, scopes,\n"
      "language, latency_bound_ms, session.  Under each loser stands what would\n"
      "change it, found by deciding again.  Nobody else asks meanwhile.\n"
      "Examples:\n"
      "  routesim policy explain scenarios/policies/tiered.json \\\n"
      "    --request '{\"class\": \"complex\", \"input_tokens\": 1200}'\n"
      "  routesim policy explain p.json --request '{\"input_tokens\": 9}' \\\n"
      "    --budgets b.json --scope user:ada --spent user:ada/hour=4.99\n"
      "  routesim policy explain p.json --request '{\"input_tokens\": 9}' --json\n"
      "Exit code: 0 served, 1 refused, 2 bad input.");
  add_common(*command, *options);
  command->add_option("--request", options->request, "The request, as JSON")->required();
  add_state(*command, *options);
  command->callback([options, &exit_code] { exit_code = run_explain(*options); });
}

}  // namespace

void add_policy_command(CLI::App& app, int& exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "Ask about a policy");
  policy->footer(
      "Examples:\n"
      "  routesim policy check scenarios/policies/tiered.json --prices pricing\n"
      "  routesim policy explain scenarios/policies/tiered.json --request '{\"class\": "
      "\"complex\", \"input_tokens\": 800}'");
  policy->require_subcommand(1);
  add_check(*policy, exit_code);
  add_explain(*policy, exit_code);
}

}  // namespace routesim
