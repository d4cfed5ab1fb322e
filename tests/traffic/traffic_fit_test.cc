#include "study/traffic_fit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "places.h"
#include "routesim/program.h"
#include "study/files.h"
#include "study/traffic_fit_play.h"
#include "traffic/session.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::Duration;

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

const SessionPart& part(const TrafficFit& fit, const std::string& name) {
  static const SessionPart kNone{.name = "none", .recorded = 0, .played = -1, .distance = {}};
  for (const SessionPart& one : fit.sessions->parts) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no part " << name;
  return kNone;
}

// The requests of a source's sessions, if each is answered at once, as a recording.
Trace record_sessions(const TrafficModel& model) {
  const Played played = play(model, 1, 1, false);
  Trace trace;
  trace.name = "recorded";
  trace.sessions = played.trace.sessions;
  SessionSource source(model, 1, 0);
  std::vector<Duration> starts;
  for (Arrival arrival; source.next(arrival);) starts.push_back(arrival.at);
  for (const PromptCall& call : played.trace.calls) {
    trace.rows.push_back({.at = starts[call.session] + call.at,
                          .input = call.input,
                          .output = call.output,
                          .session = call.session});
  }
  std::stable_sort(trace.rows.begin(), trace.rows.end(),
                   [](const TraceRow& a, const TraceRow& b) { return a.at < b.at; });
  return trace;
}

// What the source as it was written sends in the time of the trace, measured: the means that its
// candidate must have been judged by.
void expect_judged_as_written(const TrafficFit& fit, const Trace& trace) {
  const TrafficModel written = model_of(fit.traffic_json);
  const TrafficFitOptions options;
  Burstiness sum;
  std::array<double, 3> dispersion{};
  for (std::uint32_t i = 0; i < options.replications; ++i) {
    std::vector<Duration> at = play(written, options.seed + i, 1, false).at;
    std::erase_if(at,
                  [&](Duration one) { return one > trace.rows.back().at - trace.rows.front().at; });
    const Burstiness one = burstiness(at);
    sum.per_second += one.per_second / options.replications;
    sum.gap_cv += one.gap_cv / options.replications;
    for (std::size_t k = 0; k < 3; ++k) dispersion[k] += *one.dispersion[k] / options.replications;
  }
  const Burstiness& judged = chosen(fit).simulated;
  EXPECT_NEAR(judged.per_second / sum.per_second, 1, 1e-12);
  EXPECT_NEAR(judged.gap_cv / sum.gap_cv, 1, 1e-12);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(*judged.dispersion[k] / dispersion[k], 1, 1e-12) << kDispersionSeconds[k];
  }
}

// Users ask 1, 2 or 5 times (half, a third, a sixth), think for 20 s on average, and add 100
// tokens.
TEST(TrafficFitTest, RecoversSessionsAndTheirStarts) {
  const TrafficModel model = model_of(
      R"({"arrivals":{"process":"poisson","per_second":0.05,"hours":60},"input_tokens":2000,)"
      R"("output_tokens":{"kind":"uniform","min":10,"max":300},"sessions":{"turns":)"
      R"({"kind":"empirical","quantiles":[[0,0.5],[0.5,1],[0.8333333,2],[0.8333334,4],[1,5]]},)"
      R"("think_seconds":{"kind":"exponential","mean":20,"max":1000},"new_tokens":100}})");
  const Trace trace = record_sessions(model);
  const TrafficFit fit = fit_of(trace);
  ASSERT_TRUE(fit.sessions && fit.sessions->is_source);
  EXPECT_EQ(chosen(fit).name, "poisson") << "bursts are the sessions'";
  EXPECT_GT(*fit.trace.dispersion[2], 1.5);
  EXPECT_LT(chosen(fit).worst_miss, 0.1);
  // 10,800 sessions: a mean of 2 with a deviation of 1.41 is known to 0.014.
  EXPECT_NEAR(part(fit, "turns").played, 2, 0.06);
  EXPECT_LT(*part(fit, "turns").distance, 0.02);
  EXPECT_NEAR(part(fit, "prompts").played / part(fit, "prompts").recorded, 1, 0.03);
  EXPECT_EQ(part(fit, "rewrites' share").recorded, 0);
  const TrafficModel again = model_of(fit.traffic_json);
  ASSERT_TRUE(again.sessions);
  EXPECT_EQ(again.input_tokens.mean(), 2'000) << "of first turns alone";
  EXPECT_EQ(again.sessions->new_tokens->mean(), 100);
  EXPECT_NEAR(again.sessions->think_seconds.mean(), 20, 1);
  EXPECT_TRUE(again.sessions->rewrites.empty());
}

// Half of the sessions begin with 1,000 tokens and have 8 requests, half with 20,000 and have one.
TrafficModel model_of_two_kinds() {
  return model_of(
      R"({"arrivals":{"process":"poisson","per_second":0.05,"hours":60},"input_tokens":)"
      R"({"kind":"empirical","quantiles":[[0,1000],[0.5,1000],[0.5000001,20000],[1,20000]]},)"
      R"("output_tokens":50,"sessions":{"turns":1,"turns_by_prompt":[{"up_to_tokens":5000,)"
      R"("turns":8},{"turns":1}],"think_seconds":{"kind":"exponential","mean":20,"max":1000},)"
      R"("new_tokens":100}})");
}

// Goal: candidates are tried out as they will be written, whatever the turns depend on.  The rate
// of 10,800 sessions is known to 1.2 %, but rate and turns are fitted to this very recording, so
// what remains are the trials' own 0.3 %.
TEST(TrafficFitTest, JudgesCandidatesByTheLengthsThatTurnsDependOn) {
  const Trace trace = record_sessions(model_of_two_kinds());
  const TrafficFit fit = fit_of(trace);
  ASSERT_TRUE(fit.sessions && fit.sessions->is_source);
  EXPECT_EQ(model_of(fit.traffic_json).sessions->turns_by_prompt.size(), 2u);
  EXPECT_EQ(chosen(fit).name, "poisson");
  EXPECT_NEAR(chosen(fit).simulated.per_second / fit.trace.per_second, 1, 0.015);
  EXPECT_LT(chosen(fit).worst_miss, 0.03);
  expect_judged_as_written(fit, trace);
}

// As a session keeps its class and tenant, their shares are those of sessions, not of requests: in
// the source half, though 8 of 9 requests are of the short ones.  10,800 sessions: 0.5 to 0.005.
TEST(TrafficFitTest, SharesOfClassesAndTenantsAreThoseOfSessions) {
  Trace trace = record_sessions(model_of_two_kinds());
  trace.classes = {"short", "long"};
  trace.tenants = {"x", "y"};
  for (TraceRow& row : trace.rows) {
    row.request_class = row.tenant = row.input < fare::Tokens(15'000) ? 0 : 1;
  }
  const TrafficFit fit = fit_of(trace);
  ASSERT_TRUE(fit.sessions && fit.sessions->is_source);
  EXPECT_EQ(fit.classes[0].requests + fit.classes[1].requests, trace.rows.size());
  EXPECT_NEAR(
      static_cast<double>(fit.classes[0].requests) / static_cast<double>(fit.classes[1].requests),
      8, 0.8)
      << "of requests, as recorded";
  const TrafficModel again = model_of(fit.traffic_json);
  const auto sessions = static_cast<double>(trace.sessions.size());
  EXPECT_NEAR(again.classes[0].share / sessions, 0.5, 0.025);
  EXPECT_EQ(again.classes[0].share + again.classes[1].share, sessions);
  EXPECT_EQ(again.tenants[0].share, again.classes[0].share);
  EXPECT_NEAR(chosen(fit).simulated.per_second / fit.trace.per_second, 1, 0.015);
  EXPECT_NEAR(part(fit, "turns").played / part(fit, "turns").recorded, 1, 0.02);
  expect_judged_as_written(fit, trace);
}

// Where no session's first request is named, the names of all are better than none.
TEST(TrafficFitTest, NamesOfLaterRequestsAloneStillCount) {
  Trace trace = record_sessions(model_of_two_kinds());
  trace.classes = {"later"};
  std::set<std::uint32_t> seen;
  for (TraceRow& row : trace.rows) {
    if (!seen.insert(row.session).second) row.request_class = 0;
  }
  const TrafficFit fit = fit_of(trace);
  EXPECT_GT(model_of(fit.traffic_json).classes.at(0).share, 0);
}

// Goal: a source of sessions, played and fitted, comes back: with sub-agents that begin afresh and
// rewrites that keep a fifth and grow more likely with length.  2,000 sessions of 12 turns: shares
// of some 25,000 turns, known to a tenth of themselves.
TEST(TrafficFitTest, RecoversRewritesAndSubAgents) {
  const TrafficModel model = model_of(
      R"({"arrivals":{"process":"poisson","per_second":0.1,"requests":2000},"input_tokens":)"
      R"({"kind":"lognormal","median":20000,"sigma":0.5,"max":100000},"output_tokens":300,)"
      R"("sessions":{"turns":{"kind":"uniform","min":1,"max":23},"think_seconds":)"
      R"({"kind":"exponential","mean":30,"max":1000},"new_tokens":{"kind":"lognormal",)"
      R"("median":1000,"sigma":0.5,"max":10000},"rewrites":[{"up_to_tokens":25000,)"
      R"("turn_share":0.02,)"
      R"("size_share":0.5,"kept_share":0.2},{"turn_share":0.1,"size_share":0.5,"kept_share":0.2}],)"
      R"("sub_agents":{"turn_share":0.05,"count":2,"turns":3,"pause_seconds":4,)"
      R"("context_tokens":8000}}})");
  const Played played = play(model, 1, 1, true);
  const auto fit = fit_traffic(played.trace, TrafficFitOptions{});
  ASSERT_TRUE(fit) << fare::to_text(fit.error());
  EXPECT_TRUE(fit->candidates.empty()) << "starts are not recorded";
  const TrafficModel again = model_of(fit->traffic_json);
  ASSERT_TRUE(again.sessions && again.sessions->agents);
  const SessionModel& sessions = *again.sessions;
  EXPECT_NEAR(sessions.turns.mean(), 12, 0.6);
  EXPECT_NEAR(sessions.think_seconds.mean(), 30, 1.5);
  EXPECT_NEAR(sessions.new_tokens->mean(), 1'000 * std::exp(0.125), 40);
  EXPECT_NEAR(sessions.agents->turn_share, 0.05, 0.006);
  EXPECT_EQ(sessions.agents->count.mean(), 2);
  EXPECT_EQ(sessions.agents->turns.mean(), 3);
  EXPECT_EQ(sessions.agents->pause_seconds.mean(), 4);
  ASSERT_TRUE(sessions.agents->context_tokens);
  EXPECT_NEAR(sessions.agents->context_tokens->mean(), 8'000, 100);
  ASSERT_GE(sessions.rewrites.size(), 4u);
  for (const RewriteModel& one : sessions.rewrites) {
    if (one.up_to < fare::Tokens(25'000)) {
      EXPECT_NEAR(one.turn_share, 0.02, 0.012);
    }
    EXPECT_NEAR(one.size_share.mean(), 0.5, 0.03);
    EXPECT_NEAR(one.kept_share.mean(), 0.2, 0.01);
  }
  EXPECT_NEAR(sessions.rewrites.back().turn_share, 0.1, 0.025);
  for (const SessionPart& one : fit->sessions->parts) {
    EXPECT_NEAR(one.played / one.recorded, 1, 0.08) << one.name;
  }
  ASSERT_TRUE(fit->sessions->reuse);
  EXPECT_NEAR(fit->sessions->played_reuse, *fit->sessions->reuse, 0.005);
}

// What the fitted source comes to: hits of a cache to half a point, tokens to an eighth (sessions
// that grow fast keep on growing fast; the source draws each text anew).
TEST(TrafficFitTest, FitsClaudeCodeSessions) {
  const auto trace = read_prompt_trace(traces("claudecode_weka/claudecode_sessions_rle.jsonl.gz"),
                                       {.format = PromptFormat::kClaudeCode});
  if (!trace) GTEST_SKIP() << "needs the recorded sessions: " << fare::to_text(trace.error());
  const auto fit = fit_traffic(*trace, TrafficFitOptions{});
  ASSERT_TRUE(fit) << fare::to_text(fit.error());
  EXPECT_EQ(fit->sessions->sessions, 355u);
  EXPECT_NEAR(*fit->sessions->reuse, 0.963, 0.001);
  EXPECT_NEAR(fit->sessions->played_reuse, *fit->sessions->reuse, 0.005);
  for (const char* const name : {"turns", "answers", "first prompts", "new text"}) {
    const SessionPart& one = part(*fit, name);
    EXPECT_NEAR(one.played / one.recorded, 1, 0.05) << name;
    EXPECT_LT(*one.distance, 0.05) << name;
  }
  const SessionPart& prompts = part(*fit, "prompts");
  EXPECT_NEAR(prompts.played / prompts.recorded, 1, 0.125);
  EXPECT_NEAR(prompts.recorded, 125'435, 1'000);
}

TEST(TrafficFitTest, SessionsOfOneTurnAreNoSource) {
  PromptTrace trace;
  trace.name = "t";
  trace.sessions = {"a"};
  PromptCall& call = trace.calls.emplace_back();
  call.input = call.output = fare::Tokens(5);
  const auto fit = fit_traffic(trace, TrafficFitOptions{});
  ASSERT_FALSE(fit.has_value());
  EXPECT_NE(fare::to_text(fit.error()).find("some must have a second turn"), std::string::npos);
}

// Without sessions in the source the best process missed the index at 60 s by 22 %.
TEST(TrafficFitTest, FitsRagPulseByTheHourAndItsSessions) {
  const auto trace = read_trace(traces("ragpulse/0_trace.jsonl.gz"), {});
  if (!trace) GTEST_SKIP() << "needs the RAGPulse trace: " << fare::to_text(trace.error());
  const TrafficFit fit = fit_of(*trace);
  EXPECT_EQ(fit.tick_seconds, 1);
  EXPECT_NEAR(fit.trace.gap_cv, 3.06, 0.02);
  ASSERT_TRUE(fit.sessions.has_value());
  EXPECT_EQ(fit.sessions->sessions, 3'990u);
  EXPECT_TRUE(fit.sessions->is_source);
  EXPECT_LT(chosen(fit).worst_miss, 0.15);
  EXPECT_NEAR(chosen(fit).simulated.per_second / fit.trace.per_second, 1, 0.02)
      << "with prompts of one token, which lead to more turns, it was 20 % more";
  expect_judged_as_written(fit, *trace);
  EXPECT_NEAR(part(fit, "turns").played, 7'106 / 3'990.0, 0.05);
  EXPECT_NEAR(part(fit, "prompts").played / part(fit, "prompts").recorded, 1, 0.05);
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

// Requests at these instants, one after the other in sessions of two.
Trace at_instants(const std::vector<fare::Duration>& at) {
  Trace trace;
  trace.name = "t";
  for (const fare::Duration instant : at) {
    const auto session = static_cast<std::uint32_t>(trace.rows.size() / 2);
    trace.rows.push_back({.at = instant,
                          .input = fare::Tokens(1 + session % 3),
                          .output = fare::Tokens(1),
                          .session = session});
    if (trace.sessions.size() <= session) trace.sessions.push_back(std::to_string(session));
  }
  return trace;
}

TEST(TrafficFitTest, MoreOrLongerThanASourceCanBeIsAnError) {
  const std::string rule =
      "t: must have 1e-06 to 1e+06 requests a second for 1e-06 to 87600 hours to fit a source, but "
      "has ";
  const auto error_of = [](fare::Duration step) {
    std::vector<fare::Duration> at;
    for (int i = 0; i <= 100; ++i) at.push_back(i * step);
    const auto fit = fit_traffic(at_instants(at), {.replications = 1});
    return fit ? "" : fare::to_text(fit.error());
  };
  EXPECT_EQ(error_of(std::chrono::nanoseconds(10)), rule + "1.01e+08 for 2.77778e-10 hours\n");
  EXPECT_EQ(error_of(std::chrono::hours(24 * 365)), rule + "3.20269e-08 for 876000 hours\n");
  EXPECT_EQ(error_of(std::chrono::hours(800)), rule + "3.50694e-07 for 80000 hours\n");
  EXPECT_EQ(error_of(std::chrono::hours(100)), "");
}

// Two bursts, long apart: what is in between is no memory, and no two states can be as slow.
TEST(TrafficFitTest, FitsWhatIsFarApart) {
  std::vector<fare::Duration> at;
  for (int i = 0; i < 600; ++i) {
    at.push_back((i / 300) * std::chrono::hours(80'000) + i * std::chrono::milliseconds(700));
  }
  const auto fit = fit_traffic(at_instants(at), {.replications = 1});
  ASSERT_TRUE(fit.has_value()) << fare::to_text(fit.error());
  // The mean being next to nothing, it is the sum of squares over the sum: of seven seconds that
  // are not empty three have two, four have one.
  EXPECT_NEAR(fit->trace.dispersion[0].value(), 1.6, 0.01);
}

// A week that ends early: the hours after it are as the mean.
TEST(TrafficFitTest, HoursThatATraceDoesNotReachHaveTheMeanRate) {
  std::vector<fare::Duration> at;
  for (int i = 0; i <= 6 * 24 + 18; ++i) at.push_back(i * std::chrono::minutes(59));
  const auto fit = fit_traffic(at_instants(at), {.replications = 1});
  ASSERT_TRUE(fit.has_value()) << fare::to_text(fit.error());
  const auto week = std::find_if(fit->candidates.begin(), fit->candidates.end(),
                                 [](const ArrivalCandidate& one) { return one.name == "week"; });
  ASSERT_NE(week, fit->candidates.end());
  const auto weights = nlohmann::json::parse(week->json).at("hour_weights");
  ASSERT_EQ(weights.size(), 168u);
  EXPECT_EQ(weights.back(), 1.0);
}

// Gaps are all the same, and every third turn is cut down to next to nothing, once to nothing.
TEST(TrafficFitTest, SaysWhatItTakesForTheNearestThatASourceHas) {
  Trace trace;
  trace.name = "t";
  for (std::uint32_t session = 0; session < 30; ++session) {
    trace.sessions.push_back(std::to_string(session));
    const std::int64_t inputs[] = {1'000, 2'000, session == 7 ? 1 : 100};
    for (std::int64_t turn = 0; turn < 3; ++turn) {
      trace.rows.push_back({.at = std::chrono::seconds(3 * session + turn),
                            .input = fare::Tokens(inputs[turn]),
                            .output = fare::Tokens(100),
                            .session = session});
    }
  }
  const auto fit = fit_traffic(trace, {.replications = 1});
  ASSERT_TRUE(fit.has_value()) << fare::to_text(fit.error());
  // New texts have 900 tokens, and 2,100 were said: (100 - 900) / 2,100, and once (1 - 900) /
  // 2,100.
  const std::string sizes =
      "rewrites' sizes: 30 are taken as 0, the least of a source; the furthest is -0.4281.";
  const std::string text = to_text(*fit);
  EXPECT_THAT(text, testing::HasSubstr(sizes + "\n"));
  EXPECT_THAT(text, testing::HasSubstr("gamma, CV of gaps: 0 is taken as 0.001, the least of a "
                                       "source.\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("kept: ")));
  EXPECT_THAT(scenario_skeleton(*fit), testing::HasSubstr("\"Traffic: " + sizes + "\""));
  const auto json = nlohmann::json::parse(to_json(*fit));
  for (const auto& one : json["candidates"]) {
    const bool is_renewal = one["name"] == "gamma" || one["name"] == "weibull";
    ASSERT_EQ(one.contains("cut"), is_renewal) << one["name"];
    if (is_renewal) {
      EXPECT_EQ(one["cut"], nlohmann::json::parse(R"([{"from": 0.0, "to": 0.001, "values": 1}])"));
    }
  }
  for (const auto& one : json["lengths"]) {
    const bool are_sizes = one["name"] == "rewrites' sizes";
    ASSERT_EQ(one.contains("cut"), are_sizes) << one["name"];
    if (!are_sizes) continue;
    ASSERT_EQ(one["cut"].size(), 1u);
    EXPECT_DOUBLE_EQ(one["cut"][0]["from"].get<double>(), -899.0 / 2'100);
    EXPECT_EQ(one["cut"][0]["to"], 0);
    EXPECT_EQ(one["cut"][0]["values"], 30);
  }
}

TEST(TrafficFitTest, SaysWhatOfALongPromptNoSourceHas) {
  Trace trace = at_instants({});
  for (std::uint32_t i = 0; i < 60; ++i) {
    if (i % 2 == 0) trace.sessions.push_back(std::to_string(i));
    trace.rows.push_back({.at = std::chrono::seconds(i * i),
                          .input = fare::Tokens(i == 59 ? 5'000'000 : 100 * (1 + i % 2)),
                          .output = fare::Tokens(1),
                          .session = i / 2});
  }
  const auto fit = fit_traffic(trace, {.replications = 1});
  ASSERT_TRUE(fit.has_value()) << fare::to_text(fit.error());
  EXPECT_THAT(to_text(*fit),
              testing::HasSubstr("the longest prompt: 5e+06 is taken as 4.194e+06, the greatest of "
                                 "a source.\n"));
  const auto json = nlohmann::json::parse(to_json(*fit));
  EXPECT_EQ(json["sessions"]["cut"][0]["to"], 64 * 65'535);
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
