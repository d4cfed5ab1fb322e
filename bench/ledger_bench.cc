// The ledger: what a reservation and its settlement take, alone and beside others, and what a scope
// weighs.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "fare/ledger.h"

namespace fare {
namespace {

const Instant kNow = parse_instant("2026-11-23T00:00:00Z").value();
constexpr Money kAmount{1'000'000};  // A tenth of a cent.

Budget budget(const char* id = "month") {
  Budget one;
  one.id = id;
  one.limit = kLimitMax;
  one.window.kind = WindowKind::kMonth;
  one.soft_percent = {80};
  return one;
}

// Chains org > team > user > key; `shared` of their levels, from the top, are the same for all.
BudgetConfig chains(int count, int shared) {
  constexpr const char* kNames[] = {"org", "team", "user", "key"};
  BudgetConfig config;
  for (int i = 0; i < count; ++i) {
    for (int level = 0; level < 4; ++level) {
      const auto id = [&](int at) { return kNames[at] + std::to_string(at < shared ? 0 : i); };
      if (level < shared && i > 0) continue;
      const auto kind = static_cast<ScopeKind>(level);
      config.scopes.push_back({id(level), kind, level == 0 ? "" : id(level - 1), {budget()}});
    }
  }
  return config;
}

std::unique_ptr<Ledger> ledger_of(const BudgetConfig& config) {
  return std::move(*Ledger::create(config, kNow));
}

// range(0): how many levels, from the top, all threads share.
void reserve_and_settle(benchmark::State& state) {
  static std::unique_ptr<Ledger> ledger;
  if (state.thread_index() == 0) ledger = ledger_of(chains(8, static_cast<int>(state.range(0))));
  ScopeId key[1] = {};
  for (auto _ : state) {
    if (key[0] == ScopeId{}) key[0] = ledger->find("key" + std::to_string(state.thread_index()));
    const Reservation done = ledger->reserve({key, kAmount, kAmount, kNever}, kNow);
    benchmark::DoNotOptimize(ledger->settle(done.ticket, Money(1), kNow));
  }
  state.SetItemsProcessed(state.iterations());
  const BudgetReport line = ledger->report(key[0], kNow).at(0);
  if (line.settled == Money()) state.SkipWithError("nothing was reserved");
}
BENCHMARK(reserve_and_settle)->ArgName("shared")->Arg(0)->Arg(1)->ThreadRange(1, 2)->UseRealTime();

// As a gateway does it: tickets stay open while vendors answer, among a million keys.
void reserve_and_settle_a_million_scopes(benchmark::State& state) {
  const auto ledger = ledger_of(chains(250'000, 1));
  std::vector<ScopeId> keys;
  for (int i = 0; i < 250'000; ++i) keys.push_back(ledger->find("key" + std::to_string(i)));
  std::vector<LedgerTicket> open(1'000);
  std::size_t at = 0;
  for (auto _ : state) {
    at = at * 25'214'903'917 + 11;
    const ScopeId key[] = {keys[(at >> 16) % keys.size()]};
    LedgerTicket& ticket = open[(at >> 16) % open.size()];
    benchmark::DoNotOptimize(ledger->settle(ticket, kAmount, kNow));
    ticket = ledger->reserve({key, kAmount, kAmount, kNever}, kNow).ticket;
  }
}
BENCHMARK(reserve_and_settle_a_million_scopes);

void reserve_refused(benchmark::State& state) {
  BudgetConfig config = chains(1, 0);
  config.scopes[0].budgets[0].limit = Money();
  const auto ledger = ledger_of(config);
  const ScopeId key[] = {ledger->find("key0")};
  for (auto _ : state) {
    benchmark::DoNotOptimize(ledger->reserve({key, kAmount, kAmount, kNever}, kNow));
  }
}
BENCHMARK(reserve_refused);

// range(0): how many children share their parent's month.  They press in turn for nearly all of it,
// so each time it is shared out anew: one reservation that fits, and one that does not.
void reserve_beyond_a_share(benchmark::State& state) {
  BudgetConfig config;
  config.scopes.push_back({"org", ScopeKind::kOrg, "", {budget()}});
  for (int i = 0; i < state.range(0); ++i) {
    Budget part = budget();
    part.share = Share{"month", static_cast<std::uint32_t>(1 + i % 7), kAmount};
    config.scopes.push_back({std::to_string(i), ScopeKind::kTeam, "org", {part}});
  }
  config.scopes[0].budgets[0].limit = Money(1'000 * kAmount.count() * state.range(0));
  const auto ledger = ledger_of(config);
  std::vector<ScopeId> teams;
  for (int i = 0; i < state.range(0); ++i) teams.push_back(ledger->find(std::to_string(i)));
  const Money most(900 * kAmount.count() * state.range(0));
  std::size_t at = 0;
  bool was_refused = false;
  for (auto _ : state) {
    at = (at + 1) % teams.size();
    const ScopeId team[] = {teams[at]};
    const Reservation one = ledger->reserve({team, kAmount, kAmount, kNever}, kNow);
    const Reservation two = ledger->reserve({team, most, most, kNever}, kNow);
    was_refused |= one.status != ReserveStatus::kReserved;
    ledger->release(one.ticket, kNow);
    ledger->release(two.ticket, kNow);
  }
  if (was_refused) state.SkipWithError("refused");
}
BENCHMARK(reserve_beyond_a_share)->ArgName("siblings")->Arg(4)->Arg(32)->Arg(256);

void find_scope(benchmark::State& state) {
  const auto ledger = ledger_of(chains(1'000, 0));
  for (auto _ : state) benchmark::DoNotOptimize(ledger->find("user517"));
}
BENCHMARK(find_scope);

// A million scopes with one budget each, in bytes of the heap.
void bytes_per_scope(benchmark::State& state) {
  BudgetConfig config;
  config.scopes.push_back({"org", ScopeKind::kOrg, "", {budget()}});
  config.scopes.push_back({"user:*", ScopeKind::kUser, "org", {budget()}});
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    const auto ledger = ledger_of(config);
    for (int i = 0; i < 1'000'000; ++i) {
      ledger->find_or_create("user:" + std::to_string(i), kNow);
    }
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["bytes"] = static_cast<double>(after - before) / 1e6;
  }
}
BENCHMARK(bytes_per_scope)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fare
