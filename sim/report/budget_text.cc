#include "report/budget_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/budget_json.h"
#include "report/format.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLikely = 0.5;

std::string name_of(const BudgetForecast& one) { return one.scope + "/" + one.budget; }

fare::Cost cost_of(fare::Money money) {
  return fare::Cost(static_cast<fare::Int128>(money.count()) * 1'000);
}

std::string share_text(double share) { return fmt::format("{:.0f} %", share * 100); }

std::string answer_of(const BudgetReading& reading) {
  std::vector<const BudgetForecast*> likely;
  for (const BudgetForecast& one : reading.budgets) {
    if (one.probability.value >= kLikely) likely.push_back(&one);
  }
  std::sort(likely.begin(), likely.end(), [](const BudgetForecast* a, const BudgetForecast* b) {
    return *a->exhausted_mean < *b->exhausted_mean;
  });
  if (likely.empty()) return "No budget is likely to run out before its window ends.\n";
  std::string text;
  for (const BudgetForecast* one : likely) {
    text += fmt::format("{} is likely to run out ({}), about {}.\n", name_of(*one),
                        share_text(one->probability.value), instant_text(*one->exhausted_mean));
  }
  return text;
}

}  // namespace

std::string to_text(const BudgetReading& reading, const Style& style) {
  std::string text = style.bold(answer_of(reading));
  text += wrapped(fmt::format("{}, {}: simulated to {}; seed {}, {} replications", reading.scenario,
                              reading.policy, instant_text(reading.until), reading.seed,
                              reading.budgets.empty() ? 0 : reading.budgets.front().replications),
                  "") +
          "\n";
  Table table({"", "limit", "spent", "P10", "P50", "P90", "runs out"});
  bool open = false;
  for (const BudgetForecast& one : reading.budgets) {
    open = open || !one.is_over;
    table.add({name_of(one) + (one.is_over ? "" : " *"), dollars_text(cost_of(one.limit)),
               dollars_text(cost_of(one.spent_before)), dollars_text(cost_of(one.p10)),
               dollars_text(cost_of(one.p50)), dollars_text(cost_of(one.p90)),
               share_text(one.probability.value)});
  }
  text += table.text(style);
  if (open) text += style.dim("  * as of then: its window has not ended, or has no end\n");
  for (const std::string& assumption : reading.assumptions) {
    text += style.dim(wrapped("assumed: " + assumption, "  "));
  }
  return text;
}

std::string to_json(const BudgetReading& reading) {
  Json budgets = Json::array();
  for (const BudgetForecast& one : reading.budgets) budgets.push_back(budget_json(one));
  const Json json = {{"format", "routesim-budget-forecast/1"},
                     {"scenario", reading.scenario},
                     {"policy", reading.policy},
                     {"start", fare::to_rfc3339(reading.start)},
                     {"until", fare::to_rfc3339(reading.until)},
                     {"seed", reading.seed},
                     {"assumptions", reading.assumptions},
                     {"budgets", std::move(budgets)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace routesim
