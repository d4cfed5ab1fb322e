// JSON-lines traces: our reader against simdjson alone.  simdjson's pass is the least anybody does:
// On-Demand over many documents, reading the same three numbers of each line, checking nothing
// else.  Both read the same bytes of memory, and each iteration times both, so "ratio" (its time
// over ours) holds whatever else the machine does.  Both have one core; where simdjson has two, as
// it would by default, a second thread finds structure ahead of the first, half of the work, and
// only the first thread's time counts.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <ctime>
#include <string>

#include "base/random.h"
#include "traffic/trace.h"

namespace routesim {
namespace {

// The thread's own time, so that other programs do not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr std::size_t kLines = 40'000;

// Lines as those of the Mooncake traces: some 25 names of blocks each.
std::string mooncake_lines() {
  std::string text;
  fare::RandomStream stream(fare::RandomKey(1, 0, fare::Purpose::kTest), 0);
  std::uint64_t block = 0;
  for (std::size_t i = 0; i < kLines; ++i) {
    const std::uint64_t blocks = 1 + stream.below(48);
    text +=
        fmt::format(R"({{"timestamp": {}, "input_length": {}, "output_length": {}, "hash_ids": [)",
                    i * 300, blocks * 512 - stream.below(512), 1 + stream.below(1'000));
    for (std::uint64_t k = 0; k < blocks; ++k) text += fmt::format("{}{}", k ? ", " : "", ++block);
    text += "]}\n";
  }
  return text;
}

// Plain lines, which are short.
std::string plain_lines() {
  std::string text;
  fare::RandomStream stream(fare::RandomKey(2, 0, fare::Purpose::kTest), 0);
  for (std::size_t i = 0; i < 4 * kLines; ++i) {
    text += fmt::format(R"({{"seconds": {}.{:03}, "input_tokens": {}, "output_tokens": {}}})"
                        "\n",
                        i, stream.below(1'000), 1 + stream.below(9'000), 1 + stream.below(900));
  }
  return text;
}

struct Keys {
  const char *time, *input, *output;
};

double simdjson_seconds(const simdjson::padded_string& text, const Keys& keys, int cores,
                        double& sum) {
  const double start = cpu_seconds();
  simdjson::ondemand::parser parser;
  parser.threaded = cores > 1;
  simdjson::ondemand::document_stream documents;
  if (parser.iterate_many(text).get(documents)) return 0;
  for (auto document : documents) {
    sum += document[keys.time].get_double().value_unsafe();
    sum += static_cast<double>(document[keys.input].get_int64().value_unsafe());
    sum += static_cast<double>(document[keys.output].get_int64().value_unsafe());
  }
  return cpu_seconds() - start;
}

void read_against_simdjson(benchmark::State& state, const std::string& lines, const Keys& keys,
                           int cores) {
  const simdjson::padded_string padded(lines);
  double ours = 0;
  double theirs = 0;
  double sum = 0;
  for (auto _ : state) {
    const double start = cpu_seconds();
    const auto trace = parse_trace("bench", lines, {});
    ours += cpu_seconds() - start;
    if (!trace || !trace->bad_lines.empty()) return state.SkipWithError("the lines must be good");
    theirs += simdjson_seconds(padded, keys, cores, sum);
  }
  benchmark::DoNotOptimize(sum);
  const double bytes = static_cast<double>(lines.size()) * static_cast<double>(state.iterations());
  state.counters["ours_MB/s"] = bytes / ours / 1e6;
  state.counters["simdjson_MB/s"] = bytes / theirs / 1e6;
  state.counters["ratio"] = theirs / ours;
}

void read_mooncake(benchmark::State& state) {
  static const std::string lines = mooncake_lines();
  const int cores = static_cast<int>(state.range(0));
  read_against_simdjson(state, lines, {"timestamp", "input_length", "output_length"}, cores);
}
BENCHMARK(read_mooncake)->ArgName("simdjson_cores")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

void read_plain(benchmark::State& state) {
  static const std::string lines = plain_lines();
  const int cores = static_cast<int>(state.range(0));
  read_against_simdjson(state, lines, {"seconds", "input_tokens", "output_tokens"}, cores);
}
BENCHMARK(read_plain)->ArgName("simdjson_cores")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
