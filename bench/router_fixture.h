#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "fare/router.h"

namespace fare {

inline constexpr int kCandidates = 20;

inline const Instant kNow = parse_instant("2026-11-23T00:00:00Z").value();

inline PriceBook prices() {
  std::string models;
  for (int i = 0; i < kCandidates; ++i) {
    models += fmt::format(
        R"({}{{"id": "m{}", "context_tokens": 200000, "max_output_tokens": 64000, "prices": [
             {{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
               "usd_per_mtok": {{"input": "{}", "cache_read": "0.1", "output": "{}"}}}}]}})",
        i == 0 ? "" : ",", i, (i * 7) % kCandidates + 1, (i * 3) % kCandidates + 5);
  }
  const std::string text = fmt::format(
      R"({{"format": "fare-prices/1", "vendor": "v", "currency": "USD",
           "sources": {{"s": {{"title": "t", "where": "w", "observed": "2026-01-01"}}}},
           "models": [{}]}})",
      models);
  const PriceBook::Source source{"bench", text};
  return PriceBook::parse({&source, 1}).value();
}

// Twenty targets; `limits` are those of each: ", \"limits\": {...}".
inline Policy policy(std::string_view limits = "") {
  std::vector<std::string> names;
  std::string targets;
  for (int i = 0; i < kCandidates; ++i) {
    names.push_back(fmt::format("\"t{}\"", i));
    targets += fmt::format(
        R"({}{{"name": "t{}", "model": "m{}", "quality": {{"simple": 0.{}, "complex": 0.5}},
               "capabilities": ["tools"],
               "latency": {{"first_token_ms": {}, "ms_per_output_token": 10}}{}}})",
        i == 0 ? "" : ",", i, i, 60 + i, 100 + i, limits);
  }
  return Policy::parse(
             "bench",
             fmt::format(
                 R"({{"format": "fare-policy/1", "name": "p", "expected_output_tokens": 200,
           "classes": [{{"name": "simple"}}, {{"name": "complex"}}], "targets": [{}],
           "rules": [{{"name": "legal", "when": {{"tags": {{"team": "legal"}}}},
                       "candidates": [{}]}},
                     {{"name": "all", "candidates": [{}], "quality_floor": 0.65,
                       "latency_bound_ms": 10000}}]}})",
                 targets, fmt::join(names, ","), fmt::join(names, ",")))
      .value();
}

inline constexpr std::string_view kLimits =
    R"(, "limits": {"requests_per_minute": 1000000000, "input_tokens_per_minute": 1000000000000,
                    "output_tokens_per_minute": 1000000000000, "concurrency": 1000000})";

// Org, team, user and key: a strict budget a day and level, `keys` keys.
inline BudgetConfig four_levels(int keys, int limit_usd = 1'000'000) {
  const auto budget = [&] {
    return fmt::format(
        R"("budgets": [{{"id": "day", "limit_usd": "{}",
                         "window": {{"kind": "day", "zone": "UTC"}}}}])",
        limit_usd);
  };
  std::string scopes = fmt::format(R"({{"id": "org", "kind": "org", {}}})", budget());
  for (int i = 0; i < keys; ++i) {
    if (i % 100 == 0) {
      scopes += fmt::format(R"(,{{"id": "team{}", "kind": "team", "parent": "org", {}}})", i / 100,
                            budget());
    }
    if (i % 10 == 0) {
      scopes += fmt::format(R"(,{{"id": "user{}", "kind": "user", "parent": "team{}", {}}})",
                            i / 10, i / 100, budget());
    }
    scopes += fmt::format(R"(,{{"id": "key{}", "kind": "key", "parent": "user{}", {}}})", i, i / 10,
                          budget());
  }
  return parse_budgets(
             "bench",
             fmt::format(R"({{"format": "fare-budgets/1", "name": "b", "scopes": [{}]}})", scopes))
      .value();
}

inline Request request() {
  static constexpr std::string_view kTools[] = {"tools"};
  static constexpr Tag kTags[] = {{"team", "search"}, {"user", "u1234"}};
  Request request;
  request.request_class = "simple";
  request.tags = kTags;
  request.capabilities = kTools;
  request.input = Tokens(3'000);
  request.max_output = Tokens(1'000);
  return request;
}

// The keys' ids, one of them each request: what a gateway has at hand.
inline std::vector<std::string> key_ids(int keys) {
  std::vector<std::string> ids;
  for (int i = 0; i < keys; ++i) ids.push_back(fmt::format("key{}", i));
  return ids;
}

// What the first target of a plan did.
inline Attempt answer_of(const Decision& decision) {
  Attempt attempt{.target = decision.plan()[0], .started = kNow, .answered = true};
  attempt.usage.emplace();
  (*attempt.usage)[Meter::kInput] = Tokens(3'000);
  (*attempt.usage)[Meter::kOutput] = Tokens(200);
  attempt.first_token = std::chrono::milliseconds(120);
  attempt.total = std::chrono::milliseconds(2'100);
  return attempt;
}

}  // namespace fare
