// Goal: a second attempt beside a slow one is made only when it may be, and only for money that was
// set aside for it.

#include <gmock/gmock.h>

#include "base/random.h"
#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr Duration kAfter = milliseconds(800);
const std::string kHedged = R"([{"name": "r", "candidates": ["cheap"], "fallback": ["dear"],
                                 "hedge": {"after_ms": 800, "scope": "hedges"}}])";
// One failure ejects a target.
const PolicyExtras kRetries{
    .policy = R"("retry": {"per_1000": 1000}, "health": {"failures_max": 1},)", .cheap = {}};

// Somebody pays $100 a day, hedges $0.5.
BudgetConfig budgets(const std::string& mode = "strict") {
  return budgets_with(R"([
      {"id": "a", "kind": "org", "budgets": [
        {"id": "day", "limit_usd": "100", "window": {"kind": "day", "zone": "UTC"}}]},
      {"id": "hedges", "kind": "tag", "budgets": [
        {"id": "day", "limit_usd": "0.5", "mode": ")" +
                      mode + R"(", "window": {"kind": "day", "zone": "UTC"}}]}])");
}

std::unique_ptr<Router> hedging_router() {
  return router_of(
      {.prices = prices(), .policy = policy_with(kHedged, kRetries), .budgets = budgets()});
}

// Its worst costs are $0.002 at cheap and $0.2 at dear.
Request asked() {
  Request request = request_of("simple", 1'000);
  request.max_output = Tokens(500);
  request.scopes = kPayerA;
  return request;
}

BudgetReport books(const Router& router, std::string_view scope) {
  for (const BudgetReport& line : router.budgets(kNow)) {
    if (line.scope == scope && !line.is_past) return line;
  }
  ADD_FAILURE() << "no budget of " << scope;
  return {};
}

TEST(RouterHedgeTest, MayBeMadeOnceAndNotTooEarly) {
  const auto router = hedging_router();
  const Decision decision = router->route(asked(), kNow);
  ASSERT_EQ(decision.hedge_after, kAfter);
  const TargetId cheap = decision.plan()[0];
  const TargetId dear = decision.plan()[1];
  const TopUp early = router->hedge(decision.ticket, dear, kNow + kAfter - Duration(1));
  EXPECT_EQ(early.status, TopUpStatus::kTooEarly);
  EXPECT_EQ(early.retry_at, kNow + kAfter);
  const Instant due = kNow + kAfter;
  EXPECT_EQ(router->hedge(decision.ticket, cheap, due).status, TopUpStatus::kVisited);
  EXPECT_EQ(router->hedge(decision.ticket, TargetId{3}, due).status, TopUpStatus::kNotInPlan);
  EXPECT_EQ(router->hedge(Ticket{}, dear, due).status, TopUpStatus::kNoTicket);
  EXPECT_EQ(router->state(dear, due).open, 0);
  EXPECT_EQ(router->hedge(decision.ticket, dear, due).status, TopUpStatus::kGranted);
  EXPECT_EQ(router->state(dear, due).open, 1);
  EXPECT_EQ(router->hedge(decision.ticket, dear, due).status, TopUpStatus::kNoHedge);
}

TEST(RouterHedgeTest, ARuleThatDoesNotHedgeHasNone) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"], "fallback": ["dear"]}])";
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(rules, kRetries), .budgets = budgets()});
  const Decision decision = router->route(asked(), kNow);
  EXPECT_FALSE(decision.hedge_after);
  EXPECT_EQ(router->hedge(decision.ticket, decision.plan()[1], kNow + kAfter).status,
            TopUpStatus::kNoHedge);
}

TEST(RouterHedgeTest, BothArePaidAndTheSecondByItsOwnBudgetToo) {
  const auto router = hedging_router();
  const Decision decision = router->route(asked(), kNow);
  const Instant due = kNow + kAfter;
  EXPECT_EQ(router->hedge(decision.ticket, decision.plan()[1], due).reserved, Money(200'000'000));
  EXPECT_EQ(books(*router, "a").reserved, Money(202'000'000));
  EXPECT_EQ(books(*router, "hedges").reserved, Money(200'000'000));
  // The first one breaks, and nobody knows what it had written.
  const Attempt attempts[] = {failed(decision.plan()[0], AttemptEnd::kCutOff),
                              answered(decision.plan()[1], 1'000, 10, due)};
  const Settlement settlement = router->settle(decision.ticket, {attempts}, due);
  EXPECT_EQ(settlement.charged, Money(2'000'000 + 102'000'000));
  EXPECT_EQ(books(*router, "a").settled, settlement.charged);
  EXPECT_EQ(books(*router, "hedges").settled, Money(102'000'000));
  EXPECT_EQ(books(*router, "hedges").reserved, Money());
  EXPECT_EQ(router->state(decision.plan()[0], due).open, 0);
  EXPECT_NE(router->state(decision.plan()[0], due).health, Breaker::State::kClosed) << "it broke";
}

TEST(RouterHedgeTest, TheLoserIsPaidButHasNotFailed) {
  for (const bool is_known : {false, true}) {
    SCOPED_TRACE(is_known);
    const auto router = hedging_router();
    const Decision decision = router->route(asked(), kNow);
    const Instant due = kNow + kAfter;
    (void)router->hedge(decision.ticket, decision.plan()[1], due);
    Attempt loser = failed(decision.plan()[0], AttemptEnd::kCancelled);
    if (is_known) loser.usage = usage_of(1'000, 3);
    const Attempt attempts[] = {loser, answered(decision.plan()[1], 1'000, 10, due)};
    const Settlement settlement = router->settle(decision.ticket, {attempts}, due);
    EXPECT_EQ(settlement.charged, Money((is_known ? 1'006'000 : 2'000'000) + 102'000'000));
    EXPECT_EQ(settlement.cost_status, is_known ? CostStatus::kPriced : CostStatus::kUsageMissing);
    EXPECT_EQ(router->state(decision.plan()[0], due).health, Breaker::State::kClosed);
  }
  // Without a hedge, who was cancelled before its answer began is not billed.
  const auto router = hedging_router();
  const Decision decision = router->route(asked(), kNow);
  const Attempt cancelled[] = {failed(decision.plan()[0], AttemptEnd::kCancelled)};
  EXPECT_EQ(router->settle(decision.ticket, {cancelled}, kNow).charged, Money());
}

TEST(RouterHedgeTest, NeverCostMoreThanTheirBudget) {
  const auto router = hedging_router();
  RandomStream luck(RandomKey(7, 0, Purpose::kExplore), 0);
  int granted = 0;
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    const Decision decision = router->route(asked(), kNow);
    const TopUp hedge = router->hedge(decision.ticket, decision.plan()[1], kNow + kAfter);
    std::vector<Attempt> attempts = {answered(decision.plan()[0], 1'000, 100)};
    if (hedge.status == TopUpStatus::kGranted) {
      ++granted;
      const auto output = static_cast<std::int64_t>(luck.below(501));
      attempts.push_back(answered(decision.plan()[1], 1'000, output));
    } else {
      ++refused;
      EXPECT_EQ(hedge.status, TopUpStatus::kOverBudget);
      EXPECT_EQ(hedge.retry_at, at("2026-11-24T00:00:00Z"));
    }
    router->settle(decision.ticket, {attempts}, kNow);
    const BudgetReport line = books(*router, "hedges");
    EXPECT_GE(line.free, Money());
    EXPECT_EQ(line.limit, line.settled + line.reserved + line.leased + line.free);
  }
  EXPECT_GE(granted, 2);
  EXPECT_GE(refused, 30);
}

TEST(RouterHedgeTest, TakesFromTheRetryBudget) {
  const auto router = router_of(
      {.prices = prices(),
       .policy = policy_with(kHedged, {.policy = R"("retry": {"per_1000": 0},)", .cheap = {}}),
       .budgets = budgets()});
  const Decision decision = router->route(asked(), kNow);
  EXPECT_EQ(router->hedge(decision.ticket, decision.plan()[1], kNow + kAfter).status,
            TopUpStatus::kNoRetriesLeft);
  EXPECT_EQ(books(*router, "hedges").reserved, Money());
}

TEST(RouterHedgeTest, NeedsMoneyThatEnds) {
  const auto problems = [](std::optional<BudgetConfig> config) {
    const auto router = Router::create(
        {.prices = prices(), .policy = policy_with(kHedged), .budgets = std::move(config)}, kNow);
    return router ? std::string() : to_text(router.error());
  };
  EXPECT_EQ(problems(budgets()), "");
  EXPECT_THAT(problems(std::nullopt),
              HasSubstr("policy.json#/rules/0/hedge/scope: \"hedges\" is not a scope"));
  EXPECT_THAT(problems(budgets("observe")), HasSubstr("no budget that limits what hedges cost"));
}

}  // namespace
}  // namespace fare
