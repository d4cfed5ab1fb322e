// Goal: limits, health, retries and the ladder as their contracts say, through the router.
// Method: figures worked out by hand; time is an argument.

#include <gmock/gmock.h>

#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const std::string kTwo = R"([{"name": "r", "candidates": ["cheap", "middle"]}])";
const std::string kChain =
    R"([{"name": "r", "candidates": ["cheap"], "fallback": ["middle", "dear"]}])";

Config config_of(const std::string& rules, const PolicyExtras& extras = {}) {
  return {.prices = prices(), .policy = policy_with(rules, extras)};
}

constexpr std::string_view kTwoAMinute = R"(, "limits": {"requests_per_minute": 2})";

TEST(RouterLimitsTest, WhoIsLimitedLeavesItToTheNext) {
  const auto router = router_of(config_of(kTwo, {.policy = {}, .cheap = std::string(kTwoAMinute)}));
  const Request request = request_of("simple", 10);
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "cheap");
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "cheap");
  const Decision third = router->route(request, kNow);
  EXPECT_EQ(verdicts(*router, third), "cheap:rate_limited middle:chosen");
  EXPECT_FALSE(third.retry_at);
}

TEST(RouterLimitsTest, WhenAllAreLimitedItSaysUntilWhen) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"]}])";
  const auto router =
      router_of(config_of(rules, {.policy = {}, .cheap = std::string(kTwoAMinute)}));
  const Request request = request_of("simple", 10);
  (void)router->route(request, kNow);
  (void)router->route(request, kNow);
  const Decision third = router->route(request, kNow);
  EXPECT_EQ(third.refusal, Refusal::kRateLimited);
  EXPECT_EQ(third.retry_at, kNow + seconds(30));
  EXPECT_EQ(router->route(request, kNow + seconds(30)).refusal, Refusal::kNone);
}

TEST(RouterLimitsTest, SettlingCorrectsTheEstimateAndFreesTheSlot) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"]}])";
  const auto router = router_of(
      config_of(rules, {.policy = {}, .cheap = R"(, "limits": {"input_tokens_per_minute": 1000,
                                                     "concurrency": 1})"}));
  const Decision first = router->route(request_of("simple", 900), kNow);
  const Decision second = router->route(request_of("simple", 900), kNow);
  EXPECT_EQ(second.refusal, Refusal::kRateLimited);
  EXPECT_EQ(router->state(TargetId{0}, kNow).open, 1u);
  const Attempt attempts[] = {answered(first.plan()[0], 100, 5)};
  router->settle(first.ticket, {attempts}, kNow);
  EXPECT_EQ(router->route(request_of("simple", 900), kNow).refusal, Refusal::kNone);
}

TEST(RouterLimitsTest, WhatAVendorSaysCounts) {
  const auto router = router_of(config_of(kTwo, {.policy = {}, .cheap = std::string(kTwoAMinute)}));
  const Request request = request_of("simple", 10);
  EXPECT_TRUE(router->observe(
      TargetId{0}, {.part = LimitPart::kRequests, .remaining = 0, .window_end = {}}, kNow));
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "middle");
  EXPECT_TRUE(router->hold(TargetId{0}, kNow + minutes(3), kNow));
  EXPECT_EQ(plan(*router, router->route(request, kNow + minutes(2))), "middle");
  EXPECT_EQ(plan(*router, router->route(request, kNow + minutes(3))), "cheap");
  EXPECT_FALSE(router->observe(
      TargetId{1}, {.part = LimitPart::kRequests, .remaining = 0, .window_end = {}}, kNow))
      << "it has no limits";
}

TEST(RouterLimitsTest, AFailingTargetIsEjectedProbedAndRampedUp) {
  const auto router = router_of(config_of(kTwo, {.policy = R"("health": {"failures_max": 3,
      "eject_min_ms": 10000, "probes_needed": 1, "ramp_ms": 100000, "ramp_from": 0.2},)",
                                                 .cheap = {}}));
  Request request = request_of("simple", 10);
  Instant now = kNow;
  for (int i = 0; i < 3; ++i) {
    const Decision decision = router->route(request, now);
    ASSERT_EQ(plan(*router, decision), "cheap");
    const Attempt attempt = failed(TargetId{0}, AttemptEnd::kTimeout, now);
    router->settle(decision.ticket, {{&attempt, 1}}, now);
  }
  EXPECT_EQ(router->state(TargetId{0}, now).health, Breaker::State::kEjected);
  EXPECT_EQ(verdicts(*router, router->route(request, now)), "cheap:ejected middle:chosen");
  now += seconds(10);
  const Decision probe = router->route(request, now);
  EXPECT_EQ(plan(*router, probe), "cheap");
  EXPECT_EQ(verdicts(*router, router->route(request, now)), "cheap:ejected middle:chosen")
      << "one probe at a time";
  const Attempt good = answered(TargetId{0}, 10, 5, now);
  router->settle(probe.ticket, {{&good, 1}}, now);
  EXPECT_EQ(router->state(TargetId{0}, now).health, Breaker::State::kRamping);
  const auto share = [&](Instant when) {
    int chosen = 0;
    for (int i = 0; i < 2'000; ++i) {
      ++request.id;
      const Decision decision = router->route(request, when);
      chosen += plan(*router, decision) == "cheap" ? 1 : 0;
      router->settle(decision.ticket, {}, when);
    }
    return chosen / 2'000.0;
  };
  EXPECT_NEAR(share(now), 0.2, 0.04);
  EXPECT_NEAR(share(now + seconds(50)), 0.6, 0.04);
  EXPECT_EQ(share(now + seconds(100)), 1);
}

TEST(RouterLimitsTest, WhatWasAskedDoesNotCountAgainstATarget) {
  const auto router =
      router_of(config_of(kTwo, {.policy = R"("health": {"failures_max": 1},)", .cheap = {}}));
  for (const AttemptEnd end : {AttemptEnd::kRejected, AttemptEnd::kFiltered, AttemptEnd::kCancelled,
                               AttemptEnd::kRateLimited}) {
    const Decision decision = router->route(request_of("simple", 10), kNow);
    const Attempt attempt = failed(TargetId{0}, end);
    router->settle(decision.ticket, {{&attempt, 1}}, kNow);
    EXPECT_EQ(router->state(TargetId{0}, kNow).health, Breaker::State::kClosed);
  }
}

TEST(RouterLimitsTest, WhenAllAreEjectedItSaysUntilWhen) {
  const auto router =
      router_of(config_of(R"([{"name": "r", "candidates": ["cheap"]}])",
                          {.policy = R"("health": {"failures_max": 1},)", .cheap = {}}));
  const Decision decision = router->route(request_of("simple", 10), kNow);
  const Attempt attempt = failed(TargetId{0});
  router->settle(decision.ticket, {{&attempt, 1}}, kNow);
  const Decision refused = router->route(request_of("simple", 10), kNow);
  EXPECT_EQ(refused.refusal, Refusal::kNoTarget);
  EXPECT_EQ(refused.retry_at, kNow + seconds(30));
}

TEST(RouterLimitsTest, LearntLatenciesReplaceThePolicysBitByBit) {
  const auto router = router_of(config_of(kTwo));
  const auto predicted = [&](Instant now) {
    const Decision decision = router->route(request_of("simple", 10), now);
    router->settle(decision.ticket, {}, now);
    return *decision.candidates[0].latency;
  };
  EXPECT_EQ(predicted(kNow), std::chrono::milliseconds(199));
  for (int i = 0; i < 50; ++i) {
    const Decision decision = router->route(request_of("simple", 10), kNow);
    Attempt attempt = answered(TargetId{0}, 10, 101);
    attempt.first_token = std::chrono::milliseconds(1'100);
    attempt.total = std::chrono::milliseconds(4'100);  // 30 ms a token.
    router->settle(decision.ticket, {{&attempt, 1}}, kNow);
  }
  // (50 * 1,100 + 100) / 51 and 99 * (50 * 30 + 1) / 51.
  EXPECT_NEAR(static_cast<double>(predicted(kNow).count()) / 1e6, 1'080.39 + 2'913.71, 0.1);
  EXPECT_EQ(router->state(TargetId{0}, kNow).first_token, std::chrono::milliseconds(1'100));
  EXPECT_EQ(router->state(TargetId{0}, kNow).output_token, std::chrono::milliseconds(30));
  EXPECT_LT(predicted(kNow + std::chrono::hours(2)), std::chrono::milliseconds(200));
}

TEST(RouterLimitsTest, ADeadlineBoundsTheLatency) {
  const auto router = router_of(config_of(kTwo));
  Request request = request_of("simple", 10);
  request.deadline = kNow + std::chrono::milliseconds(300);
  EXPECT_EQ(verdicts(*router, router->route(request, kNow)), "cheap:chosen middle:too_slow");
  const Decision late = router->route(request, kNow + std::chrono::milliseconds(200));
  EXPECT_EQ(verdicts(*router, late), "cheap:too_slow middle:too_slow");
}

TEST(RouterLimitsTest, TopUpNamesWhatSpeaksAgainstIt) {
  const auto router = router_of(config_of(
      kChain, {.policy = R"("retry": {"per_1000": 1000, "attempts_max": 2},)", .cheap = {}}));
  Request request = request_of("simple", 10);
  request.deadline = kNow + seconds(10);
  const Decision decision = router->route(request, kNow);
  ASSERT_EQ(plan(*router, decision), "cheap middle") << "dear's latency is unknown";
  const Ticket ticket = decision.ticket;
  const Attempt first = failed(TargetId{0});
  const auto ask = [&](TargetId target, Instant now) {
    return router->top_up(ticket, first, target, now).status;
  };
  EXPECT_EQ(ask(TargetId{0}, kNow), TopUpStatus::kVisited);
  EXPECT_EQ(ask(TargetId{3}, kNow), TopUpStatus::kNotInPlan);
  EXPECT_EQ(ask(TargetId{1}, kNow + seconds(10)), TopUpStatus::kTooLate);
  EXPECT_EQ(router->top_up(Ticket{}, first, TargetId{1}, kNow).status, TopUpStatus::kNoTicket);
  EXPECT_EQ(ask(TargetId{1}, kNow), TopUpStatus::kGranted);
  EXPECT_EQ(ask(TargetId{1}, kNow), TopUpStatus::kNoAttemptsLeft);
  EXPECT_EQ(router->state(TargetId{0}, kNow).open, 0u);
  EXPECT_EQ(router->state(TargetId{1}, kNow).open, 1u);
  router->settle(ticket, {}, kNow);
  EXPECT_EQ(router->state(TargetId{1}, kNow).open, 0u);
}

TEST(RouterLimitsTest, AFailureIsLearntOnceHoweverOftenItIsTold) {
  const auto router =
      router_of(config_of(kChain, {.policy = R"("health": {"failures_max": 2},)", .cheap = {}}));
  const Decision decision = router->route(request_of("simple", 10), kNow);
  const Attempt first = failed(TargetId{0});
  for (int i = 0; i < 5; ++i) (void)router->top_up(decision.ticket, first, TargetId{1}, kNow);
  router->settle(decision.ticket, {{&first, 1}}, kNow);
  EXPECT_EQ(router->state(TargetId{0}, kNow).health, Breaker::State::kClosed);
}

TEST(RouterLimitsTest, AnAnswerThatWasTooPoorIsNoRetry) {
  const auto router =
      router_of(config_of(kChain, {.policy = R"("retry": {"per_1000": 0},)", .cheap = {}}));
  const Decision decision = router->route(request_of("complex", 10), kNow);
  EXPECT_EQ(router->top_up(decision.ticket, failed(TargetId{0}), TargetId{1}, kNow).status,
            TopUpStatus::kNoRetriesLeft);
  EXPECT_EQ(router->top_up(decision.ticket, answered(TargetId{0}, 10, 1), TargetId{1}, kNow).status,
            TopUpStatus::kGranted);
}

// gRPC's bound: in a full outage upstream is called at most 1.1 times as often as asked.
TEST(RouterLimitsTest, AFullOutageIsAmplifiedByAtMostATenth) {
  for (const char* health : {"1000000", "5"}) {
    const auto router = router_of(config_of(
        R"([{"name": "r", "candidates": ["cheap"],
             "fallback": ["middle", "dear", "ending", "twin"]}])",
        {.policy =
             std::string(R"("health": {"failures_max": )") + health + R"(, "attempts_min": 1e9}, )",
         .cheap = {}}));
    Request request = request_of("", 10);
    std::uint64_t calls = 0;
    Instant now = kNow;
    for (request.id = 1; request.id <= 20'000; ++request.id) {
      now += std::chrono::milliseconds(5);
      const Decision decision = router->route(request, now);
      if (decision.refusal != Refusal::kNone) continue;
      std::vector<Attempt> attempts;
      for (const TargetId target : decision.plan()) {
        const bool may = attempts.empty() ||
                         router->top_up(decision.ticket, attempts.back(), target, now).status ==
                             TopUpStatus::kGranted;
        if (!may) continue;
        ++calls;
        attempts.push_back(failed(target, AttemptEnd::kServerError, now));
      }
      router->settle(decision.ticket, {attempts}, now);
      ASSERT_LE(calls * 10, request.id * 11);
    }
    EXPECT_GT(calls, std::string_view(health) == "5" ? 20u : 21'900u);
  }
}

const std::string kLadder = R"([{"name": "r", "candidates": ["middle"], "quality_floor": 0.7,
  "degrade": [{"name": "shorter", "shorten_input_tokens": 500, "quality_cost": 0.05},
              {"name": "brief", "cap_output_tokens": 100},
              {"name": "cheaper", "candidates": ["cheap"]},
              {"name": "cached", "cached_answer": true}]}])";

struct RungCase {
  std::string usd;  // The budget.
  std::string steps;
  std::string plan;
  Refusal refusal;
};

// 1,000 input and 1,000 output tokens: $0.03 on "middle"; $0.025 shortened; $0.007 capped; on
// "cheap" $0.0007.
TEST(RouterLimitsTest, StepsDownTheLadderRungByRung) {
  const RungCase cases[] = {
      {"0.03", "", "middle", Refusal::kNone},
      {"0.0299", "shorter", "middle", Refusal::kNone},
      {"0.0249", "shorter brief", "middle", Refusal::kNone},
      {"0.0069", "shorter brief cheaper", "cheap", Refusal::kNone},
      {"0.0006", "shorter brief cheaper", "", Refusal::kOverBudget},
  };
  for (const RungCase& one : cases) {
    SCOPED_TRACE(one.usd);
    Config config = config_of(kLadder);
    config.budgets = daily(one.usd);
    const auto router = router_of(std::move(config));
    Request request = request_of("simple", 1'000);
    request.max_output = Tokens(1'000);
    request.scopes = kPayerA;
    const Decision decision = router->route(request, kNow);
    EXPECT_EQ(decision.refusal, one.refusal);
    EXPECT_EQ(steps(decision), one.steps);
    EXPECT_EQ(plan(*router, decision), one.plan);
    const bool shorter = !one.steps.empty();
    EXPECT_EQ(decision.input_max, shorter ? std::optional(Tokens(500)) : std::nullopt);
    const bool brief = one.steps.find("brief") != std::string::npos;
    EXPECT_EQ(decision.output_max, brief ? std::optional(Tokens(100)) : std::nullopt);
    EXPECT_EQ(router->stats().degraded, shorter && one.refusal == Refusal::kNone ? 1u : 0u);
    EXPECT_FALSE(decision.retry_at) << "it will never fit such a limit";
  }
}

TEST(RouterLimitsTest, TheFloorHoldsOnEveryRung) {
  Config config = config_of(R"([{"name": "r", "candidates": ["middle"], "quality_floor": 0.78,
      "degrade": [{"name": "shorter", "shorten_input_tokens": 10, "quality_cost": 0.05},
                  {"name": "cheaper", "candidates": ["cheap"]}]}])");
  config.budgets = daily("0.001");
  const auto router = router_of(std::move(config));
  Request request = request_of("complex", 1'000);
  request.max_output = Tokens(10);
  request.scopes = kPayerA;
  const Decision decision = router->route(request, kNow);
  // On the first rung "middle" would be at 0.75, on the second one "cheap" at 0.35.
  EXPECT_EQ(decision.refusal, Refusal::kOverBudget);
  EXPECT_EQ(verdicts(*router, decision), "cheap:below_floor");
  EXPECT_EQ(decision.attempts, 0);
}

TEST(RouterLimitsTest, ACachedAnswerIsForItsVeryScope) {
  Config config = config_of(kLadder);
  config.budgets = budgets_with(R"([
      {"id": "a", "kind": "org", "budgets": [
        {"id": "day", "limit_usd": "0", "window": {"kind": "day", "zone": "UTC"}}]},
      {"id": "b", "kind": "org", "budgets": [
        {"id": "day", "limit_usd": "0", "window": {"kind": "day", "zone": "UTC"}}]}])");
  const auto router = router_of(std::move(config));
  static constexpr std::string_view kBThenA[] = {"b", "a"};
  Request request = request_of("simple", 1'000);
  request.max_output = Tokens(1'000);
  request.scopes = kPayerA;
  request.cached_answer = CachedAnswer{.scope = "a", .quality = 0.7};
  const Decision mine = router->route(request, kNow);
  EXPECT_EQ(mine.action, Action::kAnswerCached);
  EXPECT_EQ(steps(mine), "shorter brief cheaper cached");
  EXPECT_EQ(mine.ticket, Ticket{});
  EXPECT_EQ(mine.attempts, 0);
  request.scopes = kBThenA;
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kOverBudget);
  request.scopes = {};
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "middle") << "nobody's budget refuses";
  request.scopes = kPayerA;
  request.cached_answer->quality = 0.69;
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kOverBudget);
  const RouterStats stats = router->stats();
  EXPECT_EQ(stats.cached, 1u);
  EXPECT_EQ(stats.degraded, 1u);
  EXPECT_EQ(stats.routed,
            stats.refused + stats.cached + stats.open + stats.settled + stats.expired);
}

}  // namespace
}  // namespace fare
