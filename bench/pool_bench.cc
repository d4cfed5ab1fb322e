// Self-hosted pools: requests a second, change by change and token by token.

#include <benchmark/benchmark.h>

#include <vector>

#include "../tests/world/reference_pool.h"
#include "base/random.h"
#include "base/samplers.h"
#include "world/pool.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::RandomStream;
using fare::Tokens;

constexpr std::uint32_t kRequests = 10'000;

// Four replicas that serve a model of some 8 billion parameters, 9 ms an iteration and more.
PoolModel bench_model() {
  PoolModel model;
  model.batch = {.base_us = 9'000,
                 .us_per_sequence = 20,
                 .us_per_resident_token = 0.08,
                 .us_per_prefill_token = 60,
                 .sequences_max = 128,
                 .batch_tokens = 2'048,
                 .block_tokens = 16,
                 .blocks = 20'000,
                 .waiting_max = 1'000'000,
                 .speculation = std::nullopt};
  model.scaling.replicas_min = model.scaling.replicas_max = 4;
  return model;
}

struct Arriving {
  Duration at{};
  PoolWork work;
};

// Poisson at 20 a second; lengths as of the Azure conversations (input 1,155, output 211 on
// average).  A slot a request: the pool need not be told which are free.
std::vector<Arriving> arrivals() {
  const fare::RandomKey key(1, 0, fare::Purpose::kTest);
  std::vector<Arriving> list;
  double seconds = 0;
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    RandomStream random(key, i);
    seconds += fare::exponential(random.uniform(), 0.05);
    const double input = fare::lognormal(random.uniform(), 6.63, 0.9);
    const double output = fare::lognormal(random.uniform(), 5.02, 0.8);
    list.push_back({Duration(static_cast<std::int64_t>(seconds * 1e9)),
                    {.slot = i,
                     .entity = i,
                     .input = Tokens(1 + static_cast<std::int64_t>(input)),
                     .cached = Tokens(),
                     .output = Tokens(1 + static_cast<std::int64_t>(output))}});
  }
  return list;
}

void count(benchmark::State& state, std::uint64_t events, const BatchWork& done) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kRequests);
  state.counters["events_a_request"] = static_cast<double>(events) / kRequests;
  state.counters["iterations_a_request"] = static_cast<double>(done.iterations) / kRequests;
}

void simulate(benchmark::State& state, const PoolModel& model) {
  const std::vector<Arriving> list = arrivals();
  const fare::RandomKey key(2, 0, fare::Purpose::kTest);
  std::vector<PoolEvent> events;
  std::uint64_t changes = 0;
  BatchWork done;
  for (auto _ : state) {
    Pool pool(model, key);
    changes = 0;
    Duration now{};
    const auto change = [&] {
      now = *pool.next_change();
      events.clear();
      pool.advance(now, events);
      ++changes;
    };
    for (const Arriving& one : list) {
      while (pool.next_change() && *pool.next_change() < one.at) change();
      pool.send(one.work, one.at, events);
    }
    while (pool.next_change()) change();
    done = pool.totals(now).done;
  }
  count(state, changes + kRequests, done);
}

void pool_change_by_change(benchmark::State& state) { simulate(state, bench_model()); }
BENCHMARK(pool_change_by_change)->Unit(benchmark::kMillisecond);

void pool_with_speculation(benchmark::State& state) {
  PoolModel model = bench_model();
  model.batch.speculation = {
      .acceptance = 0.7, .draft_tokens = 4, .draft_us = 500, .draft_us_per_sequence = 2};
  simulate(state, model);
}
BENCHMARK(pool_with_speculation)->Unit(benchmark::kMillisecond);

void pool_token_by_token(benchmark::State& state) {
  const std::vector<Arriving> list = arrivals();
  const fare::RandomKey key(2, 0, fare::Purpose::kTest);
  std::vector<PoolEvent> events;
  BatchWork done;
  for (auto _ : state) {
    ReferencePool pool(bench_model(), key, true);
    const auto change = [&](Duration until) {
      while (pool.next_change() && *pool.next_change() < until) {
        events.clear();
        pool.advance(*pool.next_change(), events);
      }
    };
    for (const Arriving& one : list) {
      change(one.at);
      pool.send(one.work, one.at);
    }
    change(Duration::max());
    done = pool.done();
  }
  count(state, done.iterations + kRequests, done);
}
BENCHMARK(pool_token_by_token)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
