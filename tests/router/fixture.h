#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "fare/router.h"

namespace fare {

inline Instant at(std::string_view text) { return parse_instant(text).value(); }

inline const Instant kNow = at("2026-11-23T00:00:00Z");

// Three models: cheap (1/2 dollars per million), middle (10/20, and more above 1,000 input tokens),
// dear (100/200), and one whose price ends in December.
inline constexpr std::string_view kPrices = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "models": [
    {"id": "cheap", "context_tokens": 10000, "max_output_tokens": 1000,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "1", "output": "2"}}]},
    {"id": "middle",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "10", "output": "20"},
                 "bands": [{"input_over": 1000,
                            "usd_per_mtok": {"input": "1000", "output": "2000"}}]}]},
    {"id": "dear",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "100", "output": "200"}}]},
    {"id": "ending",
     "prices": [{"from": "2026-01-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "source": "s",
                 "observed": "2026-01-01", "usd_per_mtok": {"input": "0.5", "output": "1"}}]}
  ]})";

inline PriceBook prices() {
  const PriceBook::Source source{"prices.json", kPrices};
  return PriceBook::parse({&source, 1}).value();
}

// What a test changes of the policy below: text put behind its name, and into its first target.
struct PolicyExtras {
  std::string policy{};  // "\"retry\": {...},"
  std::string cheap{};   // ", \"limits\": {...}"
};

// A policy with these rules; its targets are the models above, by their names.
inline Policy policy_with(const std::string& rules, const PolicyExtras& extras = {}) {
  const std::string text = R"({
    "format": "fare-policy/1", "name": "p", "expected_output_tokens": 100, )" +
                           extras.policy + R"(
    "classes": [{"name": "simple"}, {"name": "complex", "expected_output_tokens": 500}],
    "targets": [
      {"name": "cheap", "model": "cheap", "quality": {"simple": 0.9, "complex": 0.4},
       "latency": {"first_token_ms": 100, "ms_per_output_token": 1})" +
                           extras.cheap + R"(},
      {"name": "middle", "model": "middle", "quality": 0.8, "capabilities": ["tools"],
       "latency": {"first_token_ms": 200, "ms_per_output_token": 2}},
      {"name": "dear", "model": "dear", "quality": {"complex": 0.95},
       "capabilities": ["tools", "vision"]},
      {"name": "ending", "model": "ending", "quality": 0.5},
      {"name": "twin", "model": "cheap"}],
    "rules": )" + rules + "}";
  Expected<Policy> policy = Policy::parse("policy.json", text);
  EXPECT_TRUE(policy) << to_text(policy.error());
  return *policy;
}

inline std::unique_ptr<Router> router_of(Config config, Instant now = kNow) {
  auto router = Router::create(std::move(config), now);
  EXPECT_TRUE(router) << to_text(router.error());
  return std::move(*router);
}

inline std::unique_ptr<Router> router_with(const std::string& rules,
                                           std::uint32_t open_tickets_max = 1'000) {
  return router_of({prices(), policy_with(rules), open_tickets_max});
}

// Budgets of a file's "scopes".
inline BudgetConfig budgets_with(const std::string& scopes, const std::string& more = "") {
  const auto budgets =
      parse_budgets("budgets.json", R"({"format": "fare-budgets/1", "name": "b", )" + more +
                                        R"("scopes": )" + scopes + "}");
  EXPECT_TRUE(budgets) << to_text(budgets.error());
  return *budgets;
}

// One scope "a" with a budget of so many dollars a day.
inline BudgetConfig daily(const std::string& usd, const std::string& more = "") {
  return budgets_with(R"([{"id": "a", "kind": "org", "budgets": [
      {"id": "day", "limit_usd": ")" +
                          usd + R"(", "window": {"kind": "day", "zone": "UTC"}}]}])",
                      more);
}

inline constexpr std::string_view kPayerA[] = {"a"};

inline Request request_of(std::string_view request_class, std::int64_t input) {
  Request request;
  request.request_class = request_class;
  request.input = Tokens(input);
  return request;
}

inline Usage usage_of(std::int64_t input, std::int64_t output) {
  Usage usage;
  usage[Meter::kInput] = Tokens(input);
  usage[Meter::kOutput] = Tokens(output);
  return usage;
}

inline Attempt answered(TargetId target, std::int64_t input, std::int64_t output,
                        Instant started = kNow) {
  Attempt attempt{.target = target, .started = started, .answered = true};
  attempt.usage = usage_of(input, output);
  return attempt;
}

inline Attempt failed(TargetId target, AttemptEnd end = AttemptEnd::kServerError,
                      Instant started = kNow) {
  Attempt attempt{.target = target, .started = started};
  attempt.end = end;
  return attempt;
}

// Verdicts by target name, as "cheap:chosen middle:costs_more".
inline std::string verdicts(const Router& router, const Decision& decision) {
  std::string text;
  for (const Candidate& one : decision.considered()) {
    if (!text.empty()) text += " ";
    text += std::string(router.target(one.target).name) + ":" + std::string(to_string(one.verdict));
  }
  return text;
}

inline std::string plan(const Router& router, const Decision& decision) {
  std::string text;
  for (const TargetId target : decision.plan()) {
    if (!text.empty()) text += " ";
    text += router.target(target).name;
  }
  return text;
}

inline std::string steps(const Decision& decision) {
  std::string text;
  for (const Degradation& step : decision.degradations) {
    if (!text.empty()) text += " ";
    text += std::string(step.step) + (step.by_forecast ? "(forecast)" : "");
  }
  return text;
}

}  // namespace fare
