#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fare/ledger.h"

namespace fare {

inline Instant instant_of(const char* text) { return parse_instant(text).value(); }

inline const Instant kNow = instant_of("2026-11-23T12:00:00Z");

constexpr Money dollars(std::int64_t count) { return Money(count * 1'000'000'000); }

inline WindowSpec utc(WindowKind kind) { return {.kind = kind}; }
inline WindowSpec hours_of(WindowKind kind, int hours) {
  return {.kind = kind, .length = std::chrono::hours(hours)};
}

inline Budget budget_of(std::string id, Money limit, WindowSpec window = utc(WindowKind::kMonth)) {
  Budget budget;
  budget.id = std::move(id);
  budget.limit = limit;
  budget.window = std::move(window);
  return budget;
}

inline std::unique_ptr<Ledger> ledger_of(const BudgetConfig& config, Instant now = kNow) {
  Expected<std::unique_ptr<Ledger>> ledger = Ledger::create(config, now);
  EXPECT_TRUE(ledger) << to_text(ledger.error());
  return std::move(*ledger);
}

// One scope "a" with these budgets.
inline BudgetConfig config_of(std::vector<Budget> budgets) {
  BudgetConfig config;
  config.scopes.push_back({"a", ScopeKind::kOrg, "", std::move(budgets)});
  return config;
}

inline Reservation reserve(Ledger& ledger, const char* scope, Money amount, Instant now = kNow,
                           Instant deadline = kNever) {
  const ScopeId scopes[] = {ledger.find(scope)};
  return ledger.reserve({scopes, amount, amount, deadline}, now);
}

// Every line's equation holds, and open tickets explain what is reserved.
inline void expect_conserves(const Ledger& ledger, Instant now) {
  for (const BudgetReport& line : ledger.report(now)) {
    ASSERT_EQ(line.limit, line.settled + line.reserved + line.leased + line.free)
        << line.scope << "/" << line.budget;
    ASSERT_GE(line.reserved, Money());
    ASSERT_GE(line.leased, Money());
  }
  ASSERT_EQ(ledger.audit(), std::vector<std::string>());
}

// The current line of a scope's budget.
inline BudgetReport line_of(const Ledger& ledger, const char* scope, std::string_view budget,
                            Instant now = kNow) {
  for (const BudgetReport& line : ledger.report(ledger.find(scope), now)) {
    if (line.budget == budget && !line.is_past) return line;
  }
  ADD_FAILURE() << "no budget " << budget;
  return {};
}

}  // namespace fare
