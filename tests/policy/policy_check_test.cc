#include "fare/policy_check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/random.h"
#include "policy/fallback_graph.h"
#include "policy/policy_data.h"

namespace fare {
namespace {

using Json = nlohmann::json;

// "long" takes 10,000 tokens, "short" 1,000; an attempt with a full context costs
// 9,000 * 10 + 1,000 * 20 = 110,000 micro-dollars on the one, 900 * 1 + 100 * 2 on the other.
constexpr std::string_view kPrices = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "models": [
    {"id": "long", "context_tokens": 10000, "max_output_tokens": 1000,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "10", "output": "20"}}]},
    {"id": "short", "context_tokens": 1000, "max_output_tokens": 100,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "1", "output": "2"}}]},
    {"id": "past",
     "prices": [{"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "source": "s",
                 "observed": "2026-01-01", "usd_per_mtok": {"input": "1", "output": "2"}}]}]})";

PriceBook prices() {
  const PriceBook::Source source{"prices.json", kPrices};
  return PriceBook::parse({&source, 1}).value();
}

// Targets a ... e, the first two long, the others short; "e" only if a rule names it.
std::vector<PolicyFinding> findings_of(const std::string& rules, const BudgetConfig* budgets = {},
                                       const std::string& more = "", bool all = false) {
  const std::string text = R"({"format": "fare-policy/1", "name": "p",
    "expected_output_tokens": 100, "classes": [{"name": "x"}, {"name": "y"}],
    "targets": [{"name": "a", "model": "long", "quality": 0.9},
                {"name": "b", "model": "long", "quality": {"x": 0.8, "y": 0.3}},
                {"name": "c", "model": "short", "quality": 0.5},
                {"name": "d", "model": "short"})" +
                           more + R"(], "rules": )" + rules + "}";
  const Expected<Policy> policy = Policy::parse("p.json", text);
  EXPECT_TRUE(policy) << to_text(policy.error());
  if (!policy) return {};
  std::vector<PolicyFinding> findings =
      check(*policy, prices(), {parse_instant("2026-06-01T00:00:00Z").value(), budgets});
  if (!all) {
    std::erase_if(findings, [](const auto& finding) { return finding.code == "unused_target"; });
  }
  return findings;
}

std::string lines_of(const std::vector<PolicyFinding>& findings) {
  std::string lines;
  for (const PolicyFinding& finding : findings) {
    lines += fmt::format("{} {}: {}", finding.code, finding.where, finding.message);
    lines += finding.path.empty() ? "\n" : fmt::format(" ({})\n", finding.path);
  }
  return lines;
}

TEST(PolicyCheckTest, FindsNothingInASoundPolicy) {
  EXPECT_EQ(lines_of(findings_of(R"([
    {"name": "r", "candidates": ["a", "b", "c", "d"], "fallback": ["a", "b"]}])",
                                 nullptr, "", true)),
            "");
}

TEST(PolicyCheckTest, FindsTargetsWithoutUseOrPrice) {
  const std::string more = R"(, {"name": "e", "model": "past"}, {"name": "f", "model": "nowhere"},
    {"name": "g", "model": "short", "tier": "batch"})";
  EXPECT_EQ(lines_of(findings_of(R"([{"name": "r", "candidates": ["a", "b", "c", "e", "f", "g"]}])",
                                 nullptr, more, true)),
            "unpriced_target /targets/4: e: \"past\" has no price of the tier \"standard\" at "
            "2026-06-01T00:00:00Z: it is never used\n"
            "unknown_model /targets/5/model: f: \"nowhere\" is not a model of the price tables\n"
            "unpriced_target /targets/6: g: \"short\" has no price of the tier \"batch\" at "
            "2026-06-01T00:00:00Z: it is never used\n"
            "unused_target /targets/3: no rule ever names d\n");
}

TEST(PolicyCheckTest, FindsFloorsThatNobodyReaches) {
  EXPECT_EQ(lines_of(findings_of(R"([
    {"name": "r", "when": {"class": ["y"]}, "candidates": ["b", "c"], "fallback": ["a", "b"],
     "quality_floor": 0.6},
    {"name": "s", "candidates": ["b"], "quality_floor": 0.6}])")),
            "no_candidate_meets_floor /rules/0/quality_floor: rule \"r\": every candidate is below "
            "the floor 0.6 in every class\n"
            "fallback_below_floor /rules/0/fallback/1: rule \"r\": the fallback b is below the "
            "floor 0.6 in every class\n");
}

TEST(PolicyCheckTest, FindsFallbacksThatAreShorter) {
  EXPECT_EQ(lines_of(findings_of(R"([{"name": "r", "candidates": ["d", "a"],
                                      "fallback": ["c", "b"]}])")),
            "fallback_shorter /rules/0/fallback/0: rule \"r\": c has a context of 1000 tokens, a "
            "one of 10000: longer requests cannot fall back to it (a -> c)\n"
            "fallback_shorter /rules/0/fallback/0: rule \"r\": c has an output limit of 100 "
            "tokens, a one of 1000: longer requests cannot fall back to it (a -> c)\n");
}

TEST(PolicyCheckTest, FindsRulesThatFillEachOther) {
  EXPECT_EQ(lines_of(findings_of(R"([
    {"name": "r", "when": {"class": ["x"]}, "candidates": ["a"], "fallback": ["b"]},
    {"name": "s", "candidates": ["b"], "fallback": ["a"]}])")),
            "mutual_fallback /rules/0/fallback: the rules \"r\", \"s\" send load from a back to "
            "itself: short of room together, each fills the other's (a -> b -> a)\n");
  EXPECT_EQ(lines_of(findings_of(R"([{"name": "r", "candidates": ["a", "b"],
                                      "fallback": ["b", "a"]}])")),
            "")
      << "within a rule every target is tried once";
}

TEST(PolicyCheckTest, FindsRungsThatDoNothing) {
  EXPECT_EQ(lines_of(findings_of(R"([
    {"name": "r", "candidates": ["a"], "quality_floor": 0.75, "degrade": [
      {"name": "trim", "shorten_input_tokens": 500, "quality_cost": 0.1},
      {"name": "cut", "cap_output_tokens": 1000},
      {"name": "brief", "cap_output_tokens": 50, "quality_cost": 0.1},
      {"name": "cheap", "candidates": ["c"]}]}])")),
            "idle_rung /rules/0/degrade/1: step \"cut\" of rule \"r\": no candidate gives more "
            "than 1000 tokens anyway\n"
            "unreachable_rung /rules/0/degrade/2: step \"brief\" of rule \"r\": every candidate is "
            "below the floor 0.75 there\n"
            "unreachable_rung /rules/0/degrade/3: step \"cheap\" of rule \"r\": every candidate is "
            "below the floor 0.75 there\n");
}

BudgetConfig budgets(const char* limit, const char* attempt) {
  return parse_budgets("b.json", fmt::format(R"({{"format": "fare-budgets/1", "name": "n",
    "attempt_usd_max": "{}", "scopes": [{{"id": "o", "kind": "org", "budgets": [
    {{"id": "day", "limit_usd": "{}", "window": {{"kind": "day", "zone": "UTC"}}}}]}}]}})",
                                             attempt, limit))
      .value();
}

TEST(PolicyCheckTest, HoldsTheWorstRequestToTheBudgets) {
  const std::string rules = R"([{"name": "r", "candidates": ["c", "a"], "fallback": ["b"]}])";
  // 0.11 for "a" and again for "b".
  const BudgetConfig enough = budgets("0.22", "0.11");
  EXPECT_EQ(lines_of(findings_of(rules, &enough)), "");
  const BudgetConfig tight = budgets("0.219999", "0.109999");
  EXPECT_EQ(lines_of(findings_of(rules, &tight)),
            "attempt_above_limit /rules/0: rule \"r\": an attempt on a may cost $0.11, above the "
            "budgets' $0.109999\n"
            "request_above_limit /rules/0: rule \"r\": 2 attempts of one request may cost $0.22, "
            "above o/day with $0.219999 (a -> b)\n");
}

TEST(PolicyCheckTest, FindsTriggersThatNeverFire) {
  const BudgetConfig none = parse_budgets("b.json", R"({"format": "fare-budgets/1", "name": "n",
                                  "scopes": [{"id": "o", "kind": "org"}]})")
                                .value();
  const std::string rules = R"([{"name": "r", "candidates": ["a"],
    "canary": {"target": "b", "percent": 0},
    "degrade": [{"name": "s", "on": ["forecast"], "cap_output_tokens": 9}]}])";
  EXPECT_EQ(lines_of(findings_of(rules, &none)),
            "idle_trigger /rules/0/degrade/0/on: step \"s\" of rule \"r\" waits for a forecast, "
            "but there is no budget\n"
            "canary_off /rules/0/canary/percent: the canary b of rule \"r\" gets 0 %\n");
}

// Goal: a cycle is found exactly where there is one, and the path that is shown is a real, shortest
// way round.
// Method: random graphs of rules with one candidate and one fallback each, against Floyd and
// Warshall's distances.
TEST(FallbackGraphTest, ShowsAShortestWayRound) {
  const RandomKey key(6, 0, Purpose::kTest);
  int cyclic = 0;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(key, seed);
    const std::size_t n = 2 + random.below(5);
    PolicyData data;
    for (std::size_t t = 0; t < n; ++t) {
      data.targets.emplace_back().name = std::string(1, static_cast<char>('a' + t));
    }
    std::vector<std::vector<int>> distance(n, std::vector<int>(n, 1'000));
    for (std::uint64_t r = random.below(2 * n); r > 0; --r) {
      const std::uint64_t from = random.below(n);
      const std::uint64_t to = random.below(n);
      PolicyRule& rule = data.rules.emplace_back();
      rule.candidates = {static_cast<std::uint16_t>(from)};
      rule.fallback = {static_cast<std::uint16_t>(to)};
      if (from != to) distance[from][to] = 1;
    }
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          distance[i][j] = std::min(distance[i][j], distance[i][k] + distance[k][j]);
        }
      }
    }
    std::vector<std::size_t> starts;  // The lowest target of each component with a cycle.
    for (std::size_t i = 0; i < n; ++i) {
      const bool is_lowest = std::none_of(starts.begin(), starts.end(), [&](std::size_t s) {
        return distance[s][i] < 1'000 && distance[i][s] < 1'000;
      });
      if (distance[i][i] < 1'000 && is_lowest) starts.push_back(i);
    }
    const auto cycles = fallback_cycles(data);
    ASSERT_EQ(cycles.size(), starts.size());
    for (std::size_t c = 0; c < cycles.size(); ++c) {
      const std::vector<FallbackEdge>& path = cycles[c];
      ASSERT_EQ(static_cast<int>(path.size()), distance[starts[c]][starts[c]]);
      ASSERT_EQ(path.back().to, starts[c]);
      for (std::size_t i = 0; i < path.size(); ++i) {
        ASSERT_EQ(data.rules[path[i].rule].candidates[0], path[i].from);
        ASSERT_EQ(data.rules[path[i].rule].fallback[0], path[i].to);
        ASSERT_EQ(path[i].from, i > 0 ? path[i - 1].to : starts[c]);
      }
      ++cyclic;
    }
  }
  EXPECT_GT(cyclic, 400);
}

}  // namespace
}  // namespace fare
