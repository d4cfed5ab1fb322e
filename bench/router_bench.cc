// One decision over 20 candidates, and its settlement, as a gateway would ask for them.

#include <benchmark/benchmark.h>

#include <array>
#include <memory>

#include "router_fixture.h"

namespace fare {
namespace {

void route_and_settle(benchmark::State& state) {
  const auto router = std::move(*Router::create({prices(), policy()}, kNow));
  Request asked = request();
  for (auto _ : state) {
    ++asked.id;
    const Decision decision = router->route(asked, kNow);
    const Attempt attempts[] = {answer_of(decision)};
    benchmark::DoNotOptimize(router->settle(decision.ticket, {attempts}, kNow));
  }
}
BENCHMARK(route_and_settle);

// The same under four budgets, limits of four kinds, and health: all that a gateway has.
void route_and_settle_4_budgets(benchmark::State& state) {
  const auto keys = static_cast<int>(state.range(0));
  static std::unique_ptr<Router> shared;
  if (state.thread_index() == 0) {
    shared = std::move(*Router::create(
        {.prices = prices(), .policy = policy(kLimits), .budgets = four_levels(keys, 900'000'000)},
        kNow));
  }
  const std::vector<std::string> ids = key_ids(keys);
  Request asked = request();
  asked.id = static_cast<std::uint64_t>(state.thread_index()) << 40;
  std::uint64_t refused = 0;
  for (auto _ : state) {
    ++asked.id;
    const std::array<std::string_view, 1> payer = {
        ids[asked.id * 0x9e3779b97f4a7c15u % static_cast<std::uint64_t>(keys)]};
    asked.scopes = payer;
    const Decision decision = shared->route(asked, kNow);
    if (decision.refusal != Refusal::kNone) {
      ++refused;
      continue;
    }
    const Attempt attempts[] = {answer_of(decision)};
    benchmark::DoNotOptimize(shared->settle(decision.ticket, {attempts}, kNow));
  }
  state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK(route_and_settle_4_budgets)->Arg(1'000)->Arg(100'000);
BENCHMARK(route_and_settle_4_budgets)->Arg(1'000)->Threads(2)->UseRealTime();

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
