// Limits and health: what admitting a request and learning from its end take, and choosing who gets
// it.

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "base/random.h"
#include "fare/balance.h"
#include "fare/budget.h"
#include "fare/burn_rate.h"
#include "fare/health.h"
#include "fare/latency.h"
#include "fare/rate_limit.h"
#include "fare/retry.h"

namespace fare {
namespace {

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();
constexpr LimitUse kEstimate{.input = Tokens(1'000), .output = Tokens(500)};
constexpr LimitUse kUsed{.input = Tokens(1'000), .output = Tokens(300)};

std::unique_ptr<RateLimits> limits_of(std::size_t count, std::int64_t tokens_per_minute) {
  RateLimit limit;
  limit.requests = Flow{.count = tokens_per_minute, .burst = tokens_per_minute};
  limit.input = limit.output = limit.requests;
  limit.slots = 1'000'000;
  return std::move(*RateLimits::create(std::vector<RateLimit>(count, limit), kStart));
}

// range(0): under how many limits, each of requests, input, output and slots, a request is.
void acquire_and_settle(benchmark::State& state) {
  static std::unique_ptr<RateLimits> limits;
  const auto count = static_cast<std::size_t>(state.range(0));
  if (state.thread_index() == 0) limits = limits_of(8 * count, 1'000'000'000'000);
  std::vector<LimitId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(static_cast<LimitId>(static_cast<std::size_t>(state.thread_index()) * count + i));
  }
  Instant now = kStart;
  bool refused = false;
  for (auto _ : state) {
    now += Duration(1'000);
    const LimitAnswer answer = limits->acquire(ids, kEstimate, now);
    refused |= answer.admission != Admission::kAdmitted;
    limits->settle(answer.ticket, kUsed, now);
  }
  if (refused) state.SkipWithError("refused");
}
BENCHMARK(acquire_and_settle)->ArgName("limits")->Arg(1)->Arg(4)->ThreadRange(1, 2)->UseRealTime();

void acquire_refused(benchmark::State& state) {
  const auto limits = limits_of(1, 1'000);
  const LimitId ids[] = {LimitId{0}};
  (void)limits->acquire(ids, kEstimate, kStart);
  for (auto _ : state) benchmark::DoNotOptimize(limits->acquire(ids, kEstimate, kStart));
}
BENCHMARK(acquire_refused);

// What settling an attempt teaches: breaker and latency.
void learn_from_an_attempt(benchmark::State& state) {
  Breaker breaker({});
  TargetLatency latency(std::chrono::seconds(10));
  Instant now = kStart;
  for (auto _ : state) {
    now += Duration(1'000'000);
    breaker.record(AttemptEnd::kAnswered, now, now);
    latency.observe(Duration(400'000'000), Duration(2'000'000'000), 300, now);
  }
  benchmark::DoNotOptimize(latency);
  benchmark::DoNotOptimize(breaker);
}
BENCHMARK(learn_from_an_attempt);

// What a forecast costs at a decision: the budget's books at hand, a step up or down if it must be.
void forecast_a_budget(benchmark::State& state) {
  BurnRate rate(std::chrono::minutes(30));
  BurnSteps steps({});
  const Instant end = kStart + std::chrono::hours(24 * 30);
  BurnBooks books{kLimitMax, {}, {kStart, end}, {}};
  Instant now = kStart;
  for (auto _ : state) {
    now += Duration(1'000'000);
    books.used += Money(1'000);
    rate.observe(books, now);
    benchmark::DoNotOptimize(steps.update(rate.forecast(books, now), books.limit, 3, now));
  }
}
BENCHMARK(forecast_a_budget);

// All a router asks before it sends: shares, latencies with the pool's median for cold ones, two
// draws.  range(0): among how many equals.
void choose_among(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<Breaker> breakers(count, Breaker({}));
  std::vector<DecayingPeak> peaks(count, DecayingPeak(std::chrono::seconds(10)));
  for (std::size_t i = 0; i < count; ++i)
    peaks[i].observe(4e8 + 1e7 * static_cast<double>(i), kStart);
  std::array<TargetLoad, 32> load{};
  std::array<double, 32> known{};
  RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
  Instant now = kStart;
  for (auto _ : state) {
    now += Duration(1'000'000);
    for (std::size_t i = 0; i < count; ++i) known[i] = peaks[i].value(4e8, now);
    const double prior = median({known.data(), count}).value();
    for (std::size_t i = 0; i < count; ++i) {
      load[i] = {.latency = peaks[i].value(prior, now),
                 .share = breakers[i].share(now),
                 .wants_probe = breakers[i].wants_probe(now)};
    }
    benchmark::DoNotOptimize(choose({load.data(), count}, {random.uniform(), random.uniform()}));
  }
}
BENCHMARK(choose_among)->Arg(2)->Arg(4)->Arg(20);

// The choice alone, where the loads are at hand.
void choose_only(benchmark::State& state) {
  const std::vector<TargetLoad> load(4, {.latency = 1});
  RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(choose(load, {random.uniform(), random.uniform()}));
  }
}
BENCHMARK(choose_only);

}  // namespace
}  // namespace fare
