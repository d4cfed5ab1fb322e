#include "study/traffic_fit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "base/json_reader.h"
#include "places.h"
#include "routesim/program.h"
#include "study/files.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;

std::string traces(const std::string& path) {
  return std::string(fare::kSourceDir) + "/../shared/data/traces/" + path;
}

TrafficModel model_of(const std::string& text) {
  fare::Problems problems("s");
  const fare::JsonDocument document(text, problems);
  auto model = read_traffic(document.root());
  EXPECT_TRUE(problems.empty()) << fare::to_text(problems.take());
  return model ? std::move(*model) : TrafficModel{};
}

// What a source sends, as a recording.
Trace record(const TrafficModel& model, std::uint64_t seed = 1) {
  Trace trace;
  trace.name = "recorded";
  const bool is_named = model.classes.size() > 1;
  if (is_named) {
    for (const ClassMix& mix : model.classes) trace.classes.push_back(mix.name);
    for (const TenantMix& mix : model.tenants) trace.tenants.push_back(mix.name);
  }
  TrafficSource source(model, seed, 0);
  for (Arrival arrival; source.next(arrival);) {
    trace.rows.push_back({.at = arrival.at,
                          .input = arrival.input,
                          .output = arrival.output,
                          .request_class = is_named ? arrival.request_class : kUnnamed,
                          .tenant = is_named ? arrival.tenant : kUnnamed});
  }
  return trace;
}

TrafficFit fit_of(const Trace& trace) {
  const auto fit = fit_traffic(trace, {});
  EXPECT_TRUE(fit.has_value());
  return fit ? *fit : TrafficFit{};
}

const ArrivalCandidate& chosen(const TrafficFit& fit) { return fit.candidates.at(fit.chosen); }

std::string source_of(const std::string& arrivals) {
  return R"({"arrivals":)" + arrivals +
         R"(,"input_tokens":{"kind":"lognormal","mu":6.6,"sigma":1,"max":100000},)"
         R"("output_tokens":{"kind":"uniform","min":10,"max":1000}})";
}

// Standard errors: the cv of gaps with cv 3 from 180,000 of them is known to 1 %, mu to sigma over
// the root of n, 0.0024; the limits are four of them or more.
TEST(TrafficFitTest, RecoversARenewalSourceAndItsLengths) {
  const TrafficFit fit = fit_of(
      record(model_of(source_of(R"({"process":"gamma","cv":3,"per_second":5,"hours":10})"))));
  EXPECT_EQ(chosen(fit).name, "gamma");
  const auto arrivals = nlohmann::json::parse(chosen(fit).json);
  EXPECT_NEAR(arrivals.at("per_second").get<double>(), 5, 0.15);
  EXPECT_NEAR(arrivals.at("cv").get<double>(), 3, 0.12);
  EXPECT_LT(chosen(fit).gap_distance, 0.01);
  ASSERT_EQ(fit.lengths.size(), 2u);
  EXPECT_TRUE(fit.lengths[0].is_lognormal);
  EXPECT_NEAR(fit.lengths[0].mu, 6.6, 0.01);
  EXPECT_NEAR(fit.lengths[0].sigma, 1, 0.01);
  EXPECT_LT(fit.lengths[0].distance, 0.01);
  EXPECT_FALSE(fit.lengths[1].is_lognormal) << "uniform lengths are none";
  EXPECT_GT(fit.lengths[1].lognormal_distance, 0.05);
  EXPECT_LT(fit.lengths[1].distance, 0.01);
  EXPECT_NEAR(fit.length_correlation, 0, 0.015);
}

// In 50 hours come 4,500 changes of state: the indices are known to a few per cent, and the
// sojourns, which follow from how they grow and from the skewness, to about ten; the limits are two
// of those.
TEST(TrafficFitTest, RecoversAModulatedSource) {
  const TrafficFit fit = fit_of(record(model_of(source_of(
      R"({"process":"mmpp","per_second":5,"hours":50,"states":[{"weight":1,"mean_seconds":60},)"
      R"({"weight":4,"mean_seconds":20}]})"))));
  EXPECT_EQ(chosen(fit).name, "mmpp");
  const auto states = nlohmann::json::parse(chosen(fit).json).at("states");
  const double low = states[0].at("weight").get<double>() * 1.75;  // Over the mean weight.
  EXPECT_NEAR(low, 1, 0.15);
  EXPECT_NEAR(states[1].at("weight").get<double>() * 1.75, 4, 0.4);
  EXPECT_NEAR(states[0].at("mean_seconds").get<double>() / 60, 1, 0.2);
  EXPECT_NEAR(states[1].at("mean_seconds").get<double>() / 20, 1, 0.2);
  EXPECT_LT(chosen(fit).worst_miss, 0.1);
}

TEST(TrafficFitTest, PoissonIsTakenForPoisson) {
  const TrafficFit fit =
      fit_of(record(model_of(source_of(R"({"process":"poisson","per_second":5,"hours":5})"))));
  EXPECT_EQ(chosen(fit).name, "poisson");
}

TEST(TrafficFitTest, RecoversTheHoursOfADay) {
  const TrafficFit fit = fit_of(record(model_of(
      source_of(R"({"process":"poisson","per_second":0.5,"hours":96,"hour_weights":[)"
                R"(0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,2,2,2,2,2,2,2,2,2,2,2,2,1,1,0.5,0.5]})"))));
  EXPECT_EQ(chosen(fit).name, "hours");
  const auto weights = nlohmann::json::parse(chosen(fit).json).at("hour_weights");
  ASSERT_EQ(weights.size(), 24u);
  EXPECT_NEAR(weights[3].get<double>() * 1.15833, 0.1, 0.025);
  EXPECT_NEAR(weights[12].get<double>() * 1.15833, 2, 0.11);
}

TEST(TrafficFitTest, KeepsClassesAndTenants) {
  const TrafficModel model = model_of(
      R"({"arrivals":{"process":"poisson","per_second":5,"hours":1},"output_tokens":20,"classes":[)"
      R"({"name":"a","share":3,"input_tokens":50},{"name":"b","input_tokens":{"kind":"lognormal",)"
      R"("mu":6,"sigma":0.5,"max":9000}}],"tenants":[{"name":"x"},{"name":"y","share":9}]})");
  const Trace trace = record(model);
  const TrafficFit fit = fit_of(trace);
  const TrafficModel again = model_of(fit.traffic_json);
  ASSERT_EQ(again.classes.size(), 2u);
  const auto n = static_cast<double>(trace.rows.size());
  EXPECT_NEAR(again.classes[0].share / n, 0.75, 4.9 * std::sqrt(0.1875 / n));
  EXPECT_NEAR(again.tenants[1].share / n, 0.9, 4.9 * std::sqrt(0.09 / n));
  EXPECT_EQ(again.classes[0].input_tokens->mean(), 50);
  EXPECT_NEAR(again.classes[1].input_tokens->mean(), std::exp(6.125), 20);
  EXPECT_EQ(again.output_tokens.mean(), 20);
}

TEST(TrafficFitTest, FitsAzureConversations) {
  const auto trace = read_trace(traces("azure2023/AzureLLMInferenceTrace_conv.csv.gz"), {});
  if (!trace) GTEST_SKIP() << "needs the Azure trace: " << fare::to_text(trace.error());
  const TrafficFit fit = fit_of(*trace);
  EXPECT_NEAR(fit.trace.gap_cv, 1.09, 0.005);
  // In whole windows from the first request on.  (In windows of the wall clock, with the parts of
  // one at both ends, they are 1.33, 4.24 and 26.45.)
  EXPECT_NEAR(*fit.trace.dispersion[0], 1.39, 0.005);
  EXPECT_NEAR(*fit.trace.dispersion[1], 3.87, 0.005);
  EXPECT_NEAR(*fit.trace.dispersion[2], 16.41, 0.005);
  EXPECT_EQ(chosen(fit).name, "mmpp");
  EXPECT_LT(chosen(fit).worst_miss, 0.25);
  EXPECT_LT(chosen(fit).gap_distance, 0.03);
  EXPECT_NEAR(fit.lengths[0].mu, 6.63, 0.01);
  EXPECT_NEAR(fit.lengths[0].sigma, 0.99, 0.01);
  for (const LengthFit& one : fit.lengths) EXPECT_LT(one.distance, 0.05) << one.name;
}

TEST(TrafficFitTest, FitsMooncakeBelowItsTick) {
  const auto trace = read_trace(traces("mooncake/conversation_trace.jsonl.gz"), {});
  if (!trace) GTEST_SKIP() << "needs the Mooncake trace: " << fare::to_text(trace.error());
  const TrafficFit fit = fit_of(*trace);
  EXPECT_EQ(fit.tick_seconds, 3);
  EXPECT_NEAR(fit.trace.gap_cv, 3.03, 0.02);
  EXPECT_NEAR(*fit.trace.dispersion[0], 7.9, 0.1);
  EXPECT_LT(chosen(fit).worst_miss, 0.25);
  for (const LengthFit& one : fit.lengths) EXPECT_LT(one.distance, 0.05) << one.name;
}

TEST(TrafficFitTest, FitsRagPulseByTheHourAndKnowsItsSessions) {
  const auto trace = read_trace(traces("ragpulse/0_trace.jsonl.gz"), {});
  if (!trace) GTEST_SKIP() << "needs the RAGPulse trace: " << fare::to_text(trace.error());
  const TrafficFit fit = fit_of(*trace);
  EXPECT_EQ(fit.tick_seconds, 1);
  EXPECT_NEAR(fit.trace.gap_cv, 3.06, 0.02);
  ASSERT_TRUE(fit.sessions.has_value());
  EXPECT_EQ(fit.sessions->sessions, 3'990u);
  EXPECT_LT(chosen(fit).worst_miss, 0.25);
  for (const LengthFit& one : fit.lengths) EXPECT_LT(one.distance, 0.05) << one.name;
}

TEST(TrafficFitTest, TooLittleIsAnError) {
  Trace trace;
  trace.name = "t";
  for (int i = 0; i < 30; ++i) {
    trace.rows.push_back({.at = {}, .input = fare::Tokens(1), .output = fare::Tokens(1)});
  }
  const auto fit = fit_traffic(trace, {});
  ASSERT_FALSE(fit.has_value());
  EXPECT_EQ(fare::to_text(fit.error()),
            "t: must have at least 20 requests at more than one instant to fit a source, but has "
            "30\n");
}

class FitCommandTest : public testing::Test {
 protected:
  FitCommandTest() {
    folder_ = testing::TempDir() + "/fit_command_test";
    fs::create_directories(folder_);
    trace_ = folder_ + "/trace.csv";
    std::string text = "seconds,input_tokens,output_tokens,class\n";
    const Trace trace =
        record(model_of(source_of(R"({"process":"poisson","per_second":2,"hours":9})")));
    for (const TraceRow& row : trace.rows) {
      text += fmt::format("{:.9f},{},{},chat\n", static_cast<double>(row.at.count()) / 1e9,
                          row.input.count(), row.output.count());
    }
    std::FILE* file = std::fopen(trace_.c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  ~FitCommandTest() override { fs::remove_all(folder_); }

  std::string folder_, trace_;
};

TEST_F(FitCommandTest, AnswersFirstWithin80Columns) {
  const std::string out = folder_ + "/s.json";
  const Ran ran = run("fit traffic " + trace_ + " --out " + out);
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_TRUE(ran.output.starts_with("A Poisson process\nis the source;")) << ran.output;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.size() <= 80 || line.starts_with("Written to ")) << line;
  }
  const auto scenario = nlohmann::json::parse(*read_file(out));
  EXPECT_EQ(scenario.at("format"), "fare-scenario/1");
  model_of(scenario.at("traffic").dump());
}

TEST_F(FitCommandTest, ReplacesTheTrafficOfAScenarioThatThenRuns) {
  const std::string out = std::string(fare::kSourceDir) + "/scenarios/fit_command_test.tmp.json";
  const Ran ran =
      run("fit traffic " + trace_ + " --into scenarios/conversation_day.json --json --out " + out);
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  const auto json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json.at("chosen"), "poisson");
  EXPECT_EQ(json.at("measured").at("dispersion_1s").is_number(), true);
  const auto before = nlohmann::json::parse(
      *read_file(std::string(fare::kSourceDir) + "/scenarios/conversation_day.json"));
  auto after = nlohmann::json::parse(*read_file(out));
  fs::remove(out);
  EXPECT_EQ(after.at("traffic"), json.at("traffic"));
  EXPECT_GT(after.at("assumptions").size(), before.at("assumptions").size());
  for (const auto& [key, value] : before.items()) {
    if (key == "traffic" || key == "assumptions") continue;
    EXPECT_EQ(after.at(key), value) << key;
  }
}

TEST_F(FitCommandTest, BadInputIsNamed) {
  EXPECT_EQ(run("fit traffic nowhere.csv --out x").exit_code, 2);
  const Ran ran = run("fit traffic " + trace_ + " --format azur --out x");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_NE(ran.output.find("did you mean \"azure\"?"), std::string::npos) << ran.output;
  EXPECT_EQ(run("fit traffic " + trace_ + " --out /nowhere/x").exit_code, 2);
}

}  // namespace
}  // namespace routesim
