// Goal: a target whose vendor said when to come back is asked nothing before, whether or not the
// policy limits it, and what it is not asked does not count against it.
// Method: figures worked out by hand; a vendor that admits one request every so many seconds.

#include <gtest/gtest.h>

#include "allocations.h"
#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TargetId kCheap{0};
constexpr TargetId kMiddle{1};

const std::string kOne = R"([{"name": "r", "candidates": ["cheap"]}])";
const std::string kTwo = R"([{"name": "r", "candidates": ["cheap", "middle"]}])";
const std::string kChain =
    R"([{"name": "r", "candidates": ["cheap"], "fallback": ["middle", "dear"]}])";

Config config_of(const std::string& rules, const PolicyExtras& extras = {}) {
  return {.prices = prices(), .policy = policy_with(rules, extras)};
}

Decision route(Router& router, Instant now) {
  const Decision decision = router.route(request_of("simple", 10), now);
  if (decision.ticket != Ticket{}) router.settle(decision.ticket, {}, now);
  return decision;
}

TEST(RouterHoldTest, WhoIsHeldIsPassedOverUntilThen) {
  for (const char* limits : {"", R"(, "limits": {"requests_per_minute": 1000})"}) {
    SCOPED_TRACE(limits);
    const auto router = router_of(config_of(kTwo, {.policy = {}, .cheap = limits}));
    const Instant until = kNow + minutes(3);
    EXPECT_TRUE(router->hold(kCheap, until, kNow));
    const Decision before = route(*router, until - Duration(1));
    EXPECT_EQ(verdicts(*router, before), "cheap:rate_limited middle:chosen");
    EXPECT_FALSE(before.retry_at) << "somebody serves";
    EXPECT_EQ(verdicts(*router, route(*router, until)), "cheap:chosen middle:costs_more");
  }
}

TEST(RouterHoldTest, WhenAllAreHeldItSaysUntilWhen) {
  const auto router = router_of(config_of(kTwo));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(20), kNow));
  EXPECT_TRUE(router->hold(kMiddle, kNow + seconds(10), kNow));
  const Decision refused = route(*router, kNow);
  EXPECT_EQ(refused.refusal, Refusal::kRateLimited);
  EXPECT_EQ(refused.retry_at, kNow + seconds(10));
  EXPECT_EQ(verdicts(*router, refused), "cheap:rate_limited middle:rate_limited");
  EXPECT_EQ(plan(*router, route(*router, kNow + seconds(10))), "middle");
}

TEST(RouterHoldTest, ALaterWordNeverShortensIt) {
  const auto router = router_of(config_of(kOne));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(20), kNow));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(10), kNow + seconds(1)));
  EXPECT_TRUE(router->hold(kCheap, kNow - seconds(10), kNow));
  EXPECT_TRUE(router->hold(kCheap, Instant::min(), kNow));
  EXPECT_EQ(route(*router, kNow).retry_at, kNow + seconds(20));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(30), kNow + seconds(2)));
  EXPECT_EQ(route(*router, kNow).retry_at, kNow + seconds(30));
}

TEST(RouterHoldTest, MoreThanADayIsHardlyMeant) {
  const auto router = router_of(config_of(kOne));
  EXPECT_FALSE(router->hold(kCheap, kNow + hours(24) + Duration(1), kNow));
  EXPECT_FALSE(router->hold(kCheap, Instant::max(), kNow));
  EXPECT_FALSE(router->hold(kCheap, Instant::max(), Instant::min()));
  EXPECT_EQ(route(*router, kNow).refusal, Refusal::kNone);
  EXPECT_TRUE(router->hold(kCheap, kNow + hours(24), kNow));
  EXPECT_EQ(route(*router, kNow).retry_at, kNow + hours(24));
  EXPECT_TRUE(router->hold(kCheap, Instant::max(), Instant::max() - hours(1)));
}

TEST(RouterHoldTest, AFallbackThatIsHeldIsAskedAgainWhenItIsNeeded) {
  const auto router = router_of(config_of(
      kChain, {.policy = R"("retry": {"per_1000": 1000, "saved_max": 1},)", .cheap = {}}));
  const Instant until = kNow + seconds(5);
  EXPECT_TRUE(router->hold(kMiddle, until, kNow));
  const Decision decision = router->route(request_of("simple", 10), kNow);
  EXPECT_EQ(verdicts(*router, decision), "cheap:chosen middle:fallback dear:fallback");
  const Attempt first = failed(kCheap);
  const TopUp held = router->top_up(decision.ticket, first, kMiddle, until - Duration(1));
  EXPECT_EQ(held.status, TopUpStatus::kRateLimited);
  EXPECT_EQ(held.retry_at, until);
  EXPECT_EQ(router->state(kMiddle, kNow).open, 0u);
  // The one retry there is has not been spent on it.
  EXPECT_EQ(router->top_up(decision.ticket, first, kMiddle, until).status, TopUpStatus::kGranted);
}

TEST(RouterHoldTest, AFallbackThatIsHeldServesNobodyFirst) {
  const auto router = router_of(config_of(kChain));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(9), kNow));
  EXPECT_TRUE(router->hold(kMiddle, kNow + seconds(5), kNow));
  const Decision decision = route(*router, kNow);
  EXPECT_EQ(verdicts(*router, decision), "cheap:rate_limited middle:fallback dear:chosen");
  EXPECT_EQ(plan(*router, decision), "dear middle");
}

// "middle" keeps the floor behind "cheap", and not alone: held, it is no fallback of "dear".
TEST(RouterHoldTest, AStageThatIsHeldServesNobodyAlone) {
  const auto router = router_of(config_of(
      R"([{"name": "r", "candidates": ["cheap", "middle"], "fallback": ["dear", "middle"],
           "quality_floor": 0.85,
           "cascade": {"true_accept": 0.95, "false_accept": 0.05, "accept_min": 0.6}}])"));
  EXPECT_TRUE(router->hold(kMiddle, kNow + minutes(1), kNow));
  const Request request = request_of("complex", 1'000);
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "dear");
  EXPECT_EQ(plan(*router, router->route(request, kNow + minutes(1))), "cheap middle dear");
}

TEST(RouterHoldTest, WhoIsEjectedAndHeldWaitsForBoth) {
  const auto router = router_of(
      config_of(kTwo, {.policy = R"("health": {"failures_max": 1},)", .cheap = {}}));  // For 30 s.
  const Decision decision = router->route(request_of("simple", 10), kNow);
  const Attempt attempt = failed(kCheap);
  router->settle(decision.ticket, {{&attempt, 1}}, kNow);
  EXPECT_TRUE(router->hold(kMiddle, kNow + minutes(9), kNow));
  EXPECT_EQ(route(*router, kNow).retry_at, kNow + seconds(30));
  EXPECT_TRUE(router->hold(kCheap, kNow + seconds(40), kNow));
  const Decision ejected = route(*router, kNow);
  EXPECT_EQ(verdicts(*router, ejected), "cheap:ejected middle:rate_limited");
  EXPECT_EQ(ejected.retry_at, kNow + seconds(40));
  const Decision held = route(*router, kNow + seconds(35));
  EXPECT_EQ(verdicts(*router, held), "cheap:rate_limited middle:rate_limited") << "no probe either";
  EXPECT_EQ(held.retry_at, kNow + seconds(40));
  EXPECT_EQ(plan(*router, route(*router, kNow + seconds(40))), "cheap");
}

TEST(RouterHoldTest, WhoeverIsHeldIsNotDrawn) {
  const auto router =
      router_of(config_of(R"([{"name": "r", "candidates": ["cheap", "middle", "dear"],
      "objective": {"split": {"cheap": 2, "middle": 1, "dear": 1}}}])"));
  EXPECT_TRUE(router->hold(kCheap, kNow + minutes(1), kNow));
  int middle = 0;
  Request request = request_of("simple", 10);
  for (request.id = 1; request.id <= 2'000; ++request.id) {
    const Decision decision = router->route(request, kNow);
    EXPECT_EQ(decision.propensity, 0.5) << "of those that may serve";
    middle += plan(*router, decision) == "middle" ? 1 : 0;
    router->settle(decision.ticket, {}, kNow);
  }
  EXPECT_NEAR(middle / 2'000.0, 0.5, 0.05);
}

TEST(RouterHoldTest, ALadderLeadsDownFromIt) {
  const auto router = router_of(config_of(R"([{"name": "r", "candidates": ["middle"],
      "degrade": [{"name": "cheaper", "candidates": ["cheap"]}]}])"));
  EXPECT_TRUE(router->hold(kMiddle, kNow + minutes(1), kNow));
  const Decision decision = route(*router, kNow);
  EXPECT_EQ(plan(*router, decision), "cheap");
  EXPECT_EQ(steps(decision), "cheaper");
}

TEST(RouterHoldTest, ItGoesOnByNameOverReloads) {
  const auto router = router_of(config_of(kTwo));
  const Instant until = kNow + minutes(1);
  EXPECT_TRUE(router->hold(kCheap, until, kNow));
  Config others = config_of(kTwo);
  others.policy = Policy::parse("policy.json", R"({"format": "fare-policy/1", "name": "p",
      "expected_output_tokens": 100, "targets": [{"name": "only", "model": "dear"}],
      "rules": [{"name": "all", "candidates": ["only"]}]})")
                      .value();
  ASSERT_TRUE(router->reload(config_of(kTwo), kNow));
  EXPECT_EQ(plan(*router, route(*router, kNow)), "middle");
  // Nobody has it for a while: the configuration that had it is gone after the second one.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(router->reload(others, kNow));
  EXPECT_EQ(router->targets(), 1u);
  ASSERT_TRUE(router->reload(config_of(kTwo), until - Duration(1)));
  EXPECT_EQ(verdicts(*router, route(*router, until - Duration(1))),
            "cheap:rate_limited middle:chosen");
  EXPECT_EQ(plan(*router, route(*router, until)), "cheap");
}

TEST(RouterHoldTest, WhatNobodyHoldsAnyMoreIsForgotten) {
  const auto router = router_of(config_of(kOne));
  const Decision decision = router->route(request_of("simple", 10), kNow);
  Attempt attempt = answered(kCheap, 10, 1);
  attempt.first_token = attempt.total = seconds(1);
  router->settle(decision.ticket, {{&attempt, 1}}, kNow);
  EXPECT_TRUE(router->hold(kCheap, kNow + minutes(1), kNow));
  Config others = config_of(kOne);
  others.policy = Policy::parse("policy.json", R"({"format": "fare-policy/1", "name": "p",
      "expected_output_tokens": 100, "targets": [{"name": "only", "model": "dear"}],
      "rules": [{"name": "all", "candidates": ["only"]}]})")
                      .value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(router->reload(others, kNow));
  ASSERT_TRUE(router->reload(config_of(kOne), kNow));
  EXPECT_EQ(router->state(kCheap, kNow).first_token, seconds(1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(router->reload(others, kNow + minutes(1)));
  ASSERT_TRUE(router->reload(config_of(kOne), kNow + minutes(1)));
  EXPECT_FALSE(router->state(kCheap, kNow + minutes(1)).first_token);
}

TEST(RouterHoldTest, HoldingAllocatesNothing) {
  const auto router = router_of(config_of(kTwo));
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(router->hold(kCheap, kNow + seconds(i), kNow));
  }
  EXPECT_EQ(allocations(), before);
}

// Goal: who is asked for more than its limit answers just what the limit allows, for ever, and is
// told no at most once for each answer.
// Method: a request a second, and a vendor that admits one every `every` seconds: then every one of
// so many is answered.  Without a hold the vendor says no to all the others.
TEST(RouterHoldTest, ALimitedTargetAnswersWhatItsLimitAllows) {
  for (const bool holds : {true, false}) {
    for (const int every : {1, 2, 3, 7, 60}) {
      SCOPED_TRACE(testing::Message() << "holds=" << holds << " every=" << every);
      const auto router = router_of(config_of(kOne));
      Instant free = kNow;
      int said_no = 0;
      int said_yes = 0;
      for (int second = 0; second < 36'000; ++second) {
        const Instant now = kNow + seconds(second);
        const Decision decision = router->route(request_of("simple", 10), now);
        if (decision.refusal != Refusal::kNone) continue;
        const bool admits = now >= free;
        const Attempt attempt =
            admits ? answered(kCheap, 10, 5, now) : failed(kCheap, AttemptEnd::kRateLimited, now);
        router->settle(decision.ticket, {{&attempt, 1}}, now);
        said_yes += admits ? 1 : 0;
        said_no += admits ? 0 : 1;
        if (admits) free = now + seconds(every);
        if (!admits && holds) {
          EXPECT_TRUE(router->hold(kCheap, free, now));
        }
        ASSERT_EQ(router->state(kCheap, now).health, Breaker::State::kClosed);
      }
      EXPECT_EQ(said_yes, (36'000 + every - 1) / every);
      const int told_once = every == 1 ? 0 : said_yes;
      EXPECT_EQ(said_no, holds ? told_once : 36'000 - said_yes);
    }
  }
}

}  // namespace
}  // namespace fare
