// Rules on when prices hold and when they were read.

#include <fmt/format.h>

#include "pricing/lint_desk.h"
#include "pricing/row_reader.h"

namespace fare {
namespace {

bool same_prices(const PricePeriod& a, const PricePeriod& b) {
  if (a.cells.size() != b.cells.size() || a.multipliers.size() != b.multipliers.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.cells.size(); ++i) {
    const PriceCell& x = a.cells[i];
    const PriceCell& y = b.cells[i];
    if (x.tier != y.tier || x.speed != y.speed || x.region != y.region || x.window != y.window ||
        x.bands.size() != y.bands.size()) {
      return false;
    }
    for (std::size_t j = 0; j < x.bands.size(); ++j) {
      if (x.bands[j].input_over != y.bands[j].input_over || x.bands[j].rates != y.bands[j].rates) {
        return false;
      }
    }
  }
  for (std::size_t i = 0; i < a.multipliers.size(); ++i) {
    const PriceMultiplier& x = a.multipliers[i];
    const PriceMultiplier& y = b.multipliers[i];
    if (x.tier != y.tier || x.speed != y.speed || x.region != y.region ||
        x.numerator != y.numerator || x.denominator != y.denominator) {
      return false;
    }
  }
  return true;
}

// One row by itself.
void check_row(const LintModel& model, const PricePeriod& row, LintDesk& desk) {
  const Instant now = desk.options().now;
  const LintPlace place{&row, nullptr, nullptr, {}};
  if (row.status == PeriodStatus::kAnnounced && row.from <= now) {
    desk.add(LintLevel::kWarning, "announced-passed", model.facts, place,
             {"announced", "has come into force",
              "read the vendor's page again: make it \"active\", or \"cancelled\" with a day"});
  }
  if (row.status == PeriodStatus::kActive && row.from > now) {
    desk.add(LintLevel::kWarning, "active-future", model.facts, place,
             {"active", "is not in force yet", "make it \"announced\", with its day"});
  }
  const auto observed = parse_date(row.observed);
  if (observed && *observed > now) {
    desk.add(LintLevel::kWarning, "observed-future", model.facts, place,
             {row.observed, "is after today", "correct the day on which it was read"});
  }
  const bool is_served = !model.facts.retired || *model.facts.retired > now;
  if (&row == model.current && is_served && observed && now - *observed > desk.options().stale) {
    desk.add(LintLevel::kInfo, "stale", model.facts, place,
             {row.observed,
              fmt::format("was read more than {} days ago",
                          desk.options().stale / std::chrono::hours(24)),
              "read the vendor's page again"});
  }
}

// A row and the one after it, both standing.
void check_pair(const LintModel& model, const PricePeriod& row, const PricePeriod& next,
                LintDesk& desk) {
  if (row.until && *row.until < next.from) {
    desk.add(
        LintLevel::kWarning, "period-gap", model.facts, {&row, nullptr, nullptr, {}},
        {to_rfc3339(*row.until), fmt::format("no price from then until {}", to_rfc3339(next.from)),
         "leave \"until\" out, unless the model was not sold"});
  } else if (!row.until && same_prices(row, next)) {
    desk.add(LintLevel::kInfo, "row-repeats", model.facts, {&next, nullptr, nullptr, {}},
             {"", fmt::format("is the same as from {}", to_rfc3339(row.from)),
              "leave it out, or look for what changed"});
  }
}

void check_end(const LintModel& model, const PricePeriod& last, LintDesk& desk) {
  const Instant now = desk.options().now;
  const std::optional<Instant>& retired = model.facts.retired;
  const LintPlace place{&last, nullptr, nullptr, {}};
  if (last.until && *last.until <= now && !(retired && *retired <= now)) {
    desk.add(LintLevel::kError, "period-ended", model.facts, place,
             {to_rfc3339(*last.until), "no price since, and the model is not retired",
              "add the row that follows, or the day of retirement"});
  }
  if (retired && *retired <= now && (!last.until || *last.until > *retired)) {
    desk.add(LintLevel::kWarning, "retired-open", model.facts, place,
             {to_rfc3339(*retired), "is retired, but its price goes on",
              fmt::format("end it: \"until\": \"{}\"", to_rfc3339(*retired))});
  }
}

void check_aliases(const LintModel& model, LintDesk& desk) {
  const Instant now = desk.options().now;
  if (!model.facts.retired || *model.facts.retired > now) return;
  for (const ModelAlias& alias : model.facts.aliases) {
    const bool rolls = alias.id.find("latest") != std::string::npos;
    if (!rolls || (alias.until && *alias.until <= now)) continue;
    desk.add(LintLevel::kWarning, "alias-retired", model.facts, {},
             {alias.id, "rolls, but means a retired model",
              "give it to the successor, from the day it moved"});
  }
}

}  // namespace

void lint_periods(const LintProvider& models, LintDesk& desk) {
  for (const LintModel& model : models) {
    const PricePeriod* last = nullptr;
    for (const PricePeriod& row : model.rows) {
      if (!stands(row)) continue;
      check_row(model, row, desk);
      if (last != nullptr) check_pair(model, *last, row, desk);
      last = &row;
    }
    if (last != nullptr) check_end(model, *last, desk);
    check_aliases(model, desk);
  }
}

}  // namespace fare
