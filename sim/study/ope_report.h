#pragma once

#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/choice_model.h"  // ChoiceModel.
#include "fare/expected.h"      // Expected.
#include "fare/off_policy.h"    // OffPolicyAnswer, OffPolicyOptions.
#include "fare/router.h"        // Router.
#include "fare/time.h"          // Instant.
#include "study/ope_log.h"      // DecisionLog.

namespace routesim {

// What a policy would choose on the requests of a log.
struct JudgedPolicy {
  std::string name;
  std::vector<std::string> arms;  // Those of the log, then what the policy chooses besides:
                                  // targets that the log does not know, and "(refused)".
  std::vector<double> chance;     // By row and arm.
};

// "always:TARGET"; "uniform": evenly among a row's candidates; "logged": what made the log, for
// checking it (where only the propensity was logged, the rest evenly among the other candidates).
// Nothing if `name` is none of them.
[[nodiscard]] std::optional<JudgedPolicy> plain_policy(const DecisionLog& log,
                                                       std::string_view name);

// The first attempt that a router plans for every row.  A row without "at" is routed at
// `otherwise`. Errors, by line: no "input_tokens"; no "at" and no `otherwise`.
[[nodiscard]] fare::Expected<JudgedPolicy> router_policy(const DecisionLog& log,
                                                         fare::Router& router,
                                                         std::optional<fare::Instant> otherwise);

struct OpeOptions {
  // Reward = quality - dollars / this; none: the quality alone.
  std::optional<double> worth_usd;
  // Reads prompts into what the reward model sees; none: hand features.
  std::optional<fare::ChoiceModel> model;
  fare::OffPolicyOptions estimates;
};

// How an arm fares.
struct ArmShare {
  std::string name;
  double logged = 0;   // The share of rows that chose it.
  double policy = 0;   // The share of the policy's choices.
  double lacking = 0;  // Of them, without support in the log; a share of all choices.
};

struct OpeReport {
  std::string log, policy;
  std::string reward;            // What is estimated: "reward", "quality", "quality - cost / $1".
  fare::OffPolicyAnswer answer;  // Of that.
  std::optional<fare::OffPolicyAnswer> cost;  // Of dollars a request, where every row has a cost.
  std::string features;  // What the reward model read: "features", "prompts", "classes", "nothing".
  std::size_t dimensions = 0;
  std::vector<ArmShare> arms;
};

// Judges a policy by a log.  The reward model reads the rows' features; else their prompts; and
// their classes besides.  Errors: `worth_usd` without quality and cost; options out of range.
[[nodiscard]] fare::Expected<OpeReport> judge_policy(const DecisionLog& log,
                                                     const JudgedPolicy& policy,
                                                     const OpeOptions& options);

}  // namespace routesim
