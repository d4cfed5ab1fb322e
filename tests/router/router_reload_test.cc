// Goal: a reload changes what it says, keeps what has a stable id, and changes nothing if it fails.

#include <gmock/gmock.h>

#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::seconds;

const std::string kTwo = R"([{"name": "r", "candidates": ["cheap", "middle"]}])";

Config config_of(const std::string& rules, const PolicyExtras& extras = {}) {
  return {.prices = prices(), .policy = policy_with(rules, extras), .budgets = daily("1")};
}

Request paid(std::int64_t input = 1'000) {
  Request request = request_of("simple", input);
  request.max_output = Tokens(500);
  request.scopes = kPayerA;
  return request;
}

TEST(RouterReloadTest, TellsWhatChanged) {
  const auto router = router_of(config_of(kTwo));
  const RouterReload same = *router->reload(config_of(kTwo), kNow);
  EXPECT_EQ(same.generation, 2u);
  EXPECT_FALSE(same.policy_changed);
  EXPECT_FALSE(same.prices_changed);
  EXPECT_EQ(same.targets_added + same.targets_changed + same.targets_removed, 0u);
  EXPECT_EQ(same.budgets.budgets_changed, 0u);
  Config next = config_of(kTwo, {.policy = {}, .cheap = R"(, "limits": {"concurrency": 3})"});
  next.budgets = daily("2");
  const RouterReload changed = *router->reload(next, kNow);
  EXPECT_EQ(changed.generation, 3u);
  EXPECT_TRUE(changed.policy_changed);
  EXPECT_EQ(changed.targets_changed, 1u);
  EXPECT_EQ(changed.budgets.budgets_changed, 1u);
}

TEST(RouterReloadTest, AFailureLeavesEverythingAsItWas) {
  const auto router = router_of(config_of(kTwo));
  const Decision before = router->route(paid(), kNow);
  Config bad = config_of(R"([{"name": "r", "candidates": ["dear"]}])");
  bad.budgets->scopes[0].budgets[0].limit = Money(-5);
  EXPECT_FALSE(router->reload(bad, kNow));
  Config late = config_of(R"([{"name": "r", "candidates": ["dear"]}])");
  EXPECT_FALSE(router->reload(late, at("2027-01-01T00:00:00Z"))) << "\"ending\" has no price then";
  const Decision after = router->route(paid(), kNow);
  EXPECT_EQ(plan(*router, after), plan(*router, before));
  EXPECT_EQ(after.generation, before.generation);
  EXPECT_EQ(router->reload(config_of(kTwo), kNow)->generation, 2u);
}

TEST(RouterReloadTest, OpenTicketsSettleAsTheyWereDecided) {
  const auto router = router_of(config_of(kTwo));
  const Decision decision = router->route(paid(), kNow);
  // Other prices, other target numbers, a smaller budget.
  std::string dearer(kPrices);
  const std::string cheap = R"("input": "1", "output": "2")";
  dearer.replace(dearer.find(cheap), cheap.size(), R"("input": "3", "output": "6")");
  const PriceBook::Source source{"prices.json", dearer};
  Config next = config_of(kTwo);
  next.prices = PriceBook::parse({&source, 1}).value();
  next.budgets = daily("0.001");
  EXPECT_TRUE(router->reload(next, kNow)->prices_changed);
  EXPECT_EQ(router->route(paid(), kNow).refusal, Refusal::kOverBudget);
  const Attempt attempts[] = {answered(decision.plan()[0], 1'000, 100)};
  const Settlement settlement = router->settle(decision.ticket, {attempts}, kNow);
  EXPECT_EQ(to_usd(settlement.total), "0.0012");
  const auto lines = router->budgets(kNow);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].settled, Money(1'200'000));
  EXPECT_EQ(lines[0].free, Money(-200'000));
}

TEST(RouterReloadTest, HealthLatencyAndLimitsGoOnByName) {
  const PolicyExtras extras{.policy = R"("health": {"failures_max": 1, "eject_min_ms": 60000},)",
                            .cheap = R"(, "limits": {"requests_per_minute": 2})"};
  const auto router = router_of(config_of(kTwo, extras));
  const Decision first = router->route(paid(), kNow);
  Attempt slow = answered(TargetId{0}, 1'000, 11);
  slow.first_token = seconds(2);
  slow.total = seconds(3);
  router->settle(first.ticket, {{&slow, 1}}, kNow);
  const Decision second = router->route(paid(), kNow);
  const Attempt error = failed(TargetId{0});
  router->settle(second.ticket, {{&error, 1}}, kNow);

  // The same targets in another order: "cheap" is number 1 now.
  const std::string text =
      R"({"format": "fare-policy/1", "name": "p", "expected_output_tokens": 100,
    "health": {"failures_max": 9, "eject_min_ms": 1},
    "classes": [{"name": "simple"}],
    "targets": [{"name": "middle", "model": "middle"},
                {"name": "cheap", "model": "cheap", "limits": {"requests_per_minute": 3}}],
    "rules": [{"name": "r", "candidates": ["cheap", "middle"]}]})";
  Config next = config_of(kTwo);
  next.policy = Policy::parse("policy.json", text).value();
  const RouterReload report = *router->reload(next, kNow);
  EXPECT_EQ(report.targets_removed, 3u);
  EXPECT_EQ(report.targets_changed, 1u);
  const TargetState state = router->state(TargetId{1}, kNow);
  EXPECT_EQ(router->target(TargetId{1}).name, "cheap");
  EXPECT_EQ(state.health, Breaker::State::kEjected);
  EXPECT_EQ(state.first_token, seconds(2));
  EXPECT_EQ(verdicts(*router, router->route(paid(), kNow + seconds(59))),
            "cheap:ejected middle:chosen");
  const Decision probe = router->route(paid(), kNow + seconds(60));
  EXPECT_EQ(plan(*router, probe), "cheap");
}

TEST(RouterReloadTest, RateLimitsAreNotForgottenByReloading) {
  const PolicyExtras extras{.policy = {}, .cheap = R"(, "limits": {"requests_per_minute": 2})"};
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"]}])";
  const auto router = router_of(config_of(rules, extras));
  (void)router->route(paid(), kNow);
  (void)router->route(paid(), kNow);
  ASSERT_TRUE(router->reload(config_of(rules, extras), kNow));
  EXPECT_EQ(router->route(paid(), kNow).refusal, Refusal::kRateLimited);
  ASSERT_TRUE(router->reload(config_of(rules), kNow));  // It has no limit now.
  EXPECT_EQ(router->route(paid(), kNow).refusal, Refusal::kNone);
  ASSERT_TRUE(router->reload(config_of(rules, extras), kNow));
  EXPECT_EQ(router->route(paid(), kNow).refusal, Refusal::kRateLimited);
}

TEST(RouterReloadTest, SixtyThreeOlderConfigurationsMayHaveOpenTickets) {
  const auto router = router_of(config_of(kTwo));
  std::vector<Ticket> open;
  Request request = paid(1);
  for (int i = 0; i < 63; ++i) {
    ++request.id;
    open.push_back(router->route(request, kNow).ticket);
    ASSERT_NE(open.back(), Ticket{});
    ASSERT_TRUE(router->reload(config_of(kTwo), kNow)) << i;
  }
  ++request.id;
  open.push_back(router->route(request, kNow).ticket);
  const auto refused = router->reload(config_of(kTwo), kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error()[0].code, ErrorCode::kConflict);
  EXPECT_EQ(router->settle(open[17], {}, kNow).status, SettleStatus::kSettled);
  EXPECT_TRUE(router->reload(config_of(kTwo), kNow));
  open.erase(open.begin() + 17);
  for (const Ticket ticket : open) {
    EXPECT_EQ(router->settle(ticket, {}, kNow).status, SettleStatus::kSettled);
  }
  EXPECT_EQ(router->stats().open, 0u);
}

TEST(RouterReloadTest, BudgetsMayComeAndGo) {
  const auto router = router_of({.prices = prices(), .policy = policy_with(kTwo)});
  EXPECT_TRUE(router->budgets(kNow).empty());
  const Decision free = router->route(paid(), kNow);
  ASSERT_TRUE(router->reload(config_of(kTwo), kNow));
  const Decision payed = router->route(paid(), kNow);
  EXPECT_EQ(router->budgets(kNow)[0].reserved, payed.reserved);
  ASSERT_TRUE(router->reload({.prices = prices(), .policy = policy_with(kTwo)}, kNow));
  EXPECT_TRUE(router->budgets(kNow).empty());
  const Attempt attempts[] = {answered(TargetId{0}, 1'000, 100)};
  EXPECT_EQ(router->settle(free.ticket, {attempts}, kNow).charged, Money());
  EXPECT_EQ(router->settle(payed.ticket, {attempts}, kNow).charged, Money(1'200'000));
  ASSERT_TRUE(router->reload(config_of(kTwo), kNow));
  EXPECT_EQ(router->budgets(kNow)[0].settled, Money(1'200'000));
}

TEST(RouterReloadTest, ExplainsDecisionsOfOlderConfigurations) {
  const auto router = router_of(config_of(kTwo));
  const Decision decision = router->route(paid(), kNow);
  const std::string before = router->explain(decision);
  Config next = config_of(kTwo);
  next.policy = Policy::parse("policy.json", R"({"format": "fare-policy/1", "name": "p",
      "expected_output_tokens": 100, "targets": [{"name": "only", "model": "dear"}],
      "rules": [{"name": "all", "candidates": ["only"]}]})")
                    .value();
  ASSERT_TRUE(router->reload(next, kNow));
  EXPECT_EQ(router->explain(decision), before);
}

}  // namespace
}  // namespace fare
