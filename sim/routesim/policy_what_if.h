#pragma once

#include <cstddef>   // std::size_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/decision.h"            // Candidate, Decision.
#include "fare/money.h"               // Cost.
#include "routesim/policy_decider.h"  // Decider, Question.
#include "routesim/policy_explain.h"  // WhatIf.

namespace routesim {

// Asks, for one candidate of a decision at a time, what would change its verdict.
//
//   below_floor, too_slow     the floor, the bound that it would keep
//   context_too_short, output_too_long, lacks_capability   what to ask less of
//   costs_more                the cost at which it would win, exact
//   less_useful               with utility the least quality, in billionths, and the cost at which
//                             it would win; with threshold the least quality
//   ejected, rate_limited, over_budget, output_unbounded   from when on it may be asked, if nobody
//                             else is, and the longest answer that there is money for
class WhatIfs {
 public:
  // All must outlive it; `decision` is the answer to `question`.
  WhatIfs(Decider& decider, const Question& question, const fare::Decision& decision);

  // About the candidate at `place` of decision.considered().
  std::vector<WhatIf> ask(std::size_t place);

 private:
  using Answer = std::optional<WhatIf>;

  std::string verdict_of(const Question& question, fare::TargetId target);
  WhatIf changed(const Question& question, const fare::Candidate& one, std::string change,
                 std::string to, const std::string& is, const std::string& then);
  nlohmann::json& rule_of(Question& question) const;
  bool competes(std::size_t place);

  Answer lower_floor(const fare::Candidate& one);
  Answer raise_bound(const fare::Candidate& one);
  Answer shorten_input(const fare::Candidate& one);
  Answer shorten_output(const fare::Candidate& one);
  Answer drop_capabilities(const fare::Candidate& one);
  Answer cheap_enough(std::size_t place, fare::Cost limit) const;
  Answer lower_cost(std::size_t place);
  std::vector<WhatIf> more_useful(std::size_t place);
  Answer with_quality(std::size_t place, double quality);
  Answer gain_enough(std::size_t place, const nlohmann::json& threshold);
  Answer wait(std::size_t place);
  Answer cap_output(std::size_t place);

  Decider& decider_;
  const Question& question_;
  const fare::Decision decision_;
  std::string rule_;
  std::string request_class_;
  std::vector<std::string> names_;  // Of the candidates.
  std::optional<std::size_t> winner_;
};

}  // namespace routesim
