// A forecast of a 1 KB prompt, as a gateway would ask for it, and what comes before: features,
// loading a model, learning one.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.h"
#include "base/samplers.h"
#include "fare/bandit.h"
#include "fare/learn.h"
#include "fare/off_policy.h"
#include "fare/text_features.h"

namespace fare {
namespace {

// Words as frequent as in a language: Zipf's law, 20,000 of them.
std::string prompt_of(std::uint64_t seed, std::size_t bytes) {
  static const Zipf words(20'000, 1.0);
  RandomStream stream(RandomKey(1, 0, Purpose::kTest), seed);
  std::string text;
  while (text.size() < bytes) {
    RandomStream letters(RandomKey(3, 0, Purpose::kTest), words(stream));
    for (std::uint64_t k = 2 + letters.below(8); k > 0; --k) {
      text += static_cast<char>('a' + letters.below(26));
    }
    text += stream.below(12) == 0 ? ". " : " ";
  }
  text.resize(bytes);
  return text;
}

OutcomeData data_of(std::size_t rows, std::size_t targets) {
  std::string lines;
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream stream(RandomKey(2, 0, Purpose::kTest), i);
    lines += fmt::format(R"({{"id": "{}", "prompt": "{}", "outcomes": {{)", i, prompt_of(i, 500));
    for (std::size_t t = 0; t < targets; ++t) {
      lines += fmt::format(R"({}"t{}": {{"quality": {}}})", t == 0 ? "" : ", ", t,
                           stream.uniform() < 0.6 ? 1 : 0);
    }
    lines += "}}\n";
  }
  return parse_outcomes("bench", lines, {}).value();
}

// Two or eleven targets; `plain`: without the index of familiar prompts.
const ChoiceModel& model_with(std::size_t targets, bool plain = false) {
  static const OutcomeData data = data_of(600, 2);
  static const ChoiceModel two = learn(data, {}).value();
  static const ChoiceModel many = learn(data_of(600, 11), {}).value();
  static const ChoiceModel bare = [] {
    LearnOptions options;
    options.familiarity = false;
    return learn(data, options).value();
  }();
  return targets != 2 ? many : plain ? bare : two;
}

// Every prompt is another one, as in life.
std::vector<std::string> prompts_1kb() {
  std::vector<std::string> prompts;
  for (std::uint64_t i = 0; i < 512; ++i) prompts.push_back(prompt_of(10'000 + i, 1'024));
  return prompts;
}

void features_1kb(benchmark::State& state) {
  TextReader reader(GramBits{});
  const std::vector<std::string> prompts = prompts_1kb();
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(reader.read(prompts[next++ % prompts.size()]));
}
BENCHMARK(features_1kb)->Unit(benchmark::kMicrosecond);

// Each is timed alone, so that p99 means something.
void forecast_1kb(benchmark::State& state) {
  const ChoiceModel& model =
      model_with(static_cast<std::size_t>(state.range(0)), state.range(1) == 0);
  ChoiceScratch scratch;
  const std::vector<std::string> prompts = prompts_1kb();
  std::vector<double> micros;
  std::size_t next = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(model.forecast(prompts[next], scratch));
    const auto end = std::chrono::steady_clock::now();
    micros.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
    next = (next + 1) % prompts.size();
  }
  std::sort(micros.begin(), micros.end());
  state.counters["p50_us"] = micros[micros.size() / 2];
  state.counters["p99_us"] = micros[micros.size() * 99 / 100];
}
BENCHMARK(forecast_1kb)
    ->ArgNames({"targets", "index"})
    ->Args({2, 0})
    ->Args({2, 1})
    ->Args({11, 1})
    ->Unit(benchmark::kMicrosecond);

void load_model(benchmark::State& state) {
  const std::string bytes = model_with(static_cast<std::size_t>(state.range(0))).serialise();
  for (auto _ : state) benchmark::DoNotOptimize(ChoiceModel::parse("bench", bytes));
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(load_model)->Arg(2)->Arg(11)->Unit(benchmark::kMillisecond);

// A learner that has seen 200 outcomes, and requests to choose for.
struct Lesson {
  Bandit bandit;
  std::vector<double> features;
  std::vector<ArmForecast> arms;
  ArmRequest request;

  Lesson(BanditKind kind, std::size_t count, std::size_t dimensions)
      : bandit(Bandit::create({.kind = kind, .arms = count, .dimensions = dimensions}).value()),
        features(dimensions),
        arms(count) {
    for (std::uint64_t i = 0; i < 200; ++i) {
      RandomStream stream(RandomKey(4, 0, Purpose::kTest), i);
      for (double& feature : features) feature = stream.uniform();
      bandit.observe(stream.below(count), features, stream.uniform(), Instant());
    }
    for (std::size_t i = 0; i < count; ++i) {
      arms[i] = {true, 0.8, Money(1'000'000 * static_cast<std::int64_t>(i))};
    }
    request.features = features;
    request.arms = arms;
    request.tolerance = 1;
    request.budget = Money(1'000'000'000);
  }
};

void bandit_choose(benchmark::State& state) {
  Lesson lesson(state.range(0) == 0 ? BanditKind::kLinUcb : BanditKind::kThompson,
                static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(2)));
  for (auto _ : state) benchmark::DoNotOptimize(lesson.bandit.choose(lesson.request));
}
BENCHMARK(bandit_choose)
    ->ArgNames({"thompson", "arms", "dimensions"})
    ->Args({0, 2, 19})
    ->Args({0, 20, 37})
    ->Args({1, 2, 19})
    ->Args({1, 20, 37})
    ->Unit(benchmark::kMicrosecond);

void bandit_observe(benchmark::State& state) {
  const auto dimensions = static_cast<std::size_t>(state.range(0));
  Lesson lesson(BanditKind::kLinUcb, 2, dimensions);
  for (auto _ : state) lesson.bandit.observe(0, lesson.features, 1, Instant());
}
BENCHMARK(bandit_observe)->ArgName("dimensions")->Arg(19)->Arg(64)->Unit(benchmark::kMicrosecond);

// 6,000 rows, 2 arms, 19 dimensions, 5 folds: every estimate with its interval.
void judge_policy_6000_rows(benchmark::State& state) {
  ChoiceLog log{.arms = 2, .dimensions = 19};
  std::vector<double> policy;
  for (std::uint64_t i = 0; i < 6'000; ++i) {
    RandomStream stream(RandomKey(6, 0, Purpose::kTest), i);
    log.arm.push_back(static_cast<std::uint32_t>(stream.below(2)));
    log.propensity.push_back(0.5);
    log.reward.push_back(stream.uniform());
    for (int k = 0; k < 19; ++k) log.features.push_back(static_cast<float>(stream.uniform()));
    policy.insert(policy.end(), {0.9, 0.1});
  }
  for (auto _ : state) benchmark::DoNotOptimize(evaluate_off_policy(log, policy));
}
BENCHMARK(judge_policy_6000_rows)->Unit(benchmark::kMillisecond);

void learn_1500_rows(benchmark::State& state) {
  const OutcomeData data = data_of(1'500, 2);
  for (auto _ : state) benchmark::DoNotOptimize(learn(data, {}));
}
BENCHMARK(learn_1500_rows)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fare
