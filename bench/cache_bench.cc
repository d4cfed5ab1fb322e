// Prompt caches: look-ups and requests on synthetic sessions, and whole recorded traces from file
// to figure.  Traces that are not there are skipped.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "fare/block_cache.h"
#include "fare/cache_rules.h"
#include "fare/prompt_cache.h"
#include "study/cache_replay.h"
#include "study/files.h"
#include "study/rules_replay.h"

namespace routesim {
namespace {

using fare::BlockRun;

// Chains of 8 blocks, most of them asked for again and again; with 100,000 blocks of room, as in
// the floor's simulated request.
constexpr std::uint64_t kChainBlocks = 8;
constexpr std::uint64_t kChains = 25'000;

// True hashes: no two blocks follow each other, so every block is a run of its own.
std::vector<std::array<BlockRun, kChainBlocks>> hashed_chains() {
  const fare::RandomKey key(1, 0, fare::Purpose::kTest);
  std::vector<std::array<BlockRun, kChainBlocks>> chains(kChains);
  for (std::uint64_t i = 0; i < kChains; ++i) {
    fare::RandomStream random(key, i);
    for (BlockRun& run : chains[i]) run = {random.bits() >> 1, 1};
  }
  return chains;
}

// The same chains, numbered: each is one run.
std::vector<std::array<BlockRun, 1>> numbered_chains() {
  std::vector<std::array<BlockRun, 1>> chains(kChains);
  for (std::uint64_t i = 0; i < kChains; ++i) chains[i][0] = {i * 100, kChainBlocks};
  return chains;
}

// Two thirds of the requests go to a tenth of the chains.
std::vector<std::uint32_t> requests() {
  const fare::RandomKey key(2, 0, fare::Purpose::kTest);
  std::vector<std::uint32_t> order(1 << 16);
  for (std::size_t i = 0; i < order.size(); ++i) {
    fare::RandomStream random(key, i);
    const bool hot = random.below(3) < 2;
    order[i] = static_cast<std::uint32_t>(random.below(hot ? kChains / 10 : kChains));
  }
  return order;
}

void use_block_cache(benchmark::State& state, fare::Eviction eviction) {
  const auto chains = hashed_chains();
  const auto order = requests();
  const auto cache = fare::BlockCache::create({.eviction = eviction, .blocks_max = 100'000});
  for (const std::uint32_t chain : order) cache->use(chains[chain]);
  std::size_t i = 0;
  std::uint64_t hits = 0;
  for (auto _ : state) hits += cache->use(chains[order[i++ & (order.size() - 1)]]);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.counters["hit_blocks"] =
      static_cast<double>(hits) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(use_block_cache, lru_flat, fare::Eviction::kLruFlat);
BENCHMARK_CAPTURE(use_block_cache, lru_rev, fare::Eviction::kLruRev);
BENCHMARK_CAPTURE(use_block_cache, fifo, fare::Eviction::kFifo);
BENCHMARK_CAPTURE(use_block_cache, lfu, fare::Eviction::kLfu);

void match_block_cache(benchmark::State& state) {
  const auto chains = hashed_chains();
  const auto order = requests();
  const auto cache =
      fare::BlockCache::create({.eviction = fare::Eviction::kLruRev, .blocks_max = 100'000});
  for (const std::uint32_t chain : order) cache->use(chains[chain]);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache->match(chains[order[i++ & (order.size() - 1)]]));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(match_block_cache);

fare::CacheRuleBook rules() {
  std::vector<std::string> texts;
  std::vector<fare::CacheRuleBook::Source> sources;
  for (const char* vendor : {"anthropic", "bounds", "openai"}) {
    texts.push_back(
        read_file(fmt::format("{}/pricing/cache/{}.json", FARE_SOURCE_DIR, vendor)).value());
  }
  for (const std::string& text : texts) sources.push_back({"rules", text});
  return fare::CacheRuleBook::parse(sources).value();
}

template <class Chains>
void ask_prompt_cache(benchmark::State& state, const Chains& chains, const char* name) {
  const fare::CacheRuleBook book = rules();
  const fare::CacheChoice choice = book.find(name, fare::Instant::max()).value();
  const auto order = requests();
  const fare::CachePosition positions[] = {{4, fare::Tokens(2'048)}, {8, fare::Tokens(4'096)}};
  fare::PromptCache cache(*choice.rules);
  const auto prompt = [&](std::uint32_t chain) {
    return fare::CachePrompt{.scope = 7,
                             .blocks = chains[chain],
                             .input = fare::Tokens(4'100),
                             .block_tokens = fare::Tokens(512),
                             .minimum = fare::Tokens(1'024),
                             .positions = positions,
                             .breakpoints = {},
                             .lifetime = choice.lifetime,
                             .life = 0};
  };
  fare::Instant now{};
  for (const std::uint32_t chain : order) cache.store(prompt(chain), now, now);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.look_up(prompt(order[i++ & (order.size() - 1)]), now));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
void look_up_any_prefix_hashed(benchmark::State& state) {
  ask_prompt_cache(state, hashed_chains(), "openai-128");
}
BENCHMARK(look_up_any_prefix_hashed);
void look_up_any_prefix_numbered(benchmark::State& state) {
  ask_prompt_cache(state, numbered_chains(), "openai-128");
}
BENCHMARK(look_up_any_prefix_numbered);
void look_up_breakpoints(benchmark::State& state) {
  ask_prompt_cache(state, hashed_chains(), "anthropic-5m");
}
BENCHMARK(look_up_breakpoints);

constexpr const char* kMooncake = "mooncake/conversation_trace.jsonl.gz";
constexpr const char* kClaudeCode = "claudecode_weka/claudecode_sessions_rle.jsonl.gz";

std::string trace_path(const char* name) {
  return fmt::format("{}/../shared/data/traces/{}", FARE_SOURCE_DIR, name);
}

bool is_there(benchmark::State& state, const char* name) {
  if (std::filesystem::exists(trace_path(name))) return true;
  state.SkipWithError("the trace is not there");
  return false;
}

// From the compressed file to the rate: inflate, parse, replay.
void mooncake_whole(benchmark::State& state, fare::Eviction eviction) {
  if (!is_there(state, kMooncake)) return;
  for (auto _ : state) {
    const auto trace =
        read_prompt_trace(trace_path(kMooncake), {.format = PromptFormat::kMooncake});
    benchmark::DoNotOptimize(
        replay_blocks(*trace, {.cache = {.eviction = eviction, .blocks_max = 10'000}}));
    state.counters["calls/s"] = benchmark::Counter(static_cast<double>(trace->calls.size()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
  }
}
BENCHMARK_CAPTURE(mooncake_whole, lru_leaf, fare::Eviction::kLruLeaf)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mooncake_whole, optimal, fare::Eviction::kOptimal)->Unit(benchmark::kMillisecond);

void claude_code_whole(benchmark::State& state, const char* name, bool simplified) {
  if (!is_there(state, kClaudeCode)) return;
  const fare::CacheRuleBook book = rules();
  const fare::CacheChoice choice = book.find(name, fare::Instant::max()).value();
  for (auto _ : state) {
    const auto trace =
        read_prompt_trace(trace_path(kClaudeCode), {.format = PromptFormat::kClaudeCode});
    benchmark::DoNotOptimize(simplified ? replay_simplified(*trace, {.choice = choice})
                                        : replay_rules(*trace, {.choice = choice}));
    state.counters["calls/s"] = benchmark::Counter(static_cast<double>(trace->calls.size()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
  }
}
BENCHMARK_CAPTURE(claude_code_whole, anthropic_5m, "anthropic-5m", false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(claude_code_whole, openai_128, "openai-128-5m", false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(claude_code_whole, anthropic_5m_simplified, "anthropic-5m", true)
    ->Unit(benchmark::kMillisecond);

void claude_code_read(benchmark::State& state) {
  if (!is_there(state, kClaudeCode)) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        read_prompt_trace(trace_path(kClaudeCode), {.format = PromptFormat::kClaudeCode}));
  }
}
BENCHMARK(claude_code_read)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
