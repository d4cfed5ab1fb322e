#include <fmt/format.h>

#include <algorithm>

#include "report/format.h"
#include "report/html_sections.h"
#include "report/svg.h"

namespace routesim {
namespace {

// Pictures of more budgets than that would be a wall; the table has all of them.
constexpr std::size_t kPicturesMax = 24;

fare::Cost cost_of(fare::Money money) {
  return fare::Cost(static_cast<fare::Int128>(money.count()) * 1'000);
}

double dollars_of(fare::Money money) { return static_cast<double>(money.count()) * 1e-9; }

std::string share_text(double share) { return fmt::format("{:.0f} %", share * 100); }

std::string window_text(const BudgetForecast& one) {
  if (one.window.end == fare::kNever) return "no end";
  return fmt::format("{}{}", instant_text(one.window.end), one.is_over ? "" : " *");
}

// "runs out in 40 of 40, about 2026-11-26 04:11 UTC".
std::string exhaustion_text(const BudgetForecast& one) {
  if (one.exhausted == 0) return fmt::format("runs out in none of {}", one.replications);
  return fmt::format("runs out in {} of {}, about {}", one.exhausted, one.replications,
                     instant_text(*one.exhausted_mean));
}

std::string picture(const BudgetForecast& one, std::size_t policy, std::size_t index) {
  const std::string name = one.scope + " " + one.budget;
  const std::string text = fmt::format(
      "Limit {}; spent before {}; in the end {}, in the middle 80 % of replications {} to {}; {}.",
      dollars_text(cost_of(one.limit)), dollars_text(cost_of(one.spent_before)),
      dollars_text(cost_of(one.p50)), dollars_text(cost_of(one.p10)),
      dollars_text(cost_of(one.p90)), exhaustion_text(one));
  return fmt::format(
             "<p class=\"head\"><strong>{}</strong> <span>{} of {} "
             "<span class=\"muted\">{}</span></span></p>\n",
             escaped(name).html, dollars_text(cost_of(one.p50)), dollars_text(cost_of(one.limit)),
             exhaustion_text(one)) +
         budget_chart(
             {.id = fmt::format("budget-{}-{}", policy, index), .title = name, .description = text},
             {.limit = dollars_of(one.limit),
              .before = dollars_of(one.spent_before),
              .p10 = dollars_of(one.p10),
              .p50 = dollars_of(one.p50),
              .p90 = dollars_of(one.p90)},
             policy);
}

std::string budget_table(const std::vector<BudgetForecast>& budgets) {
  HtmlTable table("Every budget, at the end of its first window", {{"Scope"},
                                                                   {"Budget"},
                                                                   {"Mode"},
                                                                   {"Window ends"},
                                                                   {"Limit"},
                                                                   {"Spent before"},
                                                                   {"P10"},
                                                                   {"P50"},
                                                                   {"P90"},
                                                                   {"Runs out"},
                                                                   {"95 % interval"},
                                                                   {"About"}});
  for (const BudgetForecast& one : budgets) {
    table.add(HtmlTable::Row::kPlain,
              {escaped(one.scope),
               escaped(one.budget),
               escaped(fare::to_string(one.mode)),
               {window_text(one)},
               {dollars_text(cost_of(one.limit))},
               {dollars_text(cost_of(one.spent_before))},
               {dollars_text(cost_of(one.p10))},
               {dollars_text(cost_of(one.p50))},
               {dollars_text(cost_of(one.p90))},
               {share_text(one.probability.value)},
               {share_text(one.probability.low) + " to " + share_text(one.probability.high)},
               {one.exhausted_mean ? instant_text(*one.exhausted_mean) : "-"}});
  }
  return table.html();
}

std::string policy_budgets(const Report& report, std::size_t index) {
  const std::vector<BudgetForecast>& budgets = report.policies[index].budgets;
  if (budgets.empty()) return "";
  std::string html =
      fmt::format("<h3>{}</h3>\n<figure>\n", escaped(policy_labels(report)[index]).html);
  for (std::size_t i = 0; i < std::min(budgets.size(), kPicturesMax); ++i) {
    html += picture(budgets[i], index, i);
  }
  std::string caption =
      "Filled: spent before. Dot and line: the median of what is spent in the end, and the middle "
      "80 % of replications. Upright line: the limit.";
  if (budgets.size() > kPicturesMax) {
    caption += fmt::format(" The first {} of {}; the table has all.", kPicturesMax, budgets.size());
  }
  html += fmt::format("<figcaption>{}</figcaption>\n</figure>\n", caption) + budget_table(budgets);
  for (const BudgetForecast& one : budgets) {
    if (!one.is_over && one.window.end != fare::kNever) {
      return html +
             paragraph("note", "* The traffic ends before that: what is spent is as of then.");
    }
  }
  return html;
}

}  // namespace

std::string budgets_section(const Report& report) {
  std::string parts;
  for (std::size_t i = 0; i < report.policies.size(); ++i) parts += policy_budgets(report, i);
  if (parts.empty()) return "";
  return section("budgets", "Budgets",
                 paragraph("note",
                           "A budget has run out when it refused a request, or would have. The "
                           "interval of that share is Wilson’s.") +
                     parts);
}

}  // namespace routesim
