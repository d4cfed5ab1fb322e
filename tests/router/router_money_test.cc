// Goal: what an attempt may cost is reserved before it is made, in the words of the contract.
// Method: figures worked out by hand.

#include <gmock/gmock.h>

#include "fare/reservation.h"
#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;
using testing::ElementsAre;

const std::string kCheapOnly = R"([{"name": "r", "candidates": ["cheap"]}])";
const std::string kTwo = R"([{"name": "r", "candidates": ["cheap", "middle"]}])";

Request paid(std::int64_t input, std::optional<std::int64_t> output = {}) {
  Request request = request_of("simple", input);
  request.scopes = kPayerA;
  if (output) request.max_output = Tokens(*output);
  return request;
}

BudgetReport books(const Router& router, std::string_view scope, Instant now = kNow) {
  for (const BudgetReport& line : router.budgets(now)) {
    if (line.scope == scope && !line.is_past) return line;
  }
  ADD_FAILURE() << "no budget of " << scope;
  return {};
}

TEST(RouterMoneyTest, ReservesTheDearestThatCanBe) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("1")});
  // The caller's cap; the model's 1,000; what its context of 10,000 leaves.
  EXPECT_EQ(router->route(paid(1'000, 500), kNow).reserved, Money(1'000'000 + 1'000'000));
  EXPECT_EQ(router->route(paid(1'000), kNow).reserved, Money(1'000'000 + 2'000'000));
  EXPECT_EQ(router->route(paid(9'500), kNow).reserved, Money(9'500'000 + 1'000'000));
  EXPECT_EQ(books(*router, "a").reserved, Money(2'000'000 + 3'000'000 + 10'500'000));
}

TEST(RouterMoneyTest, WhoPaysNothingReservesNothing) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("0")});
  const Decision decision = router->route(request_of("simple", 10), kNow);
  EXPECT_EQ(decision.refusal, Refusal::kNone);
  EXPECT_EQ(decision.reserved, Money());
}

TEST(RouterMoneyTest, WhatNothingBoundsIsNotPromised) {
  const std::string rules = R"([{"name": "r", "candidates": ["middle"]}])";
  const auto strict =
      router_of({.prices = prices(), .policy = policy_with(rules), .budgets = daily("100")});
  const Decision decision = strict->route(paid(10), kNow);
  EXPECT_EQ(verdicts(*strict, decision), "middle:output_unbounded");
  EXPECT_EQ(decision.refusal, Refusal::kNoTarget);
  EXPECT_EQ(strict->route(paid(10, 5), kNow).refusal, Refusal::kNone);
  // A budget that reserves quantiles needs no bound.
  const auto soft = router_of({.prices = prices(),
                               .policy = policy_with(rules),
                               .budgets = budgets_with(R"([{"id": "a", "kind": "org", "budgets": [
                 {"id": "day", "limit_usd": "1", "mode": "expected",
                  "window": {"kind": "day", "zone": "UTC"}}]}])")});
  EXPECT_EQ(soft->route(paid(10), kNow).refusal, Refusal::kNone);
}

TEST(RouterMoneyTest, ThePriceOfTheBandThatAppliesIsReserved) {
  const auto router =
      router_of({.prices = prices(),
                 .policy = policy_with(R"([{"name": "r", "candidates": ["middle"]}])"),
                 .budgets = daily("100")});
  EXPECT_EQ(router->route(paid(1'000, 1), kNow).reserved, Money(10'000'000 + 20'000));
  EXPECT_EQ(router->route(paid(1'001, 1), kNow).reserved, Money(1'001'000'000 + 2'000'000));
}

TEST(RouterMoneyTest, RefusesWithTheInstantToRetry) {
  const auto router =
      router_of({.prices = prices(),
                 .policy = policy_with(R"([{"name": "r", "candidates": ["cheap", "ending"]}])"),
                 .budgets = daily("0.002")});
  const Request request = paid(1'000, 100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(plan(*router, router->route(request, kNow)), "ending");  // $0.0006 each.
  }
  const Decision fourth = router->route(request, kNow);
  EXPECT_EQ(fourth.refusal, Refusal::kOverBudget);
  EXPECT_EQ(verdicts(*router, fourth), "cheap:over_budget ending:over_budget");
  EXPECT_EQ(fourth.retry_at, at("2026-11-24T00:00:00Z"));
  EXPECT_EQ(fourth.ticket, Ticket{});
  EXPECT_EQ(router->route(paid(100, 10), kNow).refusal, Refusal::kNone);  // $0.00006 fits.
}

TEST(RouterMoneyTest, TriesTheNextCandidateBeforeItRefuses) {
  // Ten tokens are expected, 1,000 may come: then "middle", that is cheaper here, is dearer.
  const std::string rules =
      R"([{"name": "r", "candidates": ["middle", "cheap"], "quality_floor": 0.4,
      "objective": {"utility": {"usd_per_answer": "1"}}}])";
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(rules), .budgets = daily("0.01")});
  Request request = paid(1'000, 1'000);
  request.request_class = "complex";
  const Decision decision = router->route(request, kNow);  // $0.03 or $0.003.
  EXPECT_EQ(verdicts(*router, decision), "middle:over_budget cheap:chosen");
  EXPECT_EQ(decision.reserved, Money(3'000'000));
  EXPECT_TRUE(decision.degradations.empty());
}

TEST(RouterMoneyTest, AProvidersBudgetLeavesOthersFree) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kTwo), .budgets = budgets_with(R"([
        {"id": "a", "kind": "org", "budgets": [
          {"id": "day", "limit_usd": "10", "window": {"kind": "day", "zone": "UTC"}}]},
        {"id": "provider:v", "kind": "provider", "budgets": [
          {"id": "day", "limit_usd": "5", "window": {"kind": "day", "zone": "UTC"}}]},
        {"id": "model:cheap", "kind": "model", "budgets": [
          {"id": "day", "limit_usd": "0.001", "window": {"kind": "day", "zone": "UTC"}}]}])")});
  const Decision first = router->route(paid(100, 100), kNow);  // $0.0003.
  EXPECT_EQ(plan(*router, first), "cheap");
  EXPECT_EQ(books(*router, "model:cheap").reserved, Money(300'000));
  EXPECT_EQ(books(*router, "provider:v").reserved, Money(300'000));
  (void)router->route(paid(100, 100), kNow);
  (void)router->route(paid(100, 100), kNow);
  const Decision fourth = router->route(paid(100, 100), kNow);
  EXPECT_EQ(plan(*router, fourth), "middle");
  EXPECT_EQ(verdicts(*router, fourth), "cheap:over_budget middle:chosen");
  EXPECT_EQ(books(*router, "provider:v").reserved, Money(900'000 + 3'000'000));
}

TEST(RouterMoneyTest, SettlesExactlyAndOnce) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("1")});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  const Attempt attempts[] = {answered(decision.plan()[0], 1'000, 7)};
  const Settlement settlement = router->settle(decision.ticket, {attempts}, kNow);
  EXPECT_EQ(settlement.charged, Money(1'014'000));
  EXPECT_EQ(books(*router, "a").settled, Money(1'014'000));
  EXPECT_EQ(books(*router, "a").reserved, Money());
  const Settlement again = router->settle(decision.ticket, {attempts}, kNow);
  EXPECT_EQ(again.status, SettleStatus::kAlreadySettled);
  EXPECT_EQ(again.total, Cost());
  EXPECT_EQ(books(*router, "a").settled, Money(1'014'000));
}

TEST(RouterMoneyTest, ALateSettlementGoesToItsOwnWindow) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("1")});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  const Instant later = kNow + hours(30);
  EXPECT_EQ(books(*router, "a", later).reserved, Money());
  const Attempt attempts[] = {answered(decision.plan()[0], 1'000, 7)};
  router->settle(decision.ticket, {attempts}, later);
  EXPECT_EQ(books(*router, "a", later).settled, Money());
}

TEST(RouterMoneyTest, AnUnknownCostIsWhatWasReserved) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("1")});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  const Attempt silent[] = {{.target = decision.plan()[0], .started = kNow, .answered = true}};
  const Settlement settlement = router->settle(decision.ticket, {silent}, kNow);
  EXPECT_EQ(settlement.cost_status, CostStatus::kUsageMissing);
  EXPECT_EQ(settlement.total, Cost());
  EXPECT_EQ(settlement.charged, decision.reserved);
  EXPECT_EQ(books(*router, "a").settled, decision.reserved);
}

// The models, where a million input tokens of "cheap" cost so much.
PriceBook prices_at(const std::string& usd) {
  std::string text(kPrices);
  const std::string_view one = R"("input": "1")";
  text.replace(text.find(one), one.size(), R"("input": ")" + usd + '"');
  const PriceBook::Source source{"prices.json", text};
  return PriceBook::parse({&source, 1}).value();
}

// A vendor may report any usage: a budget of ten dollars then owes a hundred million.
TEST(RouterMoneyTest, AnAbsurdCostIsChargedWholeAndOwed) {
  for (const char* usd : {"1", "100", "999.999999"}) {
    SCOPED_TRACE(usd);
    const auto router = router_of(
        {.prices = prices_at(usd), .policy = policy_with(kCheapOnly), .budgets = daily("10")});
    const Decision decision = router->route(paid(1'000, 10), kNow);
    const Attempt attempts[] = {answered(decision.plan()[0], kTokensMax.count(), 1)};
    const Settlement done = router->settle(decision.ticket, {attempts}, kNow);
    EXPECT_EQ(done.total, Cost(parse_usd(usd)->count() * 1'000'000 + 2'000'000));
    EXPECT_GT(done.charged, kReserveMax);
    EXPECT_EQ(Cost(Int128{done.charged.count()} * 1'000), done.total);
    EXPECT_EQ(done.uncharged, Cost());
    const BudgetReport today = books(*router, "a");
    EXPECT_EQ(today.settled, done.charged);
    EXPECT_EQ(today.reserved, Money());
    EXPECT_EQ(today.limit, today.settled + today.reserved + today.leased + today.free);
    const Instant tomorrow = kNow + hours(24);
    EXPECT_EQ(books(*router, "a", tomorrow).free, Money(20'000'000'000) - done.charged);
    EXPECT_EQ(router->route(paid(1'000, 10), tomorrow).refusal, Refusal::kOverBudget);
  }
}

// What no books can hold is said, to the picodollar: never cut off without a word.
TEST(RouterMoneyTest, WhatTheBooksCannotHoldIsTold) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"], "fallback": ["middle"]}])";
  for (const char* usd : {"1001", "10000", "1000000"}) {  // In all 1, 10 and 1,000 billion.
    SCOPED_TRACE(usd);
    const auto router = router_of(
        {.prices = prices_at(usd), .policy = policy_with(rules), .budgets = daily("5000")});
    const Decision decision = router->route(paid(1'000, 10), kNow);
    ASSERT_EQ(plan(*router, decision), "cheap middle");
    const std::vector<Attempt> attempts = {answered(decision.plan()[0], kTokensMax.count(), 3),
                                           answered(decision.plan()[1], 1'000, 100)};
    // An answer that was not good enough.
    ASSERT_EQ(router->top_up(decision.ticket, attempts[0], decision.plan()[1], kNow).status,
              TopUpStatus::kGranted);
    const Settlement done = router->settle(decision.ticket, {attempts}, kNow);
    EXPECT_EQ(done.status, SettleStatus::kSettled);
    EXPECT_EQ(done.charged, kReserveMax + Money(12'000'000));
    EXPECT_EQ(done.uncharged + Cost(Int128{done.charged.count()} * 1'000), done.total);
    EXPECT_EQ(books(*router, "a").settled, done.charged);
    EXPECT_EQ(books(*router, "a").reserved, Money());
    EXPECT_EQ(router->stats().cost, done.total);
    EXPECT_EQ(router->stats().open, 0u);
  }
}

// A hundred requests of a hundred million dollars: the books take the first forty, and the others
// kReserveMax each.
TEST(RouterMoneyTest, FullBooksTakeNoMoreAndSaySo) {
  const auto router = router_of(
      {.prices = prices_at("100"), .policy = policy_with(kCheapOnly), .budgets = daily("1000")});
  std::vector<Ticket> tickets;
  for (int i = 0; i < 100; ++i) tickets.push_back(router->route(paid(1'000, 10), kNow).ticket);
  const Attempt attempts[] = {answered(TargetId{0}, kTokensMax.count(), 0)};
  Cost total;
  Cost uncharged;
  Money charged;
  int whole = 0;
  for (const Ticket ticket : tickets) {
    const Settlement done = router->settle(ticket, {attempts}, kNow);
    ASSERT_EQ(done.status, SettleStatus::kSettled);
    whole += done.uncharged == Cost() ? 1 : 0;
    total += done.total;
    uncharged += done.uncharged;
    charged += done.charged;
  }
  EXPECT_EQ(whole, 40);
  EXPECT_EQ(uncharged + Cost(Int128{charged.count()} * 1'000), total);
  const BudgetReport line = books(*router, "a");
  EXPECT_EQ(line.settled, charged);
  EXPECT_EQ(line.limit, line.settled + line.reserved + line.leased + line.free);
}

TEST(RouterMoneyTest, ARequestThatWasNeverSentCostsNothing) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("1")});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  EXPECT_EQ(router->settle(decision.ticket, {}, kNow).charged, Money());
  EXPECT_EQ(books(*router, "a").free, books(*router, "a").limit);
  EXPECT_EQ(router->state(TargetId{0}, kNow).open, 0);
}

struct AbortCase {
  std::string policy;
  bool counted;
  SettleStatus status;
  Money charged;  // Of $0.002 reserved.
};

TEST(RouterMoneyTest, CutStreamsArePaidByTheAbortPolicy) {
  const AbortCase cases[] = {
      {"charge_reserved", true, SettleStatus::kSettled, Money(2'000'000)},
      {"charge_counted", true, SettleStatus::kSettled, Money(1'000'000 + 60'000)},
      {"charge_counted", false, SettleStatus::kSettled, Money(2'000'000)},
      {"drain", true, SettleStatus::kDraining, Money()},
  };
  for (const AbortCase& one : cases) {
    SCOPED_TRACE(one.policy);
    const auto router =
        router_of({.prices = prices(),
                   .policy = policy_with(kCheapOnly),
                   .budgets = daily("1", "\"on_abort\": \"" + one.policy + "\", ")});
    const Decision decision = router->route(paid(1'000, 500), kNow);
    Attempt cut = failed(decision.plan()[0], AttemptEnd::kCutOff);
    if (one.counted) cut.counted = usage_of(1'000, 30);
    const Settlement settlement = router->settle(decision.ticket, {{&cut, 1}}, kNow);
    EXPECT_EQ(settlement.status, one.status);
    EXPECT_EQ(settlement.charged, one.charged);
    EXPECT_EQ(books(*router, "a").settled, one.charged);
    if (one.status != SettleStatus::kDraining) continue;
    EXPECT_EQ(books(*router, "a").reserved, decision.reserved);
    cut.usage = usage_of(1'000, 40);
    EXPECT_EQ(router->settle(decision.ticket, {{&cut, 1}}, kNow).charged, Money(1'080'000));
    EXPECT_EQ(router->stats().settled, 1);
  }
}

TEST(RouterMoneyTest, FurtherAttemptsAreReservedFirst) {
  const std::string rules =
      R"([{"name": "r", "candidates": ["cheap"], "fallback": ["middle", "dear"]}])";
  const auto router = router_of(
      {.prices = prices(),
       .policy = policy_with(rules, {.policy = R"("retry": {"per_1000": 1000},)", .cheap = {}}),
       .budgets = daily("0.2")});
  const Decision decision = router->route(paid(1'000, 500), kNow);  // $0.002.
  ASSERT_EQ(plan(*router, decision), "cheap middle dear");
  const Attempt first = failed(decision.plan()[0]);
  const TopUp dear = router->top_up(decision.ticket, first, decision.plan()[2], kNow);  // $0.2.
  EXPECT_EQ(dear.status, TopUpStatus::kOverBudget);
  EXPECT_EQ(dear.retry_at, at("2026-11-24T00:00:00Z"));
  const TopUp middle = router->top_up(decision.ticket, first, decision.plan()[1], kNow);
  EXPECT_EQ(middle.status, TopUpStatus::kGranted);
  EXPECT_EQ(middle.reserved, Money(20'000'000));
  EXPECT_EQ(books(*router, "a").reserved, Money(22'000'000));
  const Attempt attempts[] = {first, answered(decision.plan()[1], 1'000, 10)};
  EXPECT_EQ(router->settle(decision.ticket, {attempts}, kNow).charged, Money(10'200'000));
  EXPECT_EQ(books(*router, "a").settled, Money(10'200'000));
  EXPECT_EQ(router->stats().topped_up, 1);
}

TEST(RouterMoneyTest, AStreamPastItsBoundAsksForMore) {
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(kCheapOnly), .budgets = daily("0.003")});
  const Decision decision = router->route(paid(1'000, 500), kNow);  // $0.002.
  EXPECT_EQ(router->extend(decision.ticket, Tokens(400), kNow), TopUpStatus::kGranted);
  EXPECT_EQ(books(*router, "a").reserved, Money(2'000'000));
  EXPECT_EQ(router->extend(decision.ticket, Tokens(1'000), kNow), TopUpStatus::kGranted);
  EXPECT_EQ(books(*router, "a").reserved, Money(3'000'000));
  EXPECT_EQ(router->extend(decision.ticket, Tokens(1'001), kNow), TopUpStatus::kOverBudget);
  EXPECT_EQ(books(*router, "a").reserved, Money(3'000'000));
  EXPECT_EQ(router->extend(Ticket{}, Tokens(1), kNow), TopUpStatus::kNoTicket);
}

struct ExpiryCase {
  std::string policy;
  Money charged;
};

TEST(RouterMoneyTest, LostTicketsAreClosedByTheExpiryPolicy) {
  // Two attempts of at most $0.002; the first one is known to have cost $0.00102.
  const ExpiryCase cases[] = {{"charge_reserved", Money(4'000'000)},
                              {"charge_counted", Money(1'020'000 + 2'000'000)},
                              {"release", Money()}};
  for (const ExpiryCase& one : cases) {
    SCOPED_TRACE(one.policy);
    const auto router = router_of(
        {.prices = prices(),
         .policy = policy_with(R"([{"name": "r", "candidates": ["cheap"], "fallback": ["twin"]}])"),
         .budgets = daily("1", "\"on_expiry\": \"" + one.policy + "\", "),
         .ticket_life = hours(1)});
    const Decision decision = router->route(paid(1'000, 500), kNow);
    const Instant later = kNow + std::chrono::minutes(30);
    const Attempt poor = answered(decision.plan()[0], 1'000, 10);
    ASSERT_EQ(router->top_up(decision.ticket, poor, decision.plan()[1], later).status,
              TopUpStatus::kGranted);
    EXPECT_EQ(router->expire(kNow + hours(1)), 0u);  // The top-up set the deadline anew.
    EXPECT_EQ(router->expire(later + hours(1)), 1u);
    EXPECT_EQ(books(*router, "a").settled, one.charged);
    EXPECT_EQ(books(*router, "a").reserved, Money());
    EXPECT_EQ(router->settle(decision.ticket, {}, later).status, SettleStatus::kAlreadySettled);
    const RouterStats stats = router->stats();
    EXPECT_EQ(stats.expired, 1);
    EXPECT_EQ(stats.routed,
              stats.refused + stats.cached + stats.open + stats.settled + stats.expired);
    EXPECT_EQ(router->state(TargetId{0}, later).open + router->state(TargetId{4}, later).open, 0);
  }
}

// An attempt that cost more than could ever be reserved is charged whole when its ticket is lost,
// and not with what was reserved.
TEST(RouterMoneyTest, ALostTicketOwesWhatItIsKnownToHaveCost) {
  const auto router = router_of(
      {.prices = prices(),
       .policy = policy_with(R"([{"name": "r", "candidates": ["cheap"], "fallback": ["twin"]}])"),
       .budgets = daily("1", R"("on_expiry": "charge_counted", )"),
       .ticket_life = hours(1)});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  const Attempt poor = answered(decision.plan()[0], 1'000, 600'000'000'000);  // $1,200,000.001.
  ASSERT_EQ(router->top_up(decision.ticket, poor, decision.plan()[1], kNow).status,
            TopUpStatus::kGranted);
  EXPECT_EQ(router->expire(kNow + hours(2)), 1u);
  EXPECT_EQ(books(*router, "a").settled, Money(1'200'000'001'000'000 + 2'000'000));
  EXPECT_EQ(books(*router, "a").reserved, Money());
}

TEST(RouterMoneyTest, AnObservingBudgetOnlyTells) {
  const auto router = router_of({.prices = prices(),
                                 .policy = policy_with(kCheapOnly),
                                 .budgets = budgets_with(R"([{"id": "a", "kind": "org", "budgets": [
       {"id": "day", "limit_usd": "0.001", "mode": "observe",
        "window": {"kind": "day", "zone": "UTC"}}]}])")});
  const Decision decision = router->route(paid(1'000, 500), kNow);
  EXPECT_EQ(decision.refusal, Refusal::kNone);
  EXPECT_TRUE(decision.would_refuse);
}

TEST(RouterMoneyTest, ExpectedBudgetsReserveAQuantileOnceItIsKnown) {
  const auto router = router_of({.prices = prices(),
                                 .policy = policy_with(kCheapOnly),
                                 .budgets = budgets_with(R"([{"id": "a", "kind": "org", "budgets": [
       {"id": "day", "limit_usd": "10", "mode": "expected",
        "window": {"kind": "day", "zone": "UTC"}}]}])")});
  const auto reserved = [&] {
    const Money before = books(*router, "a").reserved;
    (void)router->route(paid(1'000, 500), kNow);
    return books(*router, "a").reserved - before;
  };
  EXPECT_EQ(reserved(), Money(2'000'000));
  for (int i = 0; i < 40; ++i) {
    const Decision decision = router->route(paid(1'000, 500), kNow);
    const Attempt attempts[] = {answered(decision.plan()[0], 1'000, i % 2 == 0 ? 90 : 110)};
    router->settle(decision.ticket, {attempts}, kNow);
  }
  // Mean 100, deviation 10: at least nine in ten are at most 100 + 10 * sqrt(0.9 / 0.1) = 130.
  EXPECT_EQ(reserved(), Money(1'000'000 + 260'000));
}

TEST(RouterMoneyTest, UnknownScopesAndTooManyBudgetsAreRefused) {
  std::string scopes;
  for (int i = 0; i < 3; ++i) {
    scopes += std::string(i == 0 ? "" : ",") + R"({"id": "s)" + std::to_string(i) +
              R"(", "kind": "tag", "budgets": [)";
    for (int k = 0; k < 6; ++k) {
      scopes += std::string(k == 0 ? "" : ",") + R"({"id": "b)" + std::to_string(k) +
                R"(", "limit_usd": "1", "window": {"kind": "day", "zone": "UTC"}})";
    }
    scopes += "]}";
  }
  const auto router = router_of({.prices = prices(),
                                 .policy = policy_with(kCheapOnly),
                                 .budgets = budgets_with("[" + scopes + "]")});
  EXPECT_EQ(router->route(paid(1), kNow).refusal, Refusal::kUnknownScope);
  static constexpr std::string_view kAll[] = {"s0", "s1", "s2"};
  Request request = paid(1);
  request.scopes = kAll;
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kTooManyBudgets);
  request.scopes = std::span(kAll).first(2);
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kNone);
}

TEST(RouterMoneyTest, ProblemsOfBudgetsAreToldWithAllOthers) {
  BudgetConfig budgets = daily("1");
  budgets.scopes[0].budgets[0].limit = Money(-1);
  budgets.scopes.push_back(budgets.scopes[0]);
  const auto router = Router::create({.prices = prices(),
                                      .policy = policy_with(kCheapOnly),
                                      .open_tickets_max = 1,
                                      .budgets = budgets,
                                      .ticket_life = Duration(0)},
                                     kNow);
  ASSERT_FALSE(router);
  std::vector<std::string> where;
  for (const Error& error : router.error()) where.push_back(error.where);
  EXPECT_THAT(where, testing::IsSupersetOf({"open_tickets_max", "ticket_life"}));
  EXPECT_GE(where.size(), 4u) << to_text(router.error());
}

}  // namespace
}  // namespace fare
