#include "study/ope_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fare/dense_features.h"
#include "fare/text_features.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::size_t kClassesMax = 32;  // More do not get a dimension of their own.
constexpr double kPicodollars = 1e12;    // In a dollar.
constexpr std::string_view kRefused = "(refused)";

JudgedPolicy policy_of(const DecisionLog& log, std::string name) {
  return {std::move(name), log.arms, std::vector<double>(log.rows.size() * log.arms.size(), 0)};
}

JudgedPolicy uniform_policy(const DecisionLog& log) {
  JudgedPolicy policy = policy_of(log, "uniform");
  for (std::size_t i = 0; i < log.rows.size(); ++i) {
    const auto& candidates = log.rows[i].candidates;
    for (const std::uint32_t arm : candidates) {
      policy.chance[i * log.arms.size() + arm] = 1 / static_cast<double>(candidates.size());
    }
  }
  return policy;
}

JudgedPolicy logged_policy(const DecisionLog& log) {
  JudgedPolicy policy = policy_of(log, "logged");
  for (std::size_t i = 0; i < log.rows.size(); ++i) {
    const DecisionRow& row = log.rows[i];
    double* chance = policy.chance.data() + i * log.arms.size();
    const auto others = static_cast<double>(std::max<std::size_t>(2, row.candidates.size()) - 1);
    for (std::size_t k = 0; k < row.candidates.size(); ++k) {
      chance[row.candidates[k]] =
          row.probabilities.empty() ? (1 - row.propensity) / others : row.probabilities[k];
    }
    // A single candidate had no rival, whatever was logged.
    chance[row.chosen] = row.candidates.size() == 1 ? 1 : row.propensity;
  }
  return policy;
}

// A policy that chooses one arm in every row, by name; grows by the arms that the log lacks.
JudgedPolicy policy_choosing(const DecisionLog& log, std::string name,
                             const std::vector<std::string>& chosen) {
  std::vector<std::string> arms = log.arms;
  const std::set<std::string> named(chosen.begin(), chosen.end());
  for (const std::string& one : named) {
    if (!std::binary_search(log.arms.begin(), log.arms.end(), one)) arms.push_back(one);
  }
  JudgedPolicy policy{std::move(name), arms, std::vector<double>(chosen.size() * arms.size(), 0)};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto found = std::find(arms.begin(), arms.end(), chosen[i]);
    policy.chance[i * arms.size() + static_cast<std::size_t>(found - arms.begin())] = 1;
  }
  return policy;
}

std::string routed(const DecisionRow& row, fare::Router& router, fare::Instant at) {
  std::vector<fare::Tag> tags;
  for (const auto& [key, value] : row.tags) tags.push_back({key, value});
  const std::vector<std::string_view> capabilities(row.capabilities.begin(),
                                                   row.capabilities.end());
  fare::Request request;
  request.id = row.line;
  request.request_class = row.request_class;
  request.tags = tags;
  request.capabilities = capabilities;
  request.input = *row.input;
  request.expected_output = row.expected_output;
  request.max_output = row.max_output;
  request.latency_bound = row.latency_bound;
  const fare::Decision decision = router.route(request, at);
  if (decision.refusal != fare::Refusal::kNone) return std::string(kRefused);
  const std::string name(router.target(decision.plan().front()).name);
  router.settle(decision.ticket, {}, at);  // It was never sent.
  return name;
}

}  // namespace

std::optional<JudgedPolicy> plain_policy(const DecisionLog& log, std::string_view name) {
  constexpr std::string_view kAlways = "always:";
  if (name == "uniform") return uniform_policy(log);
  if (name == "logged") return logged_policy(log);
  if (!name.starts_with(kAlways)) return std::nullopt;
  const std::string target(name.substr(kAlways.size()));
  return policy_choosing(log, std::string(name), std::vector(log.rows.size(), target));
}

fare::Expected<JudgedPolicy> router_policy(const DecisionLog& log, fare::Router& router,
                                           std::optional<fare::Instant> otherwise) {
  fare::Errors errors;
  const auto missing = [&](const DecisionRow& row, std::string message) {
    if (errors.size() == 100) return;
    errors.push_back(
        {ErrorCode::kMissingKey, fmt::format("{}:{}", log.name, row.line), std::move(message)});
  };
  std::vector<std::string> chosen;
  for (const DecisionRow& row : log.rows) {
    const std::optional<fare::Instant> at = row.at ? row.at : otherwise;
    if (!row.input) missing(row, "has no \"input_tokens\", which the policy's prices need");
    if (!at) missing(row, "has no \"at\", which prices need; or say --at");
    if (row.input && at) chosen.push_back(routed(row, router, *at));
  }
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  return policy_choosing(log, std::string(router.config().policy.name()), chosen);
}

namespace {

// What the reward model reads, by row.
struct Inputs {
  std::string name;
  std::size_t dimensions = 0;
  std::vector<float> values;
};

Inputs prompt_inputs(const DecisionLog& log, const OpeOptions& options) {
  Inputs inputs{"prompts", 0, {}};
  if (options.model) {
    const fare::ChoiceModel& model = *options.model;
    inputs.name = "prompts, by the model";
    inputs.dimensions = fare::dense_size(model);
    fare::ChoiceScratch scratch;
    std::vector<double> dense(inputs.dimensions);
    for (const DecisionRow& row : log.rows) {
      fare::dense_features(model.forecast(row.prompt, scratch), dense);
      inputs.values.insert(inputs.values.end(), dense.begin(), dense.end());
    }
    return inputs;
  }
  inputs.dimensions = fare::kHandFeatures;
  fare::TextReader reader(fare::GramBits{.words = 8, .characters = 8});
  for (const DecisionRow& row : log.rows) {
    const auto hand = reader.read(row.prompt).hand;
    inputs.values.insert(inputs.values.end(), hand.begin(), hand.end());
  }
  return inputs;
}

// The classes as dimensions of their own, behind what is there.
Inputs with_classes(const DecisionLog& log, Inputs inputs) {
  std::set<std::string> names;
  for (const DecisionRow& row : log.rows) names.insert(row.request_class);
  if (names.size() < 2 || names.size() > kClassesMax) return inputs;
  Inputs wider{inputs.dimensions == 0 ? "classes" : inputs.name + " and classes",
               inputs.dimensions + names.size(),
               {}};
  for (std::size_t i = 0; i < log.rows.size(); ++i) {
    const auto own = inputs.values.begin() + static_cast<std::ptrdiff_t>(i * inputs.dimensions);
    wider.values.insert(wider.values.end(), own,
                        own + static_cast<std::ptrdiff_t>(inputs.dimensions));
    for (const std::string& name : names) {
      wider.values.push_back(name == log.rows[i].request_class ? 1 : 0);
    }
  }
  return wider;
}

Inputs inputs_of(const DecisionLog& log, const OpeOptions& options) {
  Inputs inputs{"nothing", 0, {}};
  if (log.dimensions > 0) {
    inputs = {"features", log.dimensions, {}};
    for (const DecisionRow& row : log.rows) {
      inputs.values.insert(inputs.values.end(), row.features.begin(), row.features.end());
    }
  } else if (!log.rows.front().prompt.empty()) {
    inputs = prompt_inputs(log, options);
  }
  return with_classes(log, std::move(inputs));
}

double dollars_of(const DecisionRow& row) {
  return static_cast<double>(row.cost->count()) / kPicodollars;
}

double reward_of(const DecisionRow& row, const OpeOptions& options) {
  if (row.reward) return *row.reward;
  return options.worth_usd ? *row.quality - dollars_of(row) / *options.worth_usd : *row.quality;
}

fare::ChoiceLog choice_log(const DecisionLog& log, const JudgedPolicy& policy, Inputs inputs) {
  fare::ChoiceLog choices;
  choices.arms = policy.arms.size();
  choices.dimensions = inputs.dimensions;
  choices.features = std::move(inputs.values);
  choices.chance.assign(log.rows.size() * choices.arms, 0);
  for (std::size_t i = 0; i < log.rows.size(); ++i) {
    const DecisionRow& row = log.rows[i];
    choices.arm.push_back(row.chosen);
    choices.propensity.push_back(row.propensity);
    for (std::size_t k = 0; k < row.candidates.size(); ++k) {
      const bool could = row.probabilities.empty() || row.probabilities[k] > 0;
      choices.chance[i * choices.arms + row.candidates[k]] = could ? 1 : 0;
    }
  }
  return choices;
}

std::vector<ArmShare> shares(const fare::ChoiceLog& log, const JudgedPolicy& policy) {
  std::vector<ArmShare> shares;
  for (const std::string& name : policy.arms) shares.push_back({name, 0, 0, 0});
  const double each = 1 / static_cast<double>(log.arm.size());
  for (const std::uint32_t arm : log.arm) shares[arm].logged += each;
  for (std::size_t i = 0; i < log.arm.size(); ++i) {
    for (std::size_t arm = 0; arm < log.arms; ++arm) {
      const double part = policy.chance[i * log.arms + arm] * each;
      const bool could = log.chance[i * log.arms + arm] != 0 && shares[arm].logged > 0 &&
                         (log.propensity[i] < 1 || arm == log.arm[i]);
      shares[arm].policy += part;
      shares[arm].lacking += could ? 0 : part;
    }
  }
  return shares;
}

}  // namespace

fare::Expected<OpeReport> judge_policy(const DecisionLog& log, const JudgedPolicy& policy,
                                       const OpeOptions& options) {
  if (options.worth_usd && (log.has_reward || !log.has_cost)) {
    return fare::fail(ErrorCode::kConflict, "--worth",
                      "needs \"quality\" and \"cost_usd\" on every row of the log");
  }
  OpeReport report;
  report.log = log.name;
  report.policy = policy.name;
  report.reward = log.has_reward ? "reward" : "quality";
  if (options.worth_usd) report.reward = fmt::format("quality - cost / ${}", *options.worth_usd);
  Inputs inputs = inputs_of(log, options);
  report.features = inputs.name;
  report.dimensions = inputs.dimensions;
  fare::ChoiceLog choices = choice_log(log, policy, std::move(inputs));
  for (const DecisionRow& row : log.rows) choices.reward.push_back(reward_of(row, options));
  const auto answer = fare::evaluate_off_policy(choices, policy.chance, options.estimates);
  if (!answer) return tl::unexpected<fare::Errors>(answer.error());
  report.answer = *answer;
  report.arms = shares(choices, policy);
  if (!log.has_cost) return report;
  for (std::size_t i = 0; i < log.rows.size(); ++i) choices.reward[i] = dollars_of(log.rows[i]);
  const auto cost = fare::evaluate_off_policy(choices, policy.chance, options.estimates);
  if (!cost) return tl::unexpected<fare::Errors>(cost.error());
  report.cost = *cost;
  return report;
}

}  // namespace routesim
