// Goal: what is warm, what a model says, where a session was, and what luck decides enter a
// decision as the contract says.
// Method: figures worked out by hand; one model learnt from made-up data.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "allocations.h"
#include "fare/learn.h"
#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// "warm" reads at a tenth and writes at five quarters of its input price; "plain" is not cached.
constexpr std::string_view kCachePrices = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "models": [
    {"id": "warm", "context_tokens": 100000, "max_output_tokens": 1000,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "10", "cache_read": "1", "cache_write_5m": "12.5",
                                  "output": "20"}}]},
    {"id": "plain", "context_tokens": 100000, "max_output_tokens": 1000,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "6", "output": "20"}}]}]})";

constexpr std::string_view kRules = R"({
  "format": "fare-cache-rules/1", "vendor": "v",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "rules": [{"name": "five", "periods": [
    {"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
     "unit": {"kind": "any_prefix", "step_tokens": 100}, "minimum_tokens": {"default": 500},
     "lifetimes": [{"name": "5m", "seconds": 300, "write": "1.25"}],
     "clock": "request_start", "refreshed_by_reads": true, "readable_from": "first_token",
     "scope": ["workspace", "model"], "read": "0.1", "reads_count_toward_limits": false}]}]})";

Config cached_config(const std::string& rule_more = "") {
  const PriceBook::Source source{"prices.json", kCachePrices};
  const CacheRuleBook::Source rules{"rules.json", kRules};
  const auto book = CacheRuleBook::parse({&rules, 1});
  EXPECT_TRUE(book) << to_text(book.error());
  const auto policy = Policy::parse("policy.json", R"({
    "format": "fare-policy/1", "name": "p", "expected_output_tokens": 100,
    "targets": [{"name": "warm", "model": "warm", "cache": "five",
                 "latency": {"first_token_ms": 500, "ms_per_output_token": 1}},
                {"name": "plain", "model": "plain"}],
    "rules": [{"name": "r", "candidates": ["warm", "plain"])" +
                                                       rule_more + "}]}");
  EXPECT_TRUE(policy) << to_text(policy.error());
  return {
      .prices = PriceBook::parse({&source, 1}).value(), .policy = *policy, .cache_rules = *book};
}

// A conversation's request: so many blocks of 100 tokens.
Request prompt_of(std::span<const BlockRun> runs, std::uint64_t session = 0) {
  Request request;
  request.session = session;
  request.input = Tokens(static_cast<std::int64_t>(100 * count_blocks(runs)));
  request.prompt.blocks = runs;
  request.prompt.block_tokens = Tokens(100);
  return request;
}

std::string costs(const Decision& decision, std::size_t i) {
  return to_usd(*decision.candidates[i].expected_cost) + " " +
         to_usd(decision.candidates[i].cache_effect);
}

TEST(RouterCacheTest, WhatIsWarmIsCheaperFromItsFirstTokenUntilItDies) {
  const auto router = router_of(cached_config());
  const BlockRun first[] = {{1, 10}};
  const BlockRun longer[] = {{1, 20}};
  const Decision cold = router->route(prompt_of(first), kNow);
  EXPECT_EQ(costs(cold, 0), "0.0145 0.0025");  // 1,000 tokens written, and 100 of output.
  EXPECT_EQ(plan(*router, cold), "plain");
  // Written nowhere, for "plain" was chosen.
  EXPECT_EQ(costs(router->route(prompt_of(first), kNow + seconds(1)), 0), "0.0145 0.0025");

  const auto only = router_of(cached_config(R"(, "deny": ["plain"])"));
  (void)only->route(prompt_of(first), kNow);
  // Its first token is expected half a second later.
  EXPECT_EQ(costs(only->route(prompt_of(longer), kNow + std::chrono::milliseconds(499)), 0),
            "0.027 0.005");
  const Decision warm = only->route(prompt_of(first), kNow + seconds(1));
  EXPECT_EQ(costs(warm, 0), "0.003 -0.009");
  EXPECT_EQ(costs(only->route(prompt_of(first), kNow + minutes(5)), 0), "0.003 -0.009")
      << "read a moment ago, it lives on";
  EXPECT_EQ(costs(only->route(prompt_of(first), kNow + minutes(11)), 0), "0.0145 0.0025");
}

TEST(RouterCacheTest, OthersSeeNothingOfIt) {
  const auto router = router_of(cached_config(R"(, "deny": ["plain"])"));
  const BlockRun runs[] = {{1, 10}};
  Request mine = prompt_of(runs);
  mine.prompt.caller = 1;
  Request theirs = prompt_of(runs);
  theirs.prompt.caller = 2;
  (void)router->route(mine, kNow);
  EXPECT_EQ(costs(router->route(theirs, kNow + seconds(1)), 0), "0.0145 0.0025");
  EXPECT_EQ(costs(router->route(mine, kNow + seconds(1)), 0), "0.003 -0.009");
}

TEST(RouterCacheTest, TheReservationIsThatOfAColdCache) {
  Config config = cached_config(R"(, "deny": ["plain"])");
  config.budgets = daily("1");
  const auto router = router_of(std::move(config));
  const BlockRun runs[] = {{1, 10}};
  Request request = prompt_of(runs);
  request.scopes = kPayerA;
  (void)router->route(request, kNow);
  const Decision warm = router->route(request, kNow + seconds(1));
  EXPECT_EQ(costs(warm, 0), "0.003 -0.009");
  EXPECT_EQ(warm.reserved, Money(12'500'000 + 20'000'000));  // Written; 1,000 tokens of output.
}

TEST(RouterCacheTest, WarmthDecidesWhoServes) {
  const auto router = router_of(cached_config());
  const BlockRun runs[] = {{1, 10}};
  Request request = prompt_of(runs);
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "plain");
  // Somebody made it warm: "plain" cannot see.
  ASSERT_TRUE(router->reload(cached_config(R"(, "deny": ["plain"])"), kNow));
  (void)router->route(request, kNow);
  ASSERT_TRUE(router->reload(cached_config(), kNow));
  EXPECT_EQ(plan(*router, router->route(request, kNow + seconds(1))), "warm")
      << "what is warm is known across reloads";
}

constexpr const char* kPin = R"(, "session": {"pin": true})";

TEST(RouterSessionTest, StaysWhereItWasServedWhatEverIsCheaper) {
  const auto router = router_of(cached_config(kPin));
  const BlockRun runs[] = {{1, 10}};
  // "warm" serves the session first: "plain" is limited to requests without this session's luck.
  ASSERT_TRUE(router->reload(cached_config(std::string(kPin) + R"(, "deny": ["plain"])"), kNow));
  (void)router->route(prompt_of(runs, 7), kNow);
  ASSERT_TRUE(router->reload(cached_config(kPin), kNow));
  // A longer prompt: 1,000 tokens warm, 9,000 new: "plain" would cost less.
  const BlockRun longer[] = {{1, 100}};
  const Decision mine = router->route(prompt_of(longer, 7), kNow + seconds(1));
  EXPECT_EQ(verdicts(*router, mine), "warm:chosen plain:switch_too_dear");
  const BlockRun others[] = {{1'000, 100}};
  EXPECT_EQ(plan(*router, router->route(prompt_of(others, 8), kNow + seconds(1))), "plain");
  // Once the prefix is cold there, nothing holds it.
  EXPECT_EQ(plan(*router, router->route(prompt_of(longer, 7), kNow + minutes(20))), "plain");
}

TEST(RouterSessionTest, LeavesAsLongAsLeavingStaysWithinItsBudget) {
  // Leaving 1,000 warm tokens gives up 1,000 * (12.5 - 1) = $0.0115.
  for (const auto& [most, leaves] : {std::pair("0.0115", true), std::pair("0.0114", false)}) {
    const std::string pin =
        fmt::format(R"(, "session": {{"pin": true, "switch_usd_max": "{}"}})", most);
    const auto router = router_of(cached_config(pin + R"(, "deny": ["plain"])"));
    const BlockRun runs[] = {{1, 10}};
    const BlockRun longer[] = {{1, 100}};
    (void)router->route(prompt_of(runs, 7), kNow);
    ASSERT_TRUE(router->reload(cached_config(pin), kNow));
    EXPECT_EQ(plan(*router, router->route(prompt_of(longer, 7), kNow + seconds(1))),
              leaves ? "plain" : "warm");
    if (!leaves) continue;
    // It stays on "plain" then: nothing is known to be cold there, and "warm" is dearer.
    EXPECT_EQ(plan(*router, router->route(prompt_of(runs, 7), kNow + seconds(2))), "warm")
        << "reading there is cheaper still, and leaving \"plain\" gives nothing up";
    EXPECT_EQ(plan(*router, router->route(prompt_of(longer, 7), kNow + seconds(3))), "warm")
        << "the switch budget is spent";
  }
}

TEST(RouterSessionTest, FollowsTheAnswer) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap", "middle"],
      "fallback": ["middle"], "session": {"pin": true}}])";
  const auto router = router_of(
      {.prices = prices(),
       .policy = policy_with(rules, {.policy = R"("retry": {"per_1000": 1000},)", .cheap = {}})});
  Request request = request_of("simple", 10);
  request.session = 5;
  const Decision first = router->route(request, kNow);
  ASSERT_EQ(plan(*router, first), "cheap middle");
  const Attempt error = failed(TargetId{0}, AttemptEnd::kTimeout);
  ASSERT_EQ(router->top_up(first.ticket, error, TargetId{1}, kNow).status, TopUpStatus::kGranted);
  const Attempt attempts[] = {error, answered(TargetId{1}, 10, 5)};
  router->settle(first.ticket, {attempts}, kNow);
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "middle");
  request.session = 6;
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "cheap middle");
}

// Rows whose dear target is right 9 times in 10, and the cheap one only on easy topics.
ChoiceModel learnt() {
  std::string rows;
  for (int i = 0; i < 400; ++i) {
    const bool hard = i % 2 == 1;
    rows += fmt::format(
        R"({{"id": "r{0}", "prompt": "{1} number {0}", "outcomes": {{"cheap": {{"quality": {2}}}, )"
        R"("middle": {{"quality": {3}}}}}}})"
        "\n",
        i, hard ? "prove the theorem on rings" : "name a fruit",
        (hard ? i % 10 == 1 : i % 10 != 0) ? 1 : 0, i % 11 != 0 ? 1 : 0);
  }
  const auto data = parse_outcomes("rows", rows, {});
  EXPECT_TRUE(data) << to_text(data.error());
  LearnOptions options;
  options.kind = ModelKind::kLinear;
  const auto model = learn(*data, options);
  EXPECT_TRUE(model) << to_text(model.error());
  return *model;
}

const std::string kFloor =
    R"([{"name": "r", "candidates": ["cheap", "middle"], "quality_floor": 0.7}])";

TEST(RouterModelTest, ItsForecastReplacesThePolicysQuality) {
  Config config{.prices = prices(), .policy = policy_with(kFloor)};
  config.model = learnt();
  const auto router = router_of(std::move(config));
  ChoiceScratch scratch;
  Request request = request_of("simple", 10);
  request.scratch = &scratch;
  request.text = "name a fruit number 7";
  const Decision easy = router->route(request, kNow);
  EXPECT_EQ(plan(*router, easy), "cheap");
  EXPECT_NE(easy.chosen().quality, 0.9);
  request.text = "prove the theorem on rings number 7";
  const Decision hard = router->route(request, kNow);
  EXPECT_EQ(verdicts(*router, hard), "cheap:below_floor middle:chosen");
  // What it never saw it does not judge, and without scratch nothing is read.
  request.text = "zzz qqq";
  EXPECT_EQ(router->route(request, kNow).chosen().quality, 0.9);
  request.scratch = nullptr;
  request.text = "prove the theorem on rings number 7";
  EXPECT_EQ(router->route(request, kNow).chosen().quality, 0.9);
}

// The floor is put between the forecast and what is sure of it: (q - floor) / sqrt(q (1 - q) / n)
// deviations away, n being the 400 rows, all of which were held out in turn.
TEST(RouterModelTest, AFloorWithConfidenceAsksForMoreThanTheForecast) {
  const auto decide = [](const std::string& floor) {
    Config config{.prices = prices(),
                  .policy = policy_with(R"([{"name": "r", "candidates": ["cheap"],
        "quality_floor": )" + floor + "}]")};
    config.model = learnt();
    EXPECT_EQ(config.model->held_out().front().rows, 400u);
    const auto router = router_of(std::move(config));
    ChoiceScratch scratch;
    Request request = request_of("simple", 10);
    request.scratch = &scratch;
    request.text = "name a fruit number 7";
    return router->route(request, kNow);
  };
  const double quality = decide("0").chosen().quality.value();
  const double deviation = std::sqrt(quality * (1 - quality) / 400);
  // The normal quantile of 0.9 is 1.2816.
  const std::string above = fmt::format("{:.9f}", quality - 1.27 * deviation);
  const std::string below = fmt::format("{:.9f}", quality - 1.29 * deviation);
  EXPECT_EQ(decide(above).refusal, Refusal::kNone);
  EXPECT_EQ(decide(R"({"min": )" + below + R"(, "confidence": 0.9})").refusal, Refusal::kNone);
  const Decision unsure = decide(R"({"min": )" + above + R"(, "confidence": 0.9})");
  EXPECT_EQ(unsure.refusal, Refusal::kNoTarget);
  EXPECT_EQ(unsure.considered()[0].verdict, Verdict::kBelowFloor);
}

TEST(RouterModelTest, ClassifiesWhoDoesNotSay) {
  const std::string text = R"({"format": "fare-policy/1", "name": "p", "expected_output_tokens": 50,
    "classes": [{"name": "simple"}, {"name": "medium"}, {"name": "complex"}, {"name": "reasoning"}],
    "targets": [{"name": "cheap", "model": "cheap"}, {"name": "dear", "model": "dear"}],
    "rules": [{"name": "hard", "when": {"class": ["reasoning"]}, "candidates": ["dear"]},
              {"name": "rest", "candidates": ["cheap"]}]})";
  Config config{.prices = prices(), .policy = Policy::parse("p", text).value()};
  config.model = ChoiceModel::rules();
  const auto router = router_of(std::move(config));
  ChoiceScratch scratch;
  Request request = request_of("", 10);
  request.scratch = &scratch;
  request.text = "Prove that every finite group of prime order is cyclic.";
  const Decision hard = router->route(request, kNow);
  EXPECT_EQ(hard.request_class, "reasoning");
  EXPECT_EQ(hard.rule, "hard");
  request.text = "Hello!";
  EXPECT_EQ(router->route(request, kNow).request_class, "simple");
  request.request_class = "medium";  // Who says so is believed.
  EXPECT_EQ(router->route(request, kNow).request_class, "medium");
}

TEST(RouterModelTest, NamesThatThePolicyLacksAreErrors) {
  Config config{.prices = prices(), .policy = policy_with(kFloor)};
  config.model = ChoiceModel::rules();
  const auto router = Router::create(config, kNow);
  ASSERT_FALSE(router);
  EXPECT_EQ(to_text(router.error()),
            "model#/classes: \"medium\" is not a class of the policy\n"
            "model#/classes: \"reasoning\" is not a class of the policy\n");
}

TEST(RouterDrawTest, ACanaryGetsItsShareAndSessionsStayOnTheirSide) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap", "middle"],
      "canary": {"target": "dear", "percent": 10}}])";
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(rules), .open_tickets_max = 100'000});
  int canaries = 0;
  for (std::uint64_t session = 1; session <= 5'000; ++session) {
    Request request = request_of("simple", 10);
    request.session = session;
    request.id = session * 3;
    const Decision decision = router->route(request, kNow);
    request.id = session * 7 + 1;
    EXPECT_EQ(plan(*router, router->route(request, kNow)), plan(*router, decision));
    const bool is_canary = plan(*router, decision) == "dear";
    canaries += is_canary ? 1 : 0;
    EXPECT_EQ(decision.propensity, is_canary ? 0.1 : 0.9);
    EXPECT_EQ(verdicts(*router, decision), is_canary
                                               ? "cheap:not_drawn middle:not_drawn dear:chosen"
                                               : "cheap:chosen middle:costs_more");
  }
  EXPECT_NEAR(canaries / 5'000.0, 0.1, 0.015);
}

TEST(RouterDrawTest, ASplitIsDrawnByLuckAndSaysHowLikelyItWas) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap", "middle"],
      "objective": {"split": {"cheap": 3, "middle": 1}}}])";
  const auto router =
      router_of({.prices = prices(), .policy = policy_with(rules), .open_tickets_max = 100'000});
  int cheap = 0;
  Request request = request_of("simple", 10);
  for (request.id = 1; request.id <= 4'000; ++request.id) {
    const Decision decision = router->route(request, kNow);
    const bool is_cheap = plan(*router, decision) == "cheap";
    cheap += is_cheap ? 1 : 0;
    EXPECT_EQ(decision.propensity, is_cheap ? 0.75 : 0.25);
  }
  EXPECT_NEAR(cheap / 4'000.0, 0.75, 0.03);
  request.luck = 0;
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "cheap");
  request.luck = ~0ull;
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "middle");
}

TEST(RouterDrawTest, BalancingGoesToTheLessLoadedOfTwo) {
  const std::string rules = R"([{"name": "r", "candidates": ["cheap", "twin"],
      "objective": {"balance": {"slack_percent": 5}}}])";
  const auto router = router_of({.prices = prices(), .policy = policy_with(rules)});
  Request request = request_of("simple", 10);
  const auto slow = [&](TargetId target, Duration first_token) {
    Attempt attempt = answered(target, 10, 5);
    attempt.first_token = attempt.total = first_token;
    return attempt;
  };
  // Open requests alone: they alternate.
  std::vector<Decision> open;
  for (int i = 0; i < 4; ++i) open.push_back(router->route(request, kNow));
  EXPECT_EQ(router->state(TargetId{0}, kNow).open, 2u);
  EXPECT_EQ(router->state(TargetId{4}, kNow).open, 2u);
  for (const Decision& one : open) {
    const bool is_cheap = one.plan()[0] == TargetId{0};
    const Attempt attempt = slow(one.plan()[0], is_cheap ? seconds(4) : seconds(1));
    router->settle(one.ticket, {{&attempt, 1}}, kNow);
  }
  // "cheap" takes four times as long: the other one is preferred until three are waiting there.
  std::string order;
  for (int i = 0; i < 5; ++i) {
    order += router->route(request, kNow).plan()[0] == TargetId{0} ? 'c' : 't';
  }
  EXPECT_EQ(order, "tttct");
}

TEST(RouterDrawTest, OnlyAllowedRegionsAndWhatIsNotDenied) {
  const std::string text = R"({"format": "fare-policy/1", "name": "p", "expected_output_tokens": 50,
    "targets": [{"name": "a", "model": "cheap"}, {"name": "b", "model": "middle"},
                {"name": "c", "model": "dear"}],
    "rules": [{"name": "r", "candidates": ["a", "b", "c"], "deny": ["b"]}]})";
  const auto router = router_of({.prices = prices(), .policy = Policy::parse("p", text).value()});
  EXPECT_EQ(verdicts(*router, router->route(request_of("", 10), kNow)),
            "a:chosen c:costs_more b:denied");
}

std::string cascade_of(const std::string& floor) {
  return R"([{"name": "r", "candidates": ["cheap", "middle", "dear"], "quality_floor": )" + floor +
         R"(, "cascade": {"true_accept": 0.95, "false_accept": 0.05, "accept_min": 0.6}}])";
}

TEST(RouterCascadeTest, AsksTheStagesThatKeepTheFloorTogether) {
  // Qualities 0.4, 0.8, 0.95.  All three keep 0.957, "cheap" before "middle" 0.852 (worked out in
  // cascade.h's words), and no cascade is planned where the first one is good enough.
  const struct {
    std::string floor;
    std::string request_class;
    std::string plan;
    bool has_score;
  } cases[] = {{"0.9", "complex", "cheap middle dear", true},
               {"0.85", "complex", "cheap middle", true},
               {"0.39", "complex", "cheap", false},
               {"0.9", "simple", "cheap", false}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.floor + one.request_class);
    const auto router =
        router_of({.prices = prices(),
                   .policy = policy_with(cascade_of(one.floor),
                                         {.policy = R"("retry": {"per_1000": 0},)", .cheap = {}})});
    const Decision decision = router->route(request_of(one.request_class, 1'000), kNow);
    EXPECT_EQ(plan(*router, decision), one.plan);
    EXPECT_EQ(decision.accept_min, one.has_score ? std::optional(0.6) : std::nullopt);
    EXPECT_EQ(decision.stages, one.has_score ? decision.attempts : 0);
    if (!one.has_score) continue;
    const Attempt poor = answered(TargetId{0}, 1'000, 500);
    EXPECT_EQ(router->top_up(decision.ticket, poor, TargetId{1}, kNow).status,
              TopUpStatus::kGranted);
  }
}

TEST(RouterCascadeTest, FallbacksBehindTheStagesAreNone) {
  const std::string rules =
      R"([{"name": "r", "candidates": ["cheap", "middle"], "fallback": ["dear"],
           "quality_floor": 0.85,
           "cascade": {"true_accept": 0.95, "false_accept": 0.05, "accept_min": 0.6}}])";
  const auto router = router_of({.prices = prices(), .policy = policy_with(rules)});
  const Request request = request_of("complex", 1'000);
  router->settle(router->route(request, kNow).ticket, {}, kNow);  // Makes room for a ticket.
  const std::uint64_t before = allocations();
  const Decision decision = router->route(request, kNow);
  EXPECT_EQ(allocations() - before, 0u);
  EXPECT_EQ(plan(*router, decision), "cheap middle dear");
  EXPECT_EQ(decision.stages, 2);
}

TEST(RouterCascadeTest, WithoutAStageThatIsNeededThereIsNoCascade) {
  Config config{.prices = prices(), .policy = policy_with(cascade_of("0.85"))};
  config.budgets = budgets_with(R"([
      {"id": "a", "kind": "org", "budgets": [
        {"id": "day", "limit_usd": "10", "window": {"kind": "day", "zone": "UTC"}}]},
      {"id": "model:cheap", "kind": "model", "budgets": [
        {"id": "day", "limit_usd": "0", "window": {"kind": "day", "zone": "UTC"}}]}])");
  const auto router = router_of(std::move(config));
  Request request = request_of("complex", 1'000);
  request.scopes = kPayerA;
  request.max_output = Tokens(500);
  const Decision decision = router->route(request, kNow);
  EXPECT_EQ(verdicts(*router, decision), "cheap:over_budget middle:below_floor dear:chosen");
  EXPECT_FALSE(decision.accept_min);
}

// Spending twice as fast as the day's limit allows: without steps it is gone at noon.
TEST(RouterForecastTest, StepsDownAndUpSoThatTheMoneyLastsTheWholeDay) {
  const std::string rules = R"([{"name": "r", "candidates": ["middle"],
    "degrade": [{"name": "brief", "cap_output_tokens": 50, "on": ["forecast"]},
                {"name": "cheaper", "candidates": ["cheap"], "on": ["forecast"]}]}])";
  Config config{.prices = prices(),
                .policy = policy_with(rules, {.policy = R"("forecast": {"down_percent": 100,
        "up_percent": 80, "half_life_ms": 1800000, "step_time_ms": 600000},)",
                                              .cheap = {}})};
  config.budgets = daily("14.4");  // A cent a minute.
  const auto router = router_of(std::move(config));
  Request request = request_of("simple", 1'000);
  request.max_output = Tokens(500);
  request.scopes = kPayerA;
  std::vector<std::size_t> taken;  // By minute: how many steps.
  for (int i = 0; i < 1'439; ++i) {
    const Instant now = kNow + minutes(i);
    const Decision decision = router->route(request, now);
    ASSERT_EQ(decision.refusal, Refusal::kNone) << "the money was gone at minute " << i;
    for (const Degradation& step : decision.degradations) EXPECT_TRUE(step.by_forecast);
    taken.push_back(decision.degradations.size());
    const std::int64_t output = decision.output_max ? 50 : 500;
    // $0.02, $0.011 or $0.0011.
    const Attempt attempt = answered(decision.plan()[0], 1'000, output, now);
    router->settle(decision.ticket, {{&attempt, 1}}, now);
  }
  EXPECT_EQ(taken.front(), 0u);
  int last_change = -10;
  for (int i = 1; i < 1'439; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (taken[at] == taken[at - 1]) continue;
    EXPECT_EQ(std::max(taken[at], taken[at - 1]) - std::min(taken[at], taken[at - 1]), 1u) << i;
    EXPECT_GE(i - last_change, 10) << "a step sooner than step_time after the one before";
    last_change = i;
  }
  const auto most = std::max_element(taken.begin(), taken.end());
  EXPECT_EQ(*most, 2u);
  EXPECT_LT(*std::min_element(most, taken.end()), 2u) << "it never went up again";
  // It is used, too.
  EXPECT_GT(router->budgets(kNow + minutes(1'439))[0].settled, Money(11'000'000'000));
}

TEST(RouterAllocationTest, NothingIsAllocatedWithEverythingSwitchedOn) {
  Config config = cached_config(std::string(kPin) + R"(, "fallback": ["plain"],
      "degrade": [{"name": "brief", "cap_output_tokens": 50, "on": ["forecast", "refusal"]}])");
  config.budgets = budgets_with(R"([
      {"id": "a", "kind": "org", "budgets": [
        {"id": "day", "limit_usd": "1000000", "window": {"kind": "day", "zone": "UTC"}}]},
      {"id": "provider:v", "kind": "provider", "budgets": [
        {"id": "day", "limit_usd": "1000000", "mode": "expected",
         "window": {"kind": "day", "zone": "UTC"}}]}])");
  const auto router = router_of(std::move(config));
  Instant now = kNow;
  const auto serve = [&](std::uint64_t i) {
    const BlockRun runs[] = {{i % 50 * 1'000, 20}};
    Request request = prompt_of(runs, i % 50 + 1);
    request.id = i;
    request.scopes = kPayerA;
    request.max_output = Tokens(300);
    const Decision decision = router->route(request, now);
    const Attempt first = failed(decision.plan()[0], AttemptEnd::kTimeout, now);
    Attempt attempts[] = {first, answered(TargetId{1}, 2'000, 10, now)};
    if (decision.attempts == 1) attempts[1].target = decision.plan()[0];
    (void)router->top_up(decision.ticket, first, TargetId{1}, now);
    (void)router->extend(decision.ticket, Tokens(400), now);
    router->settle(decision.ticket, {attempts}, now);
    router->expire(now);
    now += seconds(1);
  };
  for (std::uint64_t i = 0; i < 3'000; ++i) serve(i);
  const std::uint64_t before = allocations();
  for (std::uint64_t i = 0; i < 3'000; ++i) serve(i);
  EXPECT_EQ(allocations() - before, 0u);
}

}  // namespace
}  // namespace fare
