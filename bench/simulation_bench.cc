// Whole simulated requests: traffic, router, world, prompt cache, settlement, sketches and checks,
// on one thread.  Where ../shared/floor is at hand its bare loop runs in turns with ours, at the
// same numbers of requests in flight and of cached blocks.

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "study/run.h"
#include "study/scenario.h"

namespace routesim {

#ifdef FARE_HAS_FLOOR
double floor_request_ns(std::size_t requests, std::size_t in_flight, std::size_t blocks);
#endif

namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

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

enum class Caching { kNone, kRuns, kHashes, kBounded, kEvicting };

// The floor's request: as many a second as are in flight, each open for about a second; prompts
// that begin with eight blocks of a chain, named as runs, or one by one as the floor has them.  The
// policy chooses between two targets for two classes, and 20,000 tenants send.
//
// Bounded, a flat LRU besides has room for just the chains, and prompts are those, as the floor's
// are.  Evicting, they have two or three blocks of their own, which push out others: the chains are
// half as many.
Scenario load_test(std::size_t requests, std::size_t in_flight, std::size_t blocks,
                   Caching caching) {
  std::ifstream file(std::string(FARE_SOURCE_DIR) + "/bench/load_test.json");
  nlohmann::json json = nlohmann::json::parse(file);
  json["prices"] = {std::string(FARE_SOURCE_DIR) + "/pricing"};
  json["traffic"]["arrivals"]["requests"] = requests;
  json["traffic"]["arrivals"]["per_second"] = in_flight;
  if (caching == Caching::kNone) json["world"].erase("prompts");
  const std::size_t prefixes = blocks / (caching == Caching::kEvicting ? 16 : 8);
  if (caching == Caching::kBounded) {
    json["traffic"]["input_tokens"] = json["world"]["prompts"]["prefix_tokens"];
  }
  if (caching != Caching::kNone) json["world"]["prompts"]["prefixes"] = prefixes;
  if (caching == Caching::kRuns) json["world"]["prompts"]["names"] = "runs";
  for (nlohmann::json& model : json["world"]["models"]) {
    if (caching == Caching::kNone) model.erase("cache");
    if (caching != Caching::kBounded && caching != Caching::kEvicting) continue;
    model["cache"]["capacity_blocks"] = blocks;
    model["cache"]["eviction"] = "lru-flat";
  }
  const std::string path = "/tmp/fare_load_test_" + std::to_string(getpid()) + ".json";
  std::ofstream(path) << json.dump();
  auto scenario = load_scenario(path, {});
  unlink(path.c_str());
  if (!scenario) std::fputs(fare::to_text(scenario.error()).c_str(), stderr);
  return std::move(scenario.value());
}

void simulate_requests(benchmark::State& state, Caching caching) {
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  const auto blocks = static_cast<std::size_t>(state.range(1));
  // As many as the floor's own program has.
  const std::size_t requests = in_flight == 1'000 ? 1'000'000 : 500'000;
  const Scenario scenario = load_test(requests, in_flight, blocks, caching);
  std::atomic<std::uint64_t> progress{0};
  double ours = 0;
  double floor_ns = 0;
  double read = 0;
  std::uint32_t replication = 0;
  for (auto _ : state) {
    const double begin = cpu_seconds();
    const RunResult run = run_once(scenario, scenario.variants[0], replication++, progress);
    const double spent = cpu_seconds() - begin;
    ours += spent;
    read = 0;
    for (const ModelTally& model : run.by_model) {
      read += static_cast<double>(
          model.used[static_cast<std::size_t>(fare::Meter::kCacheRead)].count());
    }
#ifdef FARE_HAS_FLOOR
    floor_ns += floor_request_ns(requests, in_flight, blocks);
#endif
    state.SetIterationTime(spent);
  }
  const auto runs = static_cast<double>(state.iterations());
  const auto asked = static_cast<double>(requests);
  const double our_ns = ours / (runs * asked) * 1e9;
  state.counters["ns"] = our_ns;
  state.counters["read/request"] = read / asked;
  if (floor_ns > 0) {
    state.counters["floor_ns"] = floor_ns / runs;
    state.counters["ratio"] = our_ns / (floor_ns / runs);
  }
}
void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->UseManualTime()->Unit(benchmark::kMillisecond);
  for (const int in_flight : {1'000, 100'000}) {
    for (const int blocks : {100'000, 1'000'000}) benchmark->Args({in_flight, blocks});
  }
}
BENCHMARK_CAPTURE(simulate_requests, no_cache, Caching::kNone)->Apply(sizes);
BENCHMARK_CAPTURE(simulate_requests, runs, Caching::kRuns)->Apply(sizes);
BENCHMARK_CAPTURE(simulate_requests, hashes, Caching::kHashes)->Apply(sizes);
BENCHMARK_CAPTURE(simulate_requests, bounded, Caching::kBounded)->Apply(sizes);
BENCHMARK_CAPTURE(simulate_requests, evicting, Caching::kEvicting)->Apply(sizes);

// What a long run needs: the most memory the program ever had.  FARE_BENCH_REQUESTS=100000000 makes
// it the run of the README's claim (some minutes).
void memory_of_a_long_run(benchmark::State& state) {
  const char* const wanted = std::getenv("FARE_BENCH_REQUESTS");
  const std::size_t requests = wanted == nullptr ? 1'000'000 : std::strtoull(wanted, nullptr, 10);
  const Scenario scenario = load_test(requests, 1'157, 100'000, Caching::kRuns);
  std::atomic<std::uint64_t> progress{0};
  for (auto _ : state) run_once(scenario, scenario.variants[0], 0, progress);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["requests"] = static_cast<double>(requests);
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1'024;
}
BENCHMARK(memory_of_a_long_run)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
