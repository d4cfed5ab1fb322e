#include "fare/router.h"

#include <gmock/gmock.h>

#include "allocations.h"
#include "router/fixture.h"

namespace fare {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAllCompete =
    R"([{"name": "all", "candidates": ["dear", "middle", "cheap"]}])";

TEST(RouterTest, ChoosesTheCheapestAndSaysWhyTheOthersLost) {
  const auto router = router_with(std::string(kAllCompete));
  const Decision decision = router->route(request_of("simple", 1'000), kNow);
  EXPECT_EQ(decision.refusal, Refusal::kNone);
  EXPECT_EQ(decision.rule, "all");
  EXPECT_EQ(plan(*router, decision), "cheap");
  EXPECT_EQ(verdicts(*router, decision), "dear:costs_more middle:costs_more cheap:chosen");
  // 1,000 input tokens at $1 and the policy's 100 output tokens at $2 a million.
  EXPECT_EQ(to_usd(*decision.chosen().expected_cost), "0.0012");
  EXPECT_EQ(decision.chosen().latency, std::chrono::milliseconds(199));
}

struct VerdictCase {
  std::string name;
  std::string rules;
  Request request;
  std::string verdicts;
  std::string plan;
};

std::vector<VerdictCase> verdict_cases() {
  static constexpr std::string_view kTools[] = {"tools"};
  static constexpr std::string_view kVision[] = {"vision"};
  static constexpr Tag kLegal[] = {{"team", "legal"}};
  const std::string all = R"("candidates": ["cheap", "middle", "dear"])";
  std::vector<VerdictCase> cases;
  const auto add = [&](std::string name, const std::string& rule, Request request,
                       std::string verdicts, std::string plan) {
    cases.push_back({std::move(name), R"([{"name": "r", )" + rule + "}]", request,
                     std::move(verdicts), std::move(plan)});
  };
  add("a floor shuts out the poor and the unknown", all + R"(, "quality_floor": 0.85)",
      request_of("simple", 10), "cheap:chosen middle:below_floor dear:quality_unknown", "cheap");
  add("the floor holds by class", all + R"(, "quality_floor": 0.85)", request_of("complex", 10),
      "cheap:below_floor middle:below_floor dear:chosen", "dear");
  add("a floor is met by equality", all + R"(, "quality_floor": 0.8)", request_of("complex", 10),
      "cheap:below_floor middle:chosen dear:costs_more", "middle");
  add("a bound shuts out the slow and the unknown", all + R"(, "latency_bound_ms": 250)",
      request_of("simple", 10), "cheap:chosen middle:too_slow dear:latency_unknown", "cheap");
  Request hurried = request_of("simple", 10);
  hurried.latency_bound = std::chrono::milliseconds(300);
  add("the request's own bound holds when it is tighter", all + R"(, "latency_bound_ms": 5000)",
      hurried, "cheap:chosen middle:too_slow dear:latency_unknown", "cheap");
  add("a long prompt does not fit", all, request_of("simple", 9'901),
      "cheap:context_too_short middle:costs_more dear:chosen", "dear");
  add("a prompt fits to the token", all, request_of("simple", 9'900),
      "cheap:chosen middle:costs_more dear:costs_more", "cheap");
  Request wordy = request_of("simple", 10);
  wordy.max_output = Tokens(1'001);
  add("more output than a model can write", all, wordy,
      "cheap:output_too_long middle:chosen dear:costs_more", "middle");
  Request tools = request_of("simple", 10);
  tools.capabilities = kTools;
  add("a capability is needed", all, tools, "cheap:lacks_capability middle:chosen dear:costs_more",
      "middle");
  Request vision = request_of("simple", 2'000);
  vision.capabilities = kVision;
  add("only one can see", all, vision, "cheap:lacks_capability middle:lacks_capability dear:chosen",
      "dear");
  add("a band makes the middle one dearest", R"("candidates": ["middle", "dear"])",
      request_of("simple", 1'001), "middle:costs_more dear:chosen", "dear");
  add("fallbacks follow in their order", R"("candidates": ["cheap", "dear"],
      "fallback": ["dear", "middle"])",
      request_of("simple", 10), "cheap:chosen dear:fallback middle:fallback", "cheap dear middle");
  add("a fallback obeys the floor", R"("candidates": ["cheap"], "quality_floor": 0.85,
      "fallback": ["middle"])",
      request_of("simple", 10), "cheap:chosen middle:below_floor", "cheap");
  add("a fallback serves when no candidate may", R"("candidates": ["cheap"],
      "quality_floor": 0.7, "fallback": ["middle", "dear"])",
      request_of("complex", 10), "cheap:below_floor middle:chosen dear:fallback", "middle dear");
  add("the cheaper one wins whatever the order", R"("candidates": ["dear", "middle"])",
      request_of("simple", 0), "dear:costs_more middle:chosen", "middle");
  add("equal costs go to the one named first", R"("candidates": ["dear", "twin", "cheap"])",
      request_of("simple", 10), "dear:costs_more twin:chosen cheap:costs_more", "twin");
  Request legal = request_of("", 10);
  legal.tags = kLegal;
  add("tags and classes select a rule", R"("when": {"tags": {"team": "legal"}},
      "candidates": ["dear"]}, {"name": "rest", "candidates": ["cheap"])",
      legal, "dear:chosen", "dear");
  return cases;
}

TEST(RouterTest, GivesEveryCandidateItsVerdict) {
  for (const VerdictCase& one : verdict_cases()) {
    SCOPED_TRACE(one.name);
    const auto router = router_with(one.rules);
    const Decision decision = router->route(one.request, kNow);
    EXPECT_EQ(verdicts(*router, decision), one.verdicts);
    EXPECT_EQ(plan(*router, decision), one.plan);
  }
}

TEST(RouterTest, RefusesWithAReason) {
  const auto router = router_with(
      R"([{"name": "r", "when": {"class": ["simple"]}, "candidates": ["cheap"],
           "quality_floor": 0.99}])");
  static constexpr std::string_view kSong[] = {"song"};
  Request singer = request_of("simple", 1);
  singer.capabilities = kSong;
  EXPECT_EQ(router->route(request_of("simpel", 1), kNow).refusal, Refusal::kUnknownClass);
  EXPECT_EQ(router->route(singer, kNow).refusal, Refusal::kUnknownCapability);
  EXPECT_EQ(router->route(request_of("complex", 1), kNow).refusal, Refusal::kNoRule);
  EXPECT_EQ(router->route(request_of("", 1), kNow).refusal, Refusal::kNoRule);
  const Decision hopeless = router->route(request_of("simple", 1), kNow);
  EXPECT_EQ(hopeless.refusal, Refusal::kNoTarget);
  EXPECT_EQ(hopeless.ticket, Ticket{});
  EXPECT_THAT(router->explain(hopeless), HasSubstr("cheap: below_floor"));
  const RouterStats stats = router->stats();
  EXPECT_EQ(stats.routed, 5);
  EXPECT_EQ(stats.refused, 5);
}

TEST(RouterTest, RefusesToGuessTheOutput) {
  const Policy policy = Policy::parse("policy.json", R"({
    "format": "fare-policy/1", "name": "p",
    "classes": [{"name": "simple", "expected_output_tokens": 10}],
    "targets": [{"name": "a", "model": "cheap"}],
    "rules": [{"name": "r", "candidates": ["a"]}]})")
                            .value();
  const auto router = std::move(*Router::create({prices(), policy}, kNow));
  Request request = request_of("", 1);
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kUnknownOutput);
  request.max_output = Tokens(500);  // Then this much, at most.
  EXPECT_EQ(to_usd(*router->route(request, kNow).chosen().expected_cost), "0.001001");
  request.expected_output = Tokens(0);  // An embedding, say.
  EXPECT_EQ(to_usd(*router->route(request, kNow).chosen().expected_cost), "0.000001");
}

TEST(RouterTest, WhatHasNoPriceIsNotUsed) {
  const auto router = router_with(R"([{"name": "r", "candidates": ["ending", "cheap"]}])");
  const Request request = request_of("simple", 10);
  EXPECT_EQ(plan(*router, router->route(request, kNow)), "ending");
  const Decision later = router->route(request, at("2026-12-01T00:00:00Z"));
  EXPECT_EQ(verdicts(*router, later), "ending:unpriced cheap:chosen");
  EXPECT_FALSE(later.candidates[0].expected_cost);
}

TEST(RouterTest, RefusesWhenTooManyTicketsAreOpenAndRecovers) {
  const auto router = router_with(std::string(kAllCompete), 16);
  std::vector<Ticket> open;
  Request request = request_of("simple", 10);
  for (request.id = 0; request.id < 1'000; ++request.id) {
    const Decision decision = router->route(request, kNow);
    if (decision.refusal == Refusal::kNone) open.push_back(decision.ticket);
  }
  EXPECT_EQ(open.size(), 16);
  EXPECT_EQ(router->stats().open, 16);
  EXPECT_EQ(router->stats().refused, 984);
  for (const Ticket ticket : open) router->settle(ticket, {}, kNow);
  EXPECT_EQ(router->route(request, kNow).refusal, Refusal::kNone);
}

TEST(RouterTest, SettlesExactlyOnce) {
  const auto router = router_with(std::string(kAllCompete));
  const Decision decision = router->route(request_of("simple", 1'000), kNow);
  const Attempt attempts[] = {
      {.target = TargetId{2}, .started = kNow, .answered = false, .usage = std::nullopt},
      {.target = TargetId{0}, .started = kNow, .answered = true, .usage = usage_of(1'000, 7)}};
  const Settlement first = router->settle(decision.ticket, {attempts}, kNow);
  EXPECT_EQ(first.status, SettleStatus::kSettled);
  EXPECT_EQ(first.cost_status, CostStatus::kPriced);
  EXPECT_EQ(to_usd(first.total), "0.001014");
  ASSERT_EQ(first.charges.size(), 2u);
  EXPECT_EQ(first.charges[0].total, Cost(0));  // A failed attempt without usage is not billed.
  EXPECT_EQ(router->settle(decision.ticket, {attempts}, kNow).status,
            SettleStatus::kAlreadySettled);
  EXPECT_EQ(router->settle(Ticket{}, {attempts}, kNow).status, SettleStatus::kUnknownTicket);
  EXPECT_EQ(router->settle(static_cast<Ticket>(~0ull), {attempts}, kNow).status,
            SettleStatus::kUnknownTicket);
  EXPECT_EQ(router->stats().cost, first.total);
  EXPECT_EQ(router->stats().settled, 1);
}

TEST(RouterTest, AnOldTicketIsToldFromTheNewOwnerOfItsSlot) {
  const auto router = router_with(std::string(kAllCompete));
  const Request request = request_of("simple", 1);
  const Ticket old = router->route(request, kNow).ticket;
  router->settle(old, {}, kNow);
  const Ticket fresh = router->route(request, kNow).ticket;
  EXPECT_NE(old, fresh);
  EXPECT_EQ(router->settle(old, {}, kNow).status, SettleStatus::kAlreadySettled);
  EXPECT_EQ(router->settle(fresh, {}, kNow).status, SettleStatus::kSettled);
}

TEST(RouterTest, NothingUnknownIsFree) {
  const auto router = router_with(std::string(kAllCompete));
  const auto settle = [&](std::optional<Usage> usage, Instant started) {
    const Ticket ticket = router->route(request_of("simple", 1), kNow).ticket;
    const Attempt attempts[] = {
        {.target = TargetId{0}, .started = started, .answered = true, .usage = usage}};
    return router->settle(ticket, {attempts}, kNow).cost_status;
  };
  Usage cached = usage_of(1, 1);
  cached[Meter::kCacheRead] = Tokens(5);  // The table has no rate for it.
  EXPECT_EQ(settle(usage_of(1, 1), kNow), CostStatus::kPriced);
  EXPECT_EQ(settle(std::nullopt, kNow), CostStatus::kUsageMissing);
  EXPECT_EQ(settle(cached, kNow), CostStatus::kPartiallyPriced);
  EXPECT_EQ(settle(usage_of(1, 1), at("2020-01-01T00:00:00Z")), CostStatus::kUnpriced);
  EXPECT_EQ(router->stats().not_priced, 3);
}

TEST(RouterTest, RouteAndSettleAllocateNothing) {
  const auto router = router_with(std::string(kAllCompete));
  const auto once = [&](std::uint64_t id) {
    Request request = request_of("simple", 500);
    request.id = id;
    const Decision decision = router->route(request, kNow);
    const Attempt attempts[] = {{.target = decision.plan()[0],
                                 .started = kNow,
                                 .answered = true,
                                 .usage = usage_of(500, 50)}};
    router->settle(decision.ticket, {attempts}, kNow);
  };
  for (std::uint64_t id = 0; id < 1'000; ++id) once(id);  // Every shard makes room for a ticket.
  const std::uint64_t before = allocations();
  for (std::uint64_t id = 0; id < 10'000; ++id) once(id);
  EXPECT_EQ(allocations(), before);
}

TEST(RouterTest, CreateReportsEveryTargetItCannotPrice) {
  const std::string text = R"({
    "format": "fare-policy/1", "name": "p", "expected_output_tokens": 1,
    "targets": [{"name": "a", "model": "cheep"}, {"name": "b", "provider": "w", "model": "cheap"},
                {"name": "c", "model": "ending"}],
    "rules": [{"name": "r", "candidates": ["a", "b", "c"]}]})";
  const Policy policy = Policy::parse("policy.json", text).value();
  const auto router = Router::create({prices(), policy}, at("2027-01-01T00:00:00Z"));
  ASSERT_FALSE(router);
  EXPECT_EQ(to_text(router.error()),
            "policy.json#/targets/0/model: \"cheep\" is not a model of the price tables; did you "
            "mean \"cheap\"?\n"
            "policy.json#/targets/1/model: \"cheap\" is not a model of \"w\" in the price tables; "
            "did you mean \"cheap\"?\n"
            "policy.json#/targets/2/model: \"ending\" has no price at 2027-01-01T00:00:00Z\n");
}

TEST(RouterTest, ExplainsADecisionInWords) {
  const auto router =
      router_with(R"([{"name": "r", "candidates": ["cheap", "middle"], "quality_floor": 0.85}])");
  const Decision decision = router->route(request_of("simple", 1'000), kNow);
  EXPECT_EQ(router->explain(decision),
            "1 attempt, by rule \"r\"\n"
            "  cheap: chosen, $0.0012 expected, quality 0.9, 199 ms\n"
            "  middle: below_floor, $0.012 expected, quality 0.8, 398 ms\n");
}

}  // namespace
}  // namespace fare
