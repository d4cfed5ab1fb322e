#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/budget.h"        // BudgetConfig.
#include "fare/cache_rules.h"   // CacheRuleBook.
#include "fare/choice_model.h"  // ChoiceModel.
#include "fare/money.h"         // Money.
#include "fare/policy.h"        // Policy.
#include "fare/price_book.h"    // PriceBook.
#include "fare/time.h"          // Duration.

namespace fare {

// What one budget had spent in its current window before the router was made: in another process,
// or before a restart.
struct SpentBefore {
  std::string scope;
  std::string budget;
  Money spent;  // 0 to kLimitMax.
};

// Everything a Router is made from.  A value.
struct Config {
  PriceBook prices;
  Policy policy;
  // The most tickets that may be open at a time, to bound memory if settlements never come (some
  // 900 bytes each, 192 more where a budget pays); one more request is refused.  At least 16.
  std::uint32_t open_tickets_max = 16'000'000;

  // Without: nothing is limited by money.  Side scopes whose ids are "provider:NAME" and
  // "model:NAME", by the names of the price tables, listed or as templates, pay for every attempt
  // that goes there, whoever asks.  In BudgetMode::kExpected an attempt reserves the bound that
  // nine in ten answers of its target and class kept lately, once it has seen enough of them.
  std::optional<BudgetConfig> budgets = {};
  std::vector<SpentBefore> spent_before = {};  // Counts when the router is made, not at a reload.
  // Without: prompts are priced as if never cached.  Those in force when it is loaded count.
  std::optional<CacheRuleBook> cache_rules = {};
  // Classifies and predicts from Request::text; where it abstains the policy's figures count.  Its
  // targets and classes are the policy's, by name.
  std::optional<ChoiceModel> model = {};
  Duration ticket_life = std::chrono::hours(1);  // From a reservation to its deadline; above 0.
};

}  // namespace fare
