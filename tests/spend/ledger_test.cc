#include "fare/ledger.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "allocations.h"
#include "base/random.h"
#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

BudgetConfig chain_config() {
  BudgetConfig config;
  config.scopes = {{"org", ScopeKind::kOrg, "", {budget_of("m", dollars(100))}},
                   {"team", ScopeKind::kTeam, "org", {budget_of("m", dollars(50))}},
                   {"key", ScopeKind::kKey, "team", {budget_of("m", dollars(20))}},
                   {"other", ScopeKind::kKey, "team", {budget_of("m", dollars(90))}},
                   {"tag", ScopeKind::kTag, "", {budget_of("m", dollars(30))}}};
  return config;
}

TEST(LedgerTest, ReservesAlongTheWholeChainOrNotAtAll) {
  const auto ledger = ledger_of(chain_config());
  const ScopeId scopes[] = {ledger->find("other"), ledger->find("tag")};
  EXPECT_EQ(ledger->reserve({scopes, dollars(30), dollars(30)}, kNow).status,
            ReserveStatus::kReserved);
  for (const char* scope : {"org", "team", "other", "tag"}) {
    EXPECT_EQ(line_of(*ledger, scope, "m").reserved, dollars(30)) << scope;
  }
  EXPECT_EQ(line_of(*ledger, "key", "m").reserved, Money());
  // The tag is full; nobody else keeps anything of the refused one.
  const Reservation refused = ledger->reserve({scopes, Money(1), Money(1)}, kNow);
  EXPECT_EQ(refused.status, ReserveStatus::kOverBudget);
  EXPECT_EQ(refused.refused_by, line_of(*ledger, "tag", "m").id);
  EXPECT_EQ(refused.free, Money());
  EXPECT_EQ(to_rfc3339(refused.retry_at.value()), "2026-12-01T00:00:00Z");
  EXPECT_EQ(line_of(*ledger, "org", "m").reserved, dollars(30));
  EXPECT_EQ(reserve(*ledger, "other", dollars(20)).status, ReserveStatus::kReserved);
  EXPECT_EQ(reserve(*ledger, "other", Money(1)).refused_by, line_of(*ledger, "team", "m").id);
  EXPECT_EQ(ledger->open_tickets(), 2u);
  expect_conserves(*ledger, kNow);
}

TEST(LedgerTest, AnAncestorSharedByTwoScopesIsChargedOnce) {
  const auto ledger = ledger_of(chain_config());
  const ScopeId scopes[] = {ledger->find("key"), ledger->find("other"), ledger->find("key")};
  EXPECT_EQ(ledger->reserve({scopes, dollars(3), dollars(3)}, kNow).status,
            ReserveStatus::kReserved);
  EXPECT_EQ(line_of(*ledger, "team", "m").reserved, dollars(3));
  EXPECT_EQ(line_of(*ledger, "key", "m").reserved, dollars(3));
}

TEST(LedgerTest, SettlesExactlyAndOnce) {
  const auto ledger = ledger_of(chain_config());
  const LedgerTicket ticket = reserve(*ledger, "key", dollars(5)).ticket;
  EXPECT_EQ(ledger->settle(ticket, Money(1'234'567'891), kNow), CloseStatus::kClosed);
  EXPECT_EQ(ledger->settle(ticket, dollars(9), kNow), CloseStatus::kAlreadyClosed);
  EXPECT_EQ(ledger->release(ticket, kNow), CloseStatus::kAlreadyClosed);
  EXPECT_EQ(ledger->settle(LedgerTicket{}, Money(), kNow), CloseStatus::kUnknownTicket);
  EXPECT_EQ(ledger->settle(LedgerTicket{1ull << 60}, Money(), kNow), CloseStatus::kUnknownTicket);
  EXPECT_EQ(line_of(*ledger, "org", "m").settled, Money(1'234'567'891));
  EXPECT_EQ(line_of(*ledger, "org", "m").reserved, Money());
  // The slot has a new owner; the old ticket does not touch it.
  const LedgerTicket next = reserve(*ledger, "key", dollars(1)).ticket;
  EXPECT_EQ(ledger->settle(ticket, dollars(9), kNow), CloseStatus::kAlreadyClosed);
  EXPECT_EQ(ledger->release(next, kNow), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "key", "m").settled, Money(1'234'567'891));
}

TEST(LedgerTest, AnUnknownCostIsAllThatWasReserved) {
  const auto ledger = ledger_of(chain_config());
  const LedgerTicket ticket = reserve(*ledger, "key", dollars(5)).ticket;
  EXPECT_EQ(ledger->settle(ticket, std::nullopt, kNow), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "key", "m").settled, dollars(5));
}

TEST(LedgerTest, ATicketSettlesInTheWindowItWasReservedIn) {
  const auto ledger = ledger_of(config_of({budget_of("m", dollars(10))}));
  const LedgerTicket ticket = reserve(*ledger, "a", dollars(4)).ticket;
  const Instant december = instant_of("2026-12-01T00:00:00Z");
  EXPECT_EQ(reserve(*ledger, "a", dollars(10), december).status, ReserveStatus::kReserved);
  EXPECT_EQ(line_of(*ledger, "a", "m", december).free, Money());
  const auto lines = ledger->report(december);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].is_past);
  EXPECT_EQ(lines[0].reserved, dollars(4));
  EXPECT_EQ(to_rfc3339(lines[0].window.end), "2026-12-01T00:00:00Z");
  expect_conserves(*ledger, december);
  ledger->settle(ticket, dollars(3), december);
  EXPECT_EQ(line_of(*ledger, "a", "m", december).settled, Money());
  EXPECT_EQ(ledger->report(december).size(), 1u);
}

// A free request that was none after all: its window's books may be closed, its cost is not lost.
TEST(LedgerTest, WhatReservedNothingSettlesWhereItCan) {
  const auto ledger = ledger_of(config_of({budget_of("m", dollars(10))}));
  const LedgerTicket first = reserve(*ledger, "a", Money()).ticket;
  const LedgerTicket second = reserve(*ledger, "a", Money()).ticket;
  const Instant december = instant_of("2026-12-01T00:00:00Z");
  EXPECT_EQ(ledger->report(december).size(), 1u);
  ledger->settle(first, dollars(2), december);
  EXPECT_EQ(line_of(*ledger, "a", "m", december).settled, dollars(2));
  EXPECT_EQ(ledger->top_up(second, dollars(9), dollars(9), kNever, december).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(ledger->top_up(second, dollars(8), dollars(8), kNever, december).status,
            ReserveStatus::kReserved);
  expect_conserves(*ledger, december);
}

TEST(LedgerTest, ADebtIsKeptAndPaidByTheNextWindow) {
  for (const bool keep : {true, false}) {
    Budget budget = budget_of("m", dollars(10));
    budget.keep_debt = keep;
    const auto ledger = ledger_of(config_of({budget}));
    ledger->settle(reserve(*ledger, "a", dollars(1)).ticket, dollars(13), kNow);
    EXPECT_EQ(line_of(*ledger, "a", "m").free, dollars(-3));
    EXPECT_EQ(reserve(*ledger, "a", Money(1)).status, ReserveStatus::kOverBudget);
    const Instant december = instant_of("2026-12-05T00:00:00Z");
    EXPECT_EQ(line_of(*ledger, "a", "m", december).free, dollars(keep ? 7 : 10));
    // A month that nobody used has paid it.
    const Instant january = instant_of("2027-01-05T00:00:00Z");
    EXPECT_EQ(line_of(*ledger, "a", "m", january).free, dollars(10));
  }
}

TEST(LedgerTest, WhatIsLeftCarriesOverUpToItsBound) {
  Budget budget = budget_of("m", dollars(10));
  budget.carry_over_max = dollars(4);
  const auto ledger = ledger_of(config_of({budget}));
  ledger->settle(reserve(*ledger, "a", dollars(8)).ticket, dollars(7), kNow);
  const LedgerTicket open = reserve(*ledger, "a", dollars(2)).ticket;
  const Instant december = instant_of("2026-12-05T00:00:00Z");
  EXPECT_EQ(line_of(*ledger, "a", "m", december).limit, dollars(11));
  // A top-up may not take back what the next window may have spent.
  EXPECT_EQ(ledger->top_up(open, dollars(1), dollars(1), kNever, december).status,
            ReserveStatus::kOverBudget);
  // The late ticket costs less: December has more.
  ledger->settle(open, dollars(0), december);
  EXPECT_EQ(line_of(*ledger, "a", "m", december).carried, dollars(3));
  EXPECT_EQ(line_of(*ledger, "a", "m", instant_of("2027-06-01T00:00:00Z")).limit, dollars(14));
}

// A debt of a window two back reaches the current one through the one between.
TEST(LedgerTest, ALateDebtPassesThroughTheWindowsBetween) {
  const auto ledger = ledger_of(config_of({budget_of("d", dollars(10), utc(WindowKind::kDay))}));
  const LedgerTicket old = reserve(*ledger, "a", dollars(5)).ticket;
  ledger->settle(reserve(*ledger, "a", dollars(9), kNow + days(1)).ticket, dollars(9), kNow);
  EXPECT_EQ(reserve(*ledger, "a", dollars(10), kNow + days(2)).status, ReserveStatus::kReserved);
  ledger->settle(old, dollars(12), kNow + days(2));  // $2 too much; the day between had $1 left.
  EXPECT_EQ(line_of(*ledger, "a", "d", kNow + days(2)).limit, dollars(9));
  EXPECT_EQ(line_of(*ledger, "a", "d", kNow + days(2)).free, dollars(-1));
  expect_conserves(*ledger, kNow + days(2));
}

TEST(LedgerTest, RaisesHoldForTheirTime) {
  Budget budget = budget_of("m", dollars(10));
  budget.raises = {{dollars(5), kNow, kNow + hours(2)},
                   {dollars(3), kNow + hours(1), kNow + hours(3)}};
  const auto ledger = ledger_of(config_of({budget}));
  const std::int64_t expected[] = {15, 18, 13, 10};
  for (int hour = 0; hour < 4; ++hour) {
    EXPECT_EQ(line_of(*ledger, "a", "m", kNow + hours(hour)).limit, dollars(expected[hour]));
  }
  EXPECT_EQ(line_of(*ledger, "a", "m", kNow - Duration(1)).limit, dollars(10));
}

TEST(LedgerTest, ARollingWindowForgetsSliceBySlice) {
  const auto ledger =
      ledger_of(config_of({budget_of("r", dollars(10), hours_of(WindowKind::kRolling, 12))}));
  ledger->settle(reserve(*ledger, "a", dollars(6)).ticket, dollars(6), kNow);
  const LedgerTicket open = reserve(*ledger, "a", dollars(3), kNow + hours(5)).ticket;
  const Reservation refused = reserve(*ledger, "a", dollars(5), kNow + hours(6));
  EXPECT_EQ(refused.status, ReserveStatus::kOverBudget);
  EXPECT_EQ(refused.retry_at, kNow + hours(13));
  EXPECT_EQ(reserve(*ledger, "a", dollars(5), *refused.retry_at - Duration(1)).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "a", dollars(5), *refused.retry_at).status, ReserveStatus::kReserved);
  expect_conserves(*ledger, kNow + hours(13));
  // What is topped up counts from now on.
  EXPECT_EQ(ledger->top_up(open, dollars(1), dollars(1), kNever, kNow + hours(14)).status,
            ReserveStatus::kReserved);
  expect_conserves(*ledger, kNow + hours(14));
  EXPECT_EQ(line_of(*ledger, "a", "r", kNow + hours(25)).reserved, dollars(9));
  EXPECT_EQ(line_of(*ledger, "a", "r", kNow + hours(26)).reserved, dollars(4));
  EXPECT_EQ(line_of(*ledger, "a", "r", kNow + hours(27)).reserved, Money());
  EXPECT_EQ(ledger->settle(open, dollars(9), kNow + hours(30)), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "a", "r", kNow + hours(30)).settled, Money());
}

TEST(LedgerTest, ASessionEndsWhenNothingIsReservedForItsLength) {
  const auto ledger =
      ledger_of(config_of({budget_of("s", dollars(10), hours_of(WindowKind::kSession, 1))}));
  EXPECT_EQ(reserve(*ledger, "a", dollars(6)).status, ReserveStatus::kReserved);
  EXPECT_EQ(reserve(*ledger, "a", dollars(3), kNow + minutes(50)).status, ReserveStatus::kReserved);
  const Reservation refused = reserve(*ledger, "a", dollars(3), kNow + minutes(100));
  EXPECT_EQ(refused.status, ReserveStatus::kOverBudget);
  EXPECT_EQ(refused.retry_at, kNow + minutes(110));
  EXPECT_EQ(reserve(*ledger, "a", dollars(3), kNow + minutes(110)).status,
            ReserveStatus::kReserved);
  expect_conserves(*ledger, kNow + minutes(110));
}

TEST(LedgerTest, AnAbsoluteWindowOpensAndCloses) {
  const WindowSpec window{.kind = WindowKind::kAbsolute, .from = kNow, .until = kNow + hours(1)};
  const auto ledger = ledger_of(config_of({budget_of("x", dollars(10), window)}), kNow - hours(1));
  const Reservation early = reserve(*ledger, "a", dollars(1), kNow - Duration(1));
  EXPECT_EQ(early.status, ReserveStatus::kNotOpen);
  EXPECT_EQ(early.retry_at, kNow);
  EXPECT_EQ(reserve(*ledger, "a", dollars(10)).status, ReserveStatus::kReserved);
  const Reservation full = reserve(*ledger, "a", dollars(1));
  EXPECT_EQ(full.status, ReserveStatus::kOverBudget);
  EXPECT_EQ(full.retry_at, std::nullopt);
  EXPECT_EQ(reserve(*ledger, "a", dollars(1), kNow + hours(1)).status, ReserveStatus::kNotOpen);
}

TEST(LedgerTest, ModesTakeTheirOwnAmount) {
  Budget strict = budget_of("strict", dollars(100));
  Budget expected = budget_of("expected", dollars(100));
  expected.mode = BudgetMode::kExpected;
  Budget observe = budget_of("observe", dollars(1));
  observe.mode = BudgetMode::kObserve;
  const auto ledger = ledger_of(config_of({strict, expected, observe}));
  const ScopeId scopes[] = {ledger->find("a")};
  const Reservation done = ledger->reserve({scopes, dollars(10), dollars(2)}, kNow);
  EXPECT_EQ(done.status, ReserveStatus::kReserved);
  EXPECT_TRUE(done.would_refuse);
  EXPECT_EQ(line_of(*ledger, "a", "strict").reserved, dollars(10));
  EXPECT_EQ(line_of(*ledger, "a", "expected").reserved, dollars(2));
  EXPECT_EQ(line_of(*ledger, "a", "observe").free, dollars(-9));
  EXPECT_EQ(ledger->top_up(done.ticket, dollars(5), dollars(1), kNever, kNow).status,
            ReserveStatus::kReserved);
  EXPECT_EQ(line_of(*ledger, "a", "strict").reserved, dollars(15));
  EXPECT_EQ(line_of(*ledger, "a", "expected").reserved, dollars(3));
  ledger->settle(done.ticket, dollars(4), kNow);
  EXPECT_EQ(line_of(*ledger, "a", "expected").settled, dollars(4));
  expect_conserves(*ledger, kNow);
}

TEST(LedgerTest, TellsTheSoftThresholdsReached) {
  Budget budget = budget_of("m", dollars(10));
  budget.soft_percent = {50, 80};
  const auto ledger = ledger_of(config_of({budget}));
  EXPECT_EQ(reserve(*ledger, "a", dollars(4)).soft_percent, 0);
  EXPECT_EQ(reserve(*ledger, "a", dollars(1)).soft_percent, 50);
  EXPECT_EQ(reserve(*ledger, "a", dollars(3)).soft_percent, 80);
}

TEST(LedgerTest, ARefusedTopUpLeavesTheTicketAsItWas) {
  const auto ledger = ledger_of(chain_config());
  const LedgerTicket ticket = reserve(*ledger, "other", dollars(40)).ticket;
  const Reservation refused = ledger->top_up(ticket, dollars(11), dollars(11), kNever, kNow);
  EXPECT_EQ(refused.status, ReserveStatus::kOverBudget);
  EXPECT_EQ(line_of(*ledger, "other", "m").reserved, dollars(40));
  expect_conserves(*ledger, kNow);
  EXPECT_EQ(ledger->top_up(ticket, dollars(10), dollars(10), kNever, kNow).status,
            ReserveStatus::kReserved);
  expect_conserves(*ledger, kNow);
  ledger->release(ticket, kNow);
  EXPECT_EQ(ledger->top_up(ticket, dollars(1), dollars(1), kNever, kNow).status,
            ReserveStatus::kNoTicket);
  EXPECT_EQ(line_of(*ledger, "org", "m").free, dollars(100));
}

TEST(LedgerTest, DeadlinesCloseTicketsByThePolicy) {
  const struct {
    const char* name;
    ExpiryPolicy policy;
    bool counts;
    Money charged;
  } cases[] = {{"reserved", ExpiryPolicy::kChargeReserved, true, dollars(5)},
               {"counted", ExpiryPolicy::kChargeCounted, true, dollars(2)},
               {"nothing counted", ExpiryPolicy::kChargeCounted, false, dollars(5)},
               {"release", ExpiryPolicy::kRelease, true, Money()}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    BudgetConfig config = config_of({budget_of("m", dollars(10))});
    config.on_expiry = one.policy;
    const auto ledger = ledger_of(config);
    const LedgerTicket ticket = reserve(*ledger, "a", dollars(5), kNow, kNow + minutes(10)).ticket;
    const LedgerTicket later = reserve(*ledger, "a", dollars(1), kNow, kNow + minutes(20)).ticket;
    if (one.counts) ledger->count(ticket, dollars(2));
    EXPECT_EQ(ledger->expire(kNow + minutes(10) - Duration(1)), 0u);
    EXPECT_EQ(ledger->expire(kNow + minutes(10)), 1u);
    EXPECT_EQ(ledger->expire(kNow + minutes(10)), 0u);
    EXPECT_EQ(line_of(*ledger, "a", "m").settled, one.charged);
    EXPECT_EQ(ledger->settle(ticket, dollars(1), kNow), CloseStatus::kAlreadyClosed);
    // A top-up moves a deadline.
    EXPECT_EQ(ledger->top_up(later, Money(), Money(), kNow + minutes(40), kNow).status,
              ReserveStatus::kReserved);
    EXPECT_EQ(ledger->expire(kNow + minutes(30)), 0u);
    EXPECT_EQ(ledger->expire(kNow + minutes(40)), 1u);
    EXPECT_EQ(ledger->open_tickets(), 0u);
  }
}

TEST(LedgerTest, AbortsByThePolicy) {
  const struct {
    AbortPolicy policy;
    CloseStatus status;
    Money settled;
  } cases[] = {{AbortPolicy::kChargeReserved, CloseStatus::kClosed, dollars(5)},
               {AbortPolicy::kChargeCounted, CloseStatus::kClosed, dollars(2)},
               {AbortPolicy::kDrain, CloseStatus::kDraining, Money()}};
  for (const auto& one : cases) {
    BudgetConfig config = config_of({budget_of("m", dollars(10))});
    config.on_abort = one.policy;
    const auto ledger = ledger_of(config);
    const LedgerTicket ticket = reserve(*ledger, "a", dollars(5)).ticket;
    ledger->count(ticket, dollars(2));
    EXPECT_EQ(ledger->abort(ticket, kNow), one.status);
    EXPECT_EQ(line_of(*ledger, "a", "m").settled, one.settled);
  }
}

TEST(LedgerTest, ScopesComeFromTemplatesWhenFirstUsed) {
  BudgetConfig config = chain_config();
  config.scopes.push_back({"user:*", ScopeKind::kUser, "team", {budget_of("m", dollars(5))}});
  config.scopes.push_back({"user:vip-*", ScopeKind::kUser, "team", {budget_of("m", dollars(9))}});
  const auto ledger = ledger_of(config);
  EXPECT_EQ(ledger->find("user:x"), ScopeId{});
  EXPECT_EQ(ledger->find("user:*"), ScopeId{});
  EXPECT_EQ(ledger->find_or_create("nobody", kNow), ScopeId{});
  const ScopeId user = ledger->find_or_create("user:x", kNow);
  EXPECT_EQ(ledger->find_or_create("user:x", kNow), user);
  EXPECT_EQ(ledger->find("user:x"), user);
  EXPECT_EQ(ledger->name(user), "user:x");
  ledger->find_or_create("user:vip-1", kNow);
  EXPECT_EQ(line_of(*ledger, "user:vip-1", "m").limit, dollars(9));
  EXPECT_EQ(reserve(*ledger, "user:x", dollars(5)).status, ReserveStatus::kReserved);
  EXPECT_EQ(line_of(*ledger, "team", "m").reserved, dollars(5));
  EXPECT_EQ(reserve(*ledger, "user:y", dollars(5)).status, ReserveStatus::kUnknownScope);
}

// A day that ended before a reload, though nobody looked since, ended by the limit it had: neither
// a debt nor a carry-over is made of the new one.
TEST(LedgerTest, AReloadChangesNoWindowThatIsOver) {
  Budget day = budget_of("day", Money(100), utc(WindowKind::kDay));
  day.carry_over_max = Money(50);
  const auto ledger = ledger_of(config_of({day}));
  ledger->settle(reserve(*ledger, "a", Money(80)).ticket, Money(80), kNow);
  const Instant next = kNow + std::chrono::hours(24);
  day.limit = Money(30);
  ASSERT_TRUE(ledger->reload(config_of({day}), next));
  EXPECT_EQ(line_of(*ledger, "a", "day", next).carried, Money(20));
  // Nor does a window of another kind take a debt over that is paid.
  ledger->settle(reserve(*ledger, "a", Money(0), next).ticket, Money(90), next);
  const Instant later = next + std::chrono::hours(24 * 9);
  ASSERT_TRUE(ledger->reload(config_of({budget_of("day", Money(70))}), later));
  EXPECT_EQ(line_of(*ledger, "a", "day", later).free, Money(70));
}

TEST(LedgerTest, AReloadKeepsWhatWasSpentAndEveryTicket) {
  BudgetConfig config = chain_config();
  config.scopes.push_back({"user:*", ScopeKind::kUser, "team", {budget_of("m", dollars(5))}});
  const auto ledger = ledger_of(config);
  ledger->find_or_create("user:x", kNow);
  const LedgerTicket ticket = reserve(*ledger, "key", dollars(8)).ticket;
  ledger->settle(reserve(*ledger, "key", dollars(6)).ticket, dollars(6), kNow);
  BudgetConfig next = config;
  next.scopes[2].budgets[0].limit = dollars(10);              // Below what is taken.
  next.scopes[1].budgets[0].window = utc(WindowKind::kWeek);  // Starts afresh.
  next.scopes[0].budgets.push_back(budget_of("d", dollars(7), utc(WindowKind::kDay)));
  next.scopes[5].budgets[0].limit = dollars(6);  // A template.
  next.scopes.erase(next.scopes.begin() + 4);    // The tag.
  const Expected<ReloadReport> report = ledger->reload(next, kNow);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->scopes_removed, 1u);
  EXPECT_EQ(report->scopes_added, 0u);
  EXPECT_EQ(report->budgets_added, 1u);
  EXPECT_EQ(report->budgets_changed, 2u);
  EXPECT_EQ(report->windows_changed, 1u);
  EXPECT_EQ(line_of(*ledger, "key", "m").free, dollars(-4));
  EXPECT_EQ(line_of(*ledger, "user:x", "m").limit, dollars(6));
  EXPECT_EQ(reserve(*ledger, "key", Money(1)).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "tag", Money(1)).status, ReserveStatus::kUnknownScope);
  EXPECT_EQ(line_of(*ledger, "team", "m").reserved, Money());
  expect_conserves(*ledger, kNow);
  EXPECT_EQ(ledger->settle(ticket, dollars(2), kNow), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "key", "m").free, dollars(2));
  // Back to what it was: the tag's and the key's money is as if nothing had happened.
  ASSERT_TRUE(ledger->reload(config, kNow));
  EXPECT_EQ(line_of(*ledger, "key", "m").free, dollars(12));
  EXPECT_EQ(line_of(*ledger, "tag", "m").free, dollars(30));
  EXPECT_EQ(reserve(*ledger, "key", dollars(12)).status, ReserveStatus::kReserved);
  expect_conserves(*ledger, kNow);
  BudgetConfig broken = config;
  broken.scopes[1].parent = "nobody";
  EXPECT_FALSE(ledger->reload(broken, kNow));
}

TEST(LedgerTest, LeasesAreTakenFromWhatIsFree) {
  const auto ledger = ledger_of(config_of({budget_of("m", dollars(10))}));
  reserve(*ledger, "a", dollars(4));
  const BudgetId budget = line_of(*ledger, "a", "m").id;
  const LedgerLease lease = ledger->lease_out(budget, dollars(7), kNow);
  EXPECT_EQ(lease.amount, dollars(6));
  EXPECT_EQ(ledger->lease_out(budget, dollars(7), kNow).amount, Money());
  EXPECT_EQ(line_of(*ledger, "a", "m").leased, dollars(6));
  EXPECT_EQ(reserve(*ledger, "a", Money(1)).status, ReserveStatus::kOverBudget);
  const Instant december = instant_of("2026-12-05T00:00:00Z");
  EXPECT_EQ(line_of(*ledger, "a", "m", december).free, dollars(10));
  ledger->take_back(budget, lease.window.begin, dollars(5), dollars(2), december);
  expect_conserves(*ledger, december);
  EXPECT_EQ(ledger->report(december)[0].settled, dollars(2));
  EXPECT_EQ(ledger->report(december)[0].leased, dollars(1));
}

TEST(LedgerTest, RefusesWhatItCannotHold) {
  BudgetConfig config;
  for (int i = 0; i < 3; ++i) {
    Scope scope{"s" + std::to_string(i), ScopeKind::kTag, "", {}};
    for (int k = 0; k < 6; ++k)
      scope.budgets.push_back(budget_of("b" + std::to_string(k), dollars(1)));
    config.scopes.push_back(scope);
  }
  const auto ledger = std::move(*Ledger::create(config, kNow, {.tickets_max = 16}));
  const ScopeId all[] = {ledger->find("s0"), ledger->find("s1"), ledger->find("s2")};
  EXPECT_EQ(ledger->reserve({all, Money(), Money()}, kNow).status, ReserveStatus::kTooManyBudgets);
  const ScopeId none[] = {ScopeId{}, ScopeId{77}};
  EXPECT_EQ(ledger->reserve({{none, 1}, Money(), Money()}, kNow).status,
            ReserveStatus::kUnknownScope);
  EXPECT_EQ(ledger->reserve({{none + 1, 1}, Money(), Money()}, kNow).status,
            ReserveStatus::kUnknownScope);
  EXPECT_EQ(reserve(*ledger, "s0", Money()).status, ReserveStatus::kReserved);
  EXPECT_EQ(reserve(*ledger, "s0", Money()).status, ReserveStatus::kTooManyOpen);
}

// A cost far above any reservation is booked whole, and paid for like any other debt.
TEST(LedgerTest, AnAbsurdCostIsADebtLikeAnyOther) {
  for (const std::int64_t cost : {1'000'001, 15'000'000, 1'000'000'000}) {
    SCOPED_TRACE(cost);
    const auto ledger = ledger_of(chain_config());
    const LedgerTicket ticket = reserve(*ledger, "key", dollars(1)).ticket;
    EXPECT_EQ(ledger->settle(ticket, dollars(cost), kNow), CloseStatus::kClosed);
    EXPECT_EQ(ledger->settle(ticket, dollars(cost), kNow), CloseStatus::kAlreadyClosed);
    for (const char* scope : {"org", "team", "key"}) {
      const BudgetReport line = line_of(*ledger, scope, "m");
      EXPECT_EQ(line.settled, dollars(cost)) << scope;
      EXPECT_EQ(line.free, line.limit - dollars(cost)) << scope;
    }
    expect_conserves(*ledger, kNow);
    const Instant december = instant_of("2026-12-05T00:00:00Z");
    EXPECT_EQ(line_of(*ledger, "org", "m", december).free, dollars(200 - cost));
    expect_conserves(*ledger, december);
  }
}

// Every budget of the chain takes it, or none does.
TEST(LedgerTest, WhatTheBooksCannotHoldIsAnAnswerAndNothingIsCounted) {
  const auto ledger = ledger_of(chain_config());
  std::vector<LedgerTicket> tickets;
  for (int i = 0; i < 5; ++i) tickets.push_back(reserve(*ledger, "other", dollars(1)).ticket);
  const LedgerTicket last = reserve(*ledger, "key", dollars(1)).ticket;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ledger->settle(tickets[i], kSettleMax, kNow), CloseStatus::kClosed);
  }
  EXPECT_EQ(ledger->settle(tickets[3], kSettleMax, kNow), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "org", "m").settled, dollars(4'000'000'000));
  EXPECT_EQ(ledger->settle(tickets[4], dollars(1'000'001), kNow), CloseStatus::kTooMuch);
  // The key has room, but what it shares with the other has none.
  EXPECT_EQ(ledger->settle(last, dollars(1'000'001), kNow), CloseStatus::kTooMuch);
  EXPECT_EQ(line_of(*ledger, "key", "m").settled, Money());
  EXPECT_EQ(line_of(*ledger, "key", "m").reserved, dollars(1));
  EXPECT_EQ(line_of(*ledger, "org", "m").settled, dollars(4'000'000'000));
  EXPECT_EQ(ledger->open_tickets(), 2u);
  expect_conserves(*ledger, kNow);
  EXPECT_EQ(ledger->settle(last, kReserveMax, kNow), CloseStatus::kClosed);
  EXPECT_EQ(line_of(*ledger, "key", "m").settled, kReserveMax);
}

// A window that is over has its own bound: what is forgiven there reaches no later one.
TEST(LedgerTest, APastWindowHoldsNoMoreThanItsBooksEither) {
  Budget day = budget_of("day", dollars(100), utc(WindowKind::kDay));
  day.keep_debt = false;
  const auto ledger = ledger_of(config_of({day}));
  std::vector<LedgerTicket> tickets;
  for (int i = 0; i < 12; ++i) tickets.push_back(reserve(*ledger, "a", dollars(1)).ticket);
  const Instant next = kNow + days(1);
  int closed = 0;
  for (const LedgerTicket ticket : tickets) {
    const CloseStatus status = ledger->settle(ticket, kSettleMax, next);
    closed += status == CloseStatus::kClosed ? 1 : 0;
    EXPECT_EQ(status == CloseStatus::kTooMuch, closed == 4 && ticket != tickets[3]);
    EXPECT_EQ(line_of(*ledger, "a", "day", next).free, dollars(100));
    expect_conserves(*ledger, next);
  }
  EXPECT_EQ(closed, 4);
  EXPECT_EQ(ledger->open_tickets(), 8u);
}

// Goal: no settlement of any size, in any order and any window, takes the books out of what Money
// can hold, and each is counted in full or not at all.
// Method: random costs of all sizes for tickets of all ages; every line is checked, and what an
// absolute budget has settled is what was accepted.
TEST(LedgerTest, NoSettlementBreaksTheBooks) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
    Budget total = budget_of("total", dollars(1'000), {.kind = WindowKind::kAbsolute});
    total.mode = BudgetMode::kObserve;
    total.window.from = kNow;
    total.window.until = kNow + days(400);
    Budget day = budget_of("day", dollars(900), utc(WindowKind::kDay));
    Budget rolling = budget_of("rolling", dollars(800), hours_of(WindowKind::kRolling, 48));
    Budget session = budget_of("session", dollars(700), hours_of(WindowKind::kSession, 5));
    for (Budget* one : {&day, &rolling, &session}) one->mode = BudgetMode::kObserve;
    const auto ledger = ledger_of(config_of({total, day, rolling, session}));
    std::vector<LedgerTicket> open;
    Money accepted;
    Instant now = kNow;
    for (int step = 0; step < 150; ++step) {
      now += hours(random.below(20));
      const Reservation got = reserve(*ledger, "a", dollars(1), now);
      if (got.status == ReserveStatus::kReserved) open.push_back(got.ticket);
      if (open.empty()) continue;
      const std::size_t which = random.below(open.size());
      const Money costs[] = {dollars(2), kReserveMax, kReserveMax + Money(1), kSettleMax};
      const Money cost = costs[random.below(4)];
      const CloseStatus status = ledger->settle(open[which], cost, now);
      ASSERT_TRUE(status == CloseStatus::kClosed || status == CloseStatus::kTooMuch);
      if (status == CloseStatus::kClosed) {
        accepted += cost;
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      }
      expect_conserves(*ledger, now);
    }
    EXPECT_EQ(line_of(*ledger, "a", "total", now).settled, accepted);
    EXPECT_GT(accepted, dollars(3'000'000'000)) << "this shows little";
  }
}

TEST(LedgerTest, AllocatesNothingOnTheHotPath) {
  const auto ledger = ledger_of(chain_config());
  const ScopeId scopes[] = {ledger->find("other"), ledger->find("tag")};
  const Ask ask{scopes, dollars(1), dollars(1), kNow + minutes(1)};
  ledger->release(ledger->reserve(ask, kNow).ticket, kNow);  // The first ticket makes room.
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1'000; ++i) {
    const Reservation first = ledger->reserve(ask, kNow + minutes(i));
    ledger->count(first.ticket, Money(1));
    (void)ledger->top_up(first.ticket, Money(1), Money(1), kNever, kNow + minutes(i));
    ledger->settle(first.ticket, Money(i), kNow + minutes(i));
    (void)ledger->find("other");
    (void)ledger->expire(kNow);
  }
  EXPECT_EQ(allocations(), before);
}

}  // namespace
}  // namespace fare
