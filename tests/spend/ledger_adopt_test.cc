// Goal: what was spent before the ledger was made counts, and a budget tells when it first refused.

#include <gtest/gtest.h>

#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(LedgerAdoptTest, WhatWasSpentBeforeCountsInItsWindow) {
  BudgetConfig config = config_of({budget_of("month", dollars(10))});
  config.scopes.push_back({"user:*", ScopeKind::kUser, "a", {budget_of("cap", dollars(5))}});
  const auto ledger = ledger_of(config);
  EXPECT_TRUE(ledger->adopt("a", "month", dollars(7), kNow));
  EXPECT_TRUE(ledger->adopt("user:ann", "cap", dollars(4), kNow));
  EXPECT_EQ(line_of(*ledger, "a", "month").settled, dollars(7));
  EXPECT_EQ(line_of(*ledger, "user:ann", "cap").free, dollars(1));
  EXPECT_EQ(reserve(*ledger, "user:ann", dollars(2)).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "a", dollars(3)).status, ReserveStatus::kReserved);
  EXPECT_EQ(reserve(*ledger, "a", Money(1)).status, ReserveStatus::kOverBudget);
  expect_conserves(*ledger, kNow);
  const Instant next = instant_of("2026-12-01T00:00:00Z");
  EXPECT_EQ(reserve(*ledger, "a", dollars(5), next).status, ReserveStatus::kReserved);
}

TEST(LedgerAdoptTest, MoreThanTheLimitIsADebt) {
  const auto ledger = ledger_of(config_of({budget_of("month", dollars(10))}));
  EXPECT_TRUE(ledger->adopt("a", "month", dollars(12), kNow));
  EXPECT_EQ(line_of(*ledger, "a", "month").free, -dollars(2));
  expect_conserves(*ledger, kNow);
}

TEST(LedgerAdoptTest, ARollingWindowForgetsItInTime) {
  const auto ledger =
      ledger_of(config_of({budget_of("hour", dollars(10), hours_of(WindowKind::kRolling, 1))}));
  EXPECT_TRUE(ledger->adopt("a", "hour", dollars(10), kNow));
  EXPECT_EQ(reserve(*ledger, "a", dollars(1)).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "a", dollars(1), kNow + hours(2)).status, ReserveStatus::kReserved);
}

TEST(LedgerAdoptTest, NamesThatAreNotThereAreToldApart) {
  const auto ledger = ledger_of(config_of({budget_of("month", dollars(10))}));
  EXPECT_FALSE(ledger->adopt("b", "month", dollars(1), kNow));
  EXPECT_FALSE(ledger->adopt("a", "day", dollars(1), kNow));
  EXPECT_EQ(line_of(*ledger, "a", "month").settled, Money());
}

TEST(LedgerAdoptTest, TellsWhenItFirstRefusedInAWindow) {
  Budget observed = budget_of("watch", dollars(1));
  observed.mode = BudgetMode::kObserve;
  const auto ledger = ledger_of(config_of({budget_of("month", dollars(10)), observed}));
  EXPECT_EQ(line_of(*ledger, "a", "month").refused_at, std::nullopt);
  EXPECT_EQ(reserve(*ledger, "a", dollars(2), kNow + seconds(5)).status, ReserveStatus::kReserved);
  EXPECT_EQ(line_of(*ledger, "a", "watch").refused_at, kNow + seconds(5));
  EXPECT_EQ(line_of(*ledger, "a", "month").refused_at, std::nullopt);
  EXPECT_EQ(reserve(*ledger, "a", dollars(9), kNow + seconds(7)).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "a", dollars(9), kNow + seconds(9)).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(line_of(*ledger, "a", "month").refused_at, kNow + seconds(7));
  const Instant next = instant_of("2026-12-01T00:00:00Z");
  EXPECT_EQ(line_of(*ledger, "a", "month", next).refused_at, std::nullopt);
}

TEST(LedgerAdoptTest, ARollingWindowTellsItForOneLength) {
  const auto ledger =
      ledger_of(config_of({budget_of("hour", dollars(1), hours_of(WindowKind::kRolling, 1))}));
  EXPECT_EQ(reserve(*ledger, "a", dollars(2)).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "a", dollars(2), kNow + seconds(60)).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(line_of(*ledger, "a", "hour", kNow + seconds(60)).refused_at, kNow);
  const Instant later = kNow + hours(1);
  EXPECT_EQ(reserve(*ledger, "a", dollars(2), later).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(line_of(*ledger, "a", "hour", later).refused_at, later);
}

}  // namespace
}  // namespace fare
