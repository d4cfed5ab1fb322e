// One decision over 20 candidates, and its settlement, as a gateway would ask for them.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "fare/router.h"

namespace fare {
namespace {

constexpr int kCandidates = 20;

const Instant kNow = parse_instant("2026-11-23T00:00:00Z").value();

PriceBook prices() {
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

Policy policy() {
  std::vector<std::string> names;
  std::string targets;
  for (int i = 0; i < kCandidates; ++i) {
    names.push_back(fmt::format("\"t{}\"", i));
    targets += fmt::format(
        R"({}{{"name": "t{}", "model": "m{}", "quality": {{"simple": 0.{}, "complex": 0.5}},
               "capabilities": ["tools"],
               "latency": {{"first_token_ms": {}, "ms_per_output_token": 10}}}})",
        i == 0 ? "" : ",", i, i, 60 + i, 100 + i);
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

Request request() {
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

void route_and_settle(benchmark::State& state) {
  const auto router = std::move(*Router::create({prices(), policy()}, kNow));
  Request asked = request();
  Usage usage;
  usage[Meter::kInput] = Tokens(3'000);
  usage[Meter::kOutput] = Tokens(200);
  for (auto _ : state) {
    ++asked.id;
    const Decision decision = router->route(asked, kNow);
    const Attempt attempts[] = {
        {.target = decision.plan()[0], .started = kNow, .answered = true, .usage = usage}};
    benchmark::DoNotOptimize(router->settle(decision.ticket, {attempts}, kNow));
  }
}
BENCHMARK(route_and_settle);

// Tickets stay open, as they do while vendors answer; they are settled while the clock stands
// still.
void route_20_candidates(benchmark::State& state) {
  const auto router = std::move(*Router::create({prices(), policy()}, kNow));
  Request asked = request();
  std::vector<Ticket> open;
  open.reserve(10'000);
  for (auto _ : state) {
    ++asked.id;
    const Decision decision = router->route(asked, kNow);
    benchmark::DoNotOptimize(decision);
    open.push_back(decision.ticket);
    if (open.size() < 10'000) continue;
    state.PauseTiming();
    for (const Ticket ticket : open) router->settle(ticket, {}, kNow);
    open.clear();
    state.ResumeTiming();
  }
}
BENCHMARK(route_20_candidates);

}  // namespace
}  // namespace fare
