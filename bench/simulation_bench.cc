// Whole simulated requests: traffic, router, world, settlement, sketches and checks, on one thread.

#include <benchmark/benchmark.h>

#include <atomic>
#include <string>

#include "study/run.h"
#include "study/scenario.h"

namespace routesim {
namespace {

void simulate_conversation_day(benchmark::State& state) {
  const auto scenario =
      load_scenario(std::string(FARE_SOURCE_DIR) + "/scenarios/conversation_day.json", {});
  const Variant& variant = scenario->variants[static_cast<std::size_t>(state.range(0))];
  std::atomic<std::uint64_t> progress{0};
  std::uint64_t requests = 0;
  std::uint32_t replication = 0;
  for (auto _ : state) requests += run_once(*scenario, variant, replication++, progress).requests;
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(requests), benchmark::Counter::kIsRate);
  state.SetLabel(variant.name);
}
BENCHMARK(simulate_conversation_day)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void generate_traffic(benchmark::State& state) {
  const auto scenario =
      load_scenario(std::string(FARE_SOURCE_DIR) + "/scenarios/conversation_day.json", {});
  std::uint64_t requests = 0;
  for (auto _ : state) {
    TrafficSource source(scenario->traffic, 1, 0);
    for (Arrival arrival{}; source.next(arrival);) ++requests;
  }
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(requests), benchmark::Counter::kIsRate);
}
BENCHMARK(generate_traffic)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
