#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/nearest.h"
#include "report/ope_text.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "study/files.h"
#include "study/ope_log.h"
#include "study/ope_report.h"

namespace routesim {
namespace {

using fare::ErrorCode;

struct OpeCommand {
  std::string log, policy, prices, model, at;
  double worth = 0;  // 0: not asked.
  bool json = false;
  fare::OffPolicyOptions estimates;
};

fare::Expected<JudgedPolicy> always_policy(const DecisionLog& log, const std::string& name) {
  const std::string target = name.substr(name.find(':') + 1);
  if (std::binary_search(log.arms.begin(), log.arms.end(), target)) {
    return *plain_policy(log, name);
  }
  const std::vector<std::string_view> known(log.arms.begin(), log.arms.end());
  return fare::fail(ErrorCode::kUnknownName, "--policy",
                    fmt::format("names the target \"{}\", which is no candidate in {}{}", target,
                                log.name, fare::did_you_mean(fare::nearest(target, known))));
}

// When a policy file is to decide: at the given instant, else when the log's rows did.
fare::Expected<JudgedPolicy> file_policy(const DecisionLog& log, const OpeCommand& command) {
  const auto text = read_file(command.policy);
  if (!text) {
    fare::Errors errors = text.error();
    errors[0].message += "; a policy is a file, always:TARGET, uniform or logged";
    return tl::unexpected<fare::Errors>(std::move(errors));
  }
  auto policy = fare::Policy::parse(command.policy, *text);
  if (!policy) return tl::unexpected<fare::Errors>(policy.error());
  auto prices = load_asked_prices(command.prices);
  if (!prices) return tl::unexpected<fare::Errors>(prices.error());
  std::optional<fare::Instant> otherwise;
  if (!command.at.empty()) {
    const auto at = asked_instant("--at", command.at, {});
    if (!at) return tl::unexpected<fare::Errors>(at.error());
    otherwise = *at;
  }
  const std::optional<fare::Instant> first = log.rows.front().at ? log.rows.front().at : otherwise;
  if (!first) {
    return fare::fail(ErrorCode::kMissingKey, fmt::format("{}:{}", log.name, log.rows.front().line),
                      "has no \"at\", which prices need; or say --at");
  }
  auto router =
      fare::Router::create({.prices = std::move(*prices), .policy = std::move(*policy)}, *first);
  if (!router) return tl::unexpected<fare::Errors>(router.error());
  return router_policy(log, **router, otherwise);
}

fare::Expected<JudgedPolicy> asked_policy(const DecisionLog& log, const OpeCommand& command) {
  if (command.policy.starts_with("always:")) return always_policy(log, command.policy);
  auto plain = plain_policy(log, command.policy);
  if (plain) return std::move(*plain);
  return file_policy(log, command);
}

int run_ope(const OpeCommand& command) {
  auto source = ByteSource::open(command.log);
  if (!source) return complain(source.error());
  const auto log = read_decision_log(command.log, std::move(*source));
  if (!log) return complain(log.error());
  OpeOptions options;
  options.estimates = command.estimates;
  if (command.worth > 0) options.worth_usd = command.worth;
  if (!command.model.empty()) {
    const auto bytes = read_file(command.model);
    if (!bytes) return complain(bytes.error());
    const auto model = fare::ChoiceModel::parse(command.model, *bytes);
    if (!model) return complain(model.error());
    if (model->dimensions() > 0 || log->rows.front().prompt.empty()) {
      return complain({{ErrorCode::kConflict, "--model",
                        "reads prompts: the log must have them, and the model no embeddings"}});
    }
    options.model = *model;
  }
  const auto policy = asked_policy(*log, command);
  if (!policy) return complain(policy.error());
  const auto report = judge_policy(*log, *policy, options);
  if (!report) return complain(report.error());
  const Style style{isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr};
  print(command.json ? to_json(*report) : to_text(*report, style));
  return report->answer.value ? kGood : kNo;
}

}  // namespace

void add_ope_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<OpeCommand>();
  CLI::App* command =
      app.add_subcommand("ope", "What another policy would have been worth, from a log");
  command->add_option("LOG", options->log, "JSON lines of decisions; gzip will do")->required();
  command
      ->add_option("--policy", options->policy, "A policy file, always:TARGET, uniform or logged")
      ->required();
  add_prices_option(*command, options->prices);
  command->add_option("--at", options->at, "When a policy file decides on rows without \"at\"");
  command->add_option("--worth", options->worth, "Dollars that quality 1 is worth, to weigh cost")
      ->check(CLI::PositiveNumber);
  command->add_option("--model", options->model,
                      "A model file that reads the prompts for the reward model");
  command->add_option("--folds", options->estimates.folds, "Of the cross-fitting")
      ->check(CLI::Range(2, 50));
  command->add_option("--weight-max", options->estimates.weight_max, "Where weights are clipped")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--unsupported-max", options->estimates.unsupported_max,
                   "The share of choices that may lack support")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--supported-only", options->estimates.supported_only,
                    "Judge only the rows where nothing lacks support");
  command->add_option("--seed", options->estimates.seed, "Draws the folds");
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->footer(
      "A line of the log is one decision, with the probability it was made with:\n"
      "  {\"id\": \"r-1\", \"candidates\": [\"haiku\", \"opus\"], \"chosen\": \"haiku\",\n"
      "   \"propensity\": 0.95, \"quality\": 1, \"cost_usd\": \"0.0012\"}\n"
      "\"reward\" may stand instead of \"quality\"; \"prompt\", \"features\" or \"class\" narrow\n"
      "the intervals; a policy file needs \"input_tokens\" and \"at\" as well.\n\n"
      "Examples:\n"
      "  routesim ope decisions.jsonl --policy always:haiku --worth 0.05\n"
      "  routesim ope decisions.jsonl --policy scenarios/policies/tiered.json --json\n\n"
      "Exits with 0 if the policy's value is identified, 1 if not, 2 for bad input.");
  command->callback([options, &exit_code] { exit_code = run_ope(*options); });
}

}  // namespace routesim
