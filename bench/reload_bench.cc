// What reloading does to decisions that are made meanwhile: how long each of them took, and whether
// all tickets were settled.  The same without reloads stands beside it, for what the machine does.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "router_fixture.h"

namespace fare {
namespace {

constexpr int kKeys = 1'000;

Config config_of(int limit_usd) {
  return {.prices = prices(),
          .policy = policy(limit_usd % 2 == 0 ? kLimits : ""),
          .budgets = four_levels(kKeys, limit_usd)};
}

double microseconds(std::vector<std::int64_t>& nanoseconds, double quantile) {
  const auto at =
      static_cast<std::ptrdiff_t>(quantile * static_cast<double>(nanoseconds.size() - 1));
  std::nth_element(nanoseconds.begin(), nanoseconds.begin() + at, nanoseconds.end());
  return static_cast<double>(nanoseconds[static_cast<std::size_t>(at)]) / 1e3;
}

void decisions_while_reloading(benchmark::State& state) {
  const bool reloads = state.range(0) != 0;
  const std::array<Config, 2> configs = {config_of(900'000'000), config_of(900'000'001)};
  const auto router = std::move(*Router::create(configs[0], kNow));
  std::atomic<bool> done = false;
  std::uint64_t reloaded = 0;
  std::jthread reloader([&] {
    while (!done && reloads) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (router->reload(configs[++reloaded % 2], kNow)) continue;
      std::abort();
    }
  });
  const std::vector<std::string> ids = key_ids(kKeys);
  std::vector<std::int64_t> took;
  took.reserve(5'000'000);
  Request asked = request();
  for (auto _ : state) {
    ++asked.id;
    const std::array<std::string_view, 1> payer = {ids[asked.id % kKeys]};
    asked.scopes = payer;
    const auto begin = std::chrono::steady_clock::now();
    const Decision decision = router->route(asked, kNow);
    const Attempt attempts[] = {answer_of(decision)};
    router->settle(decision.ticket, {attempts}, kNow);
    const auto end = std::chrono::steady_clock::now();
    if (took.size() < took.capacity())
      took.push_back(std::chrono::nanoseconds(end - begin).count());
  }
  done = true;
  reloader.join();
  const RouterStats stats = router->stats();
  state.counters["reloads"] = static_cast<double>(reloaded);
  state.counters["lost"] = static_cast<double>(asked.id - stats.settled);
  state.counters["p50_us"] = microseconds(took, 0.5);
  state.counters["p99_us"] = microseconds(took, 0.99);
  state.counters["p99.9_us"] = microseconds(took, 0.999);
  state.counters["max_us"] = microseconds(took, 1);
}
BENCHMARK(decisions_while_reloading)->ArgName("reloads")->Arg(0)->Arg(1)->UseRealTime();

}  // namespace
}  // namespace fare
