#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

#include "fare/budget.h"      // BudgetConfig.
#include "fare/policy.h"      // Policy.
#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant.

namespace fare {

// What loads but will hardly be meant.
struct PolicyFinding {
  std::string code;     // Stable: "mutual_fallback", "unused_target", ...
  std::string where;    // "/rules/0/fallback": a place in the policy as a whole, bases included.
  std::string message;  // A sentence.
  std::string path;     // The targets that show it: "opus -> gpt -> opus"; empty where one says it.
};

struct PolicyCheckOptions {
  Instant now{};                          // Prices are those of this instant.
  const BudgetConfig* budgets = nullptr;  // Its limits are held against worst requests, if given.
};

// Findings of a policy, in the order of this list, then of the policy:
//
//   unknown_model     the price tables do not know a target's model, or know several
//   unpriced_target   it has no price at `now` for the tier and region of the target
//   unused_target     no rule names it as candidate, fallback, canary or step
//   no_candidate_meets_floor   by the qualities that the policy states, for no class of the rule
//   fallback_below_floor       likewise a fallback: it can never be used
//   fallback_shorter  a fallback's context, or its output, is shorter than a candidate's: long
//                     requests lose it just when it is needed
//   mutual_fallback   rules whose fallbacks lead from a target back to itself: when both are short
//                     of room each sends its load to the other.  (One request never goes round: it
//                     tries no target twice.)
//   unreachable_rung  a step whose candidates are all below the floor, or whose quality costs, with
//                     those above it, take every candidate below it
//   idle_rung         a cap on input or output that no candidate of the step could exceed
//   idle_trigger      steps on forecast without budgets that could be forecast
//   canary_off        a canary of 0 %
//   attempt_above_limit   one attempt may cost more than the budgets' attempt_usd_max
//   request_above_limit   the worst attempts of one request cost more than a budget's limit
//
// The worst cost of an attempt is that of a full context at the target's rates: input up to what
// its output limit leaves, output up to that limit; where the tables do not say either, it is not
// known and nothing is said.  The worst request makes the dearest attempts that the retry and
// budget files allow.  What keeps a policy from loading at all is an error of Policy::parse():
// cycles of "extends", unknown names, rules that are never reached, steps that change nothing.
// O(rules * targets^2).
[[nodiscard]] std::vector<PolicyFinding> check(const Policy& policy, const PriceBook& prices,
                                               const PolicyCheckOptions& options);

}  // namespace fare
