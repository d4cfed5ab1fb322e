// What a cost costs: by handle, by name, from a vendor's body, and loading the tables.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fare/check.h"
#include "fare/price_book.h"
#include "fare/usage_body.h"
#include "study/scenario.h"

namespace routesim {
namespace {

using fare::Meter;

const std::string kTables = std::string(FARE_SOURCE_DIR) + "/pricing";

const fare::PriceBook& book() {
  static const fare::PriceBook shipped = load_prices({kTables}).value();
  return shipped;
}

fare::Instant now() { return fare::parse_instant("2026-11-23T12:00:00Z").value(); }

fare::Usage usage() {
  fare::Usage usage;
  usage[Meter::kInput] = fare::Tokens(3'000);
  usage[Meter::kCacheRead] = fare::Tokens(20'000);
  usage[Meter::kCacheWrite5m] = fare::Tokens(1'000);
  usage[Meter::kOutput] = fare::Tokens(200);
  return usage;
}

fare::ModelId model(std::string_view provider, std::string_view name) {
  const fare::ModelMatch match = book().find(provider, name, now());
  FARE_CHECK(match.status == fare::LookUp::kFound);
  return match.model;
}

void charge_by_handle(benchmark::State& state) {
  const fare::ModelId id = model("anthropic", "claude-haiku-5-5");
  const fare::Usage used = usage();
  const fare::Instant at = now();
  for (auto _ : state) benchmark::DoNotOptimize(book().charge(id, used, at));
}
BENCHMARK(charge_by_handle);

void cost_by_handle(benchmark::State& state) {
  const fare::ModelId id = model("anthropic", "claude-haiku-5-5");
  const fare::Usage used = usage();
  const fare::Instant at = now();
  for (auto _ : state) benchmark::DoNotOptimize(book().cost(id, used, at));
}
BENCHMARK(cost_by_handle);

// A window in Shanghai with a holiday calendar.
void cost_in_a_week_window(benchmark::State& state) {
  const fare::ModelId id = model("deepseek", "deepseek-v4-pro");
  fare::Usage used;
  used[Meter::kInput] = fare::Tokens(3'000);
  used[Meter::kOutput] = fare::Tokens(200);
  const fare::Instant at = now();
  for (auto _ : state) benchmark::DoNotOptimize(book().cost(id, used, at));
}
BENCHMARK(cost_in_a_week_window);

void cost_by_name(benchmark::State& state) {
  const fare::Usage used = usage();
  const fare::Instant at = now();
  for (auto _ : state) {
    const fare::ModelMatch match = book().find("anthropic", "claude-haiku-5-5", at);
    benchmark::DoNotOptimize(book().cost(match.model, used, at));
  }
}
BENCHMARK(cost_by_name);

void body_to_explained_cost(benchmark::State& state) {
  constexpr std::string_view kBody =
      R"({"model":"claude-haiku-5-5","usage":{"input_tokens":3000,
          "cache_creation_input_tokens":1000,"cache_read_input_tokens":20000,
          "cache_creation":{"ephemeral_5m_input_tokens":1000,"ephemeral_1h_input_tokens":0},
          "output_tokens":200,"service_tier":"standard","inference_geo":"global"}})";
  fare::UsageReader reader;
  const fare::Instant at = now();
  for (auto _ : state) {
    const fare::UsageReport& report = reader.read(fare::UsageApi::kAnthropic, kBody);
    const fare::ModelMatch match = book().find("anthropic", report.model, at);
    benchmark::DoNotOptimize(book().charge(match.model, report.usage, at, report.terms));
  }
}
BENCHMARK(body_to_explained_cost);

void load_all_tables(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load_prices({kTables}).value());
  state.counters["models"] = static_cast<double>(book().size());
}
BENCHMARK(load_all_tables)->Unit(benchmark::kMillisecond);

// The program itself, reading and writing files: its start and the loading of tables included.
void quote_a_log(benchmark::State& state) {
  namespace fs = std::filesystem;
  const fs::path log = fs::temp_directory_path() / "fare_pricing_bench.jsonl";
  constexpr int kLines = 300'000;
  std::ofstream file(log);
  for (int i = 0; i < kLines; ++i) {
    file << R"({"model":"gpt-5.4","provider":"openai","api":"openai-chat",)"
         << R"("at":"2026-11-23T12:00:00Z","usage":{"prompt_tokens":)" << 2'000 + i % 5'000
         << R"(,"completion_tokens":)" << i % 700
         << R"(,"prompt_tokens_details":{"cached_tokens":1024},"total_tokens":0}})" << '\n';
  }
  file.close();
  const std::string command = "'" + std::string(FARE_ROUTESIM) + "' price quote --prices '" +
                              kTables + "' --batch '" + log.string() + "' > /dev/null";
  for (auto _ : state) FARE_CHECK(std::system(command.c_str()) == 0);
  state.counters["lines/s"] =
      benchmark::Counter(kLines, benchmark::Counter::kIsIterationInvariantRate);
  fs::remove(log);
}
BENCHMARK(quote_a_log)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace routesim
