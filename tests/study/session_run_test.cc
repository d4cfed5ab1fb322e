// Goal: users who react take part in the one simulated run: sessions go on from answers, patience
// ends, and what is asked again comes again; money, places and counts stay whole.
// Method: small worlds whose every figure is known ahead, through whole runs, whose own invariants
// (each request has one end, Little's law, equal books) hold as always.

#include <gtest/gtest.h>

#include <cmath>

#include "allocations.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run.h"
#include "study/traffic_fit.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

using fare::Meter;
using fare::Tokens;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kDear = 1;  // The model that everything is sent to.

// One model that gives 101 tokens in 1 s and then 10 ms each, asked 640 tokens every two seconds.
nlohmann::json plain_scenario() {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 0.5}, {"requests", 100}};
  json["traffic"]["input_tokens"] = 640;
  json["traffic"]["output_tokens"] = 101;
  nlohmann::json& dear = json["world"]["models"][kDear];
  dear["failure_share"] = 0;
  dear["first_token_ms"] = 1'000;
  dear["ms_per_output_token"] = 10;
  dear.erase("concurrency");
  return json;
}

RunResult run_dear(const nlohmann::json& json) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[0], 0, progress);
}

Tokens used(const RunResult& run, Meter meter, std::size_t model = kDear) {
  return run.by_model[model].used[static_cast<std::size_t>(meter)];
}

// Sessions of five calls of 2,688, 3,456, 4,224 ... tokens, all in whole blocks; caches live for
// five minutes.
nlohmann::json session_scenario(double per_second) {
  nlohmann::json json = plain_scenario();
  json["prices"] = {source_path("pricing")};
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", per_second}, {"requests", 20}};
  json["traffic"]["classes"] = {{{"name", "simple"}, {"share", 1}},
                                {{"name", "complex"}, {"share", 0}}};
  json["traffic"]["output_tokens"] = 128;
  json["traffic"]["sessions"] = {
      {"turns", 5}, {"think_seconds", 10}, {"system_tokens", 2'048}, {"block_tokens", 64}};
  for (nlohmann::json& model : json["world"]["models"]) {
    model["cache"] = {{"rules", "anthropic-5m"}};
  }
  for (nlohmann::json& model : json["extra_prices"][0]["models"]) {
    model["prices"][0]["usd_per_mtok"] = {
        {"input", "10"}, {"output", "20"}, {"cache_read", "1"}, {"cache_write_5m", "12.5"}};
  }
  return json;
}

constexpr std::int64_t kReadBySession = 2'688 + 3'456 + 4'224 + 4'992;
constexpr std::int64_t kWrittenBySession = 2'688 + 4 * 768;

TEST(SessionRunTest, ASessionAsksAllOfItsTurnsAndReadsWhatItWrote) {
  const RunResult run = run_dear(session_scenario(1e-4));
  EXPECT_EQ(run.requests, 100u);
  EXPECT_EQ(run.answered, 100u);
  EXPECT_EQ(used(run, Meter::kCacheRead), Tokens(20 * kReadBySession));
  EXPECT_EQ(used(run, Meter::kCacheWrite5m), Tokens(20 * kWrittenBySession));
  EXPECT_EQ(used(run, Meter::kInput), Tokens(0));
  EXPECT_EQ(run.not_priced, 0u);
}

// Prompts of 640, 1,408, 2,176 ... tokens, all of one run; rules ask for 1,024 at least.
TEST(SessionRunTest, SessionsWithoutASystemsTextReadWhatTheyWrote) {
  nlohmann::json json = session_scenario(1e-4);
  json["traffic"]["sessions"].erase("system_tokens");
  EXPECT_EQ(used(run_dear(json), Meter::kCacheRead), Tokens(20 * (1'408 + 2'176 + 2'944)));
}

TEST(SessionRunTest, SessionsShareTheirSystemsText) {
  const RunResult run = run_dear(session_scenario(0.5));
  EXPECT_EQ(used(run, Meter::kCacheRead), Tokens(20 * kReadBySession + 19 * 2'048));
}

// The loop from recording to run: the fitted source's prompts read from a vendor's cache, with its
// times to live, what the recorded ones read.  Answers take as long as opus-4-5's did: 2.8 s and
// 14.7 ms a token (simulation.md, section 1).
TEST(SessionRunTest, AFittedSourceReadsWhatTheRecordingRead) {
  const auto trace = read_prompt_trace(
      source_path("../shared/data/traces/claudecode_weka/claudecode_sessions_rle.jsonl.gz"),
      {.format = PromptFormat::kClaudeCode});
  if (!trace) GTEST_SKIP() << "needs the recorded sessions: " << fare::to_text(trace.error());
  const auto fit = fit_traffic(*trace, TrafficFitOptions{.replications = 1});
  ASSERT_TRUE(fit) << fare::to_text(fit.error());
  nlohmann::json json = session_scenario(1);
  const nlohmann::json classes = json["traffic"]["classes"];
  json["traffic"] = nlohmann::json::parse(fit->traffic_json);
  json["traffic"]["classes"] = classes;
  json["world"]["models"][kDear]["first_token_ms"] = 2'800;
  json["world"]["models"][kDear]["ms_per_output_token"] = 14.7;
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.answered, run.requests);
  EXPECT_NEAR(static_cast<double>(run.requests) / 24'015, 1, 0.2);
  const auto tokens = [&](Meter meter) { return static_cast<double>(used(run, meter).count()); };
  const double read = tokens(Meter::kCacheRead);
  const double all = read + tokens(Meter::kCacheWrite5m) + tokens(Meter::kInput);
  // Under the same rules the recording reads 2,718,842,240 of 3,012,680,174 tokens: 90.2 %
  // (`routesim cache replay --rules anthropic-5m`).
  EXPECT_NEAR(read / all, 0.902, 0.02);
  EXPECT_NEAR(all / 3'012'680'174.0, 1, 0.25);
}

// Goal: the same recording under the same rules reads as much in a run as in a replay.
// They differ in when a prompt can be read (here two seconds after its start) and in that a run's
// one model stands for all that were recorded.
TEST(SessionRunTest, ARecordingReadsInARunWhatItReadsInAReplay) {
  const std::string path =
      source_path("../shared/data/traces/claudecode_weka/claudecode_sessions_rle.jsonl.gz");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no recorded sessions at " << path;
  const struct {
    std::string rules;
    double read;  // As `routesim cache replay --rules` has it.
  } cases[] = {{"anthropic-5m", 2'718'842'240.0}, {"anthropic-1h", 2'867'205'760.0}};
  for (const auto& one : cases) {
    nlohmann::json json = session_scenario(0);
    json["traffic"].erase("sessions");
    json["traffic"]["arrivals"] = {{"process", "poisson"}, {"requests", 355}, {"hours", 10'000}};
    json["recording"] = {{"file", path}, {"format", "claude-code"}, {"open_loop", true}};
    nlohmann::json& dear = json["world"]["models"][kDear];
    dear["first_token_ms"] = 2'000;
    dear["ms_per_output_token"] = 0;
    dear["cache"] = {{"rules", one.rules}};
    const RunResult run = run_dear(json);
    EXPECT_EQ(run.answered, 24'015u);
    EXPECT_NEAR(static_cast<double>(used(run, Meter::kCacheRead).count()) / one.read, 1, 0.01)
        << one.rules;
  }
}

TEST(SessionRunTest, AThinkTimeBeyondTheCachesLifeReadsNothing) {
  nlohmann::json json = session_scenario(1e-4);
  json["traffic"]["sessions"]["think_seconds"] = 301;
  EXPECT_EQ(used(run_dear(json), Meter::kCacheRead), Tokens(0));
}

// The router is told of sessions and their prompts: a policy that deals requests out evenly, but
// lets a conversation stay, leaves no session's cache behind.
TEST(SessionRunTest, ARouterThatPinsSessionsKeepsTheirCachesWarm) {
  nlohmann::json json = session_scenario(1e-4);
  json["world"]["models"][0]["first_token_ms"] = 1'000;
  json["world"]["models"][0]["ms_per_output_token"] = 10;
  json["world"]["models"][0]["failure_share"] = 0;
  nlohmann::json& policy = json["policies"][0]["policy"];
  policy["targets"] = {
      {{"name", "a"}, {"model", "cheap"}, {"quality", 0.9}, {"cache", "anthropic-5m"}},
      {{"name", "b"}, {"model", "dear"}, {"quality", 0.9}, {"cache", "anthropic-5m"}}};
  policy["rules"] = {{{"name", "all"},
                      {"candidates", {"a", "b"}},
                      {"objective", {{"split", {{"a", 1}, {"b", 1}}}}},
                      {"session", {{"pin", true}}}}};
  const RunResult pinned = run_dear(json);
  const auto read = [](const RunResult& run) {
    return used(run, Meter::kCacheRead, 0) + used(run, Meter::kCacheRead, 1);
  };
  EXPECT_EQ(read(pinned), Tokens(20 * kReadBySession));
  EXPECT_GT(pinned.by_model[0].attempts, 0u);
  EXPECT_EQ(pinned.by_model[0].attempts % 5, 0u);
  EXPECT_GT(pinned.by_model[1].attempts, 0u);
  policy["rules"][0].erase("session");
  EXPECT_LT(read(run_dear(json)), Tokens(15 * kReadBySession));
}

TEST(SessionRunTest, AnAnswerThatIsGivenUpIsBilledForWhatWasStreamed) {
  nlohmann::json json = plain_scenario();
  json["traffic"]["users"] = {{"patience_seconds", 1.5}};
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.abandoned, 100u);
  EXPECT_EQ(run.by_model[kDear].cancelled, 100u);
  EXPECT_EQ(run.by_model[kDear].failures, 0u);
  EXPECT_EQ(used(run, Meter::kInput), Tokens(100 * 640));
  EXPECT_EQ(used(run, Meter::kOutput), Tokens(100 * 51));
  EXPECT_EQ(run.cost, *fare::parse_usd("0.742"));
  EXPECT_EQ(run.sojourn_ns, 100 * fare::Int128(1'500'000'000));
  EXPECT_EQ(run.length, seconds(198) + milliseconds(1'500));
  EXPECT_EQ(run.end_to_end.count(), 0u);
}

TEST(SessionRunTest, WhatIsGivenUpBeforeItsFirstTokenCostsNothing) {
  nlohmann::json json = plain_scenario();
  json["traffic"]["users"] = {{"patience_seconds", 0.999}};
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.abandoned, 100u);
  EXPECT_EQ(run.cost, fare::Cost(0));
}

TEST(SessionRunTest, PatienceOfExactlyTheAnswersTimeIsEnough) {
  nlohmann::json json = plain_scenario();
  json["traffic"]["users"] = {{"patience_seconds", 2}};
  EXPECT_EQ(run_dear(json).answered, 100u);
}

TEST(SessionRunTest, AnAbandonedCallEndsItsSession) {
  nlohmann::json json = session_scenario(1e-4);
  json["traffic"]["users"] = {{"patience_seconds", 1}};
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.requests, 20u);
  EXPECT_EQ(run.abandoned, 20u);
}

// Goal: whoever gives up leaves the line, or gives a place on, at once.
// Method: M/M/c+M with patience for the whole stay (Palm, 1957): a birth-death chain that dies at
// min(n, c) mu + n theta in state n; a share theta E[n] / lambda of all requests is given up.
TEST(SessionRunTest, ImpatientCustomersAgreeWithTheory) {
  constexpr double kArrivals = 3;
  constexpr double kPatience = 2;
  for (const unsigned places : {1u, 2u, 4u}) {
    nlohmann::json json = plain_scenario();
    json["traffic"]["arrivals"] = {
        {"process", "poisson"}, {"per_second", kArrivals}, {"requests", 200'000}};
    json["traffic"]["users"] = {
        {"patience_seconds", {{"kind", "exponential"}, {"mean", kPatience}}}};
    json["world"]["models"][kDear]["first_token_ms"] = {{"kind", "exponential"}, {"mean", 1'000}};
    json["world"]["models"][kDear]["ms_per_output_token"] = 0;
    json["world"]["models"][kDear]["concurrency"] = places;
    const RunResult run = run_dear(json);
    double weight = 1;
    double sum = 1;
    double mean = 0;
    for (unsigned n = 1; n < 200; ++n) {
      weight *= kArrivals / (std::min(n, places) + n / kPatience);
      sum += weight;
      mean += n * weight;
    }
    mean /= sum;
    const double in_system =
        static_cast<double>(run.in_flight_ns) / static_cast<double>(run.length.count());
    EXPECT_NEAR(in_system, mean, 0.02 * mean) << places;
    const double given_up = static_cast<double>(run.abandoned) / static_cast<double>(run.requests);
    EXPECT_NEAR(given_up, mean / kPatience / kArrivals, 0.01) << places;
    EXPECT_EQ(run.abandoned + run.answered, run.requests);
  }
}

TEST(SessionRunTest, UsersAskAgainAfterFailures) {
  nlohmann::json json = plain_scenario();
  json["world"]["models"][kDear]["failure_share"] = 1;
  json["traffic"]["users"] = {{"retries", {{"max", 2}, {"back_off_seconds", 4}, {"jitter", 0}}}};
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.requests, 300u);
  EXPECT_EQ(run.retried, 200u);
  EXPECT_EQ(run.failed + run.refusals(), 300u);
  // A single one fails after a second, and again 4 + 1 and 8 + 1 s later.
  json["traffic"]["arrivals"]["requests"] = 1;
  EXPECT_EQ(run_dear(json).length, seconds(1 + 4 + 1 + 8 + 1));
}

TEST(SessionRunTest, UsersAskAgainAfterRefusals) {
  nlohmann::json json = plain_scenario();
  json["traffic"]["users"] = {{"retries", {{"max", 3}}}};
  json["policies"][0]["policy"]["rules"][0]["quality_floor"] = 0.99;
  const RunResult run = run_dear(json);
  EXPECT_EQ(run.refusals(), 400u);
  EXPECT_EQ(run.retried, 300u);
}

TEST(SessionRunTest, BadAnswersAreEscalatedToAnotherClass) {
  nlohmann::json json = plain_scenario();
  json["world"]["models"][kDear]["skill"] = -20;
  json["traffic"]["classes"] = {{{"name", "simple"}, {"share", 1}},
                                {{"name", "complex"}, {"share", 0}}};
  json["traffic"]["users"] = {{"escalation", {{"share", 1}, {"class", "complex"}}}};
  const RunResult bad = run_dear(json);
  EXPECT_EQ(bad.escalated, 100u);
  EXPECT_EQ(bad.by_class[0].requests, 100u);
  EXPECT_EQ(bad.by_class[1].requests, 100u);
  json["world"]["models"][kDear]["skill"] = 20;
  EXPECT_EQ(run_dear(json).escalated, 0u);
}

TEST(SessionRunTest, OfEvenAnswersAboutHalfAreEscalated) {
  nlohmann::json json = plain_scenario();
  json["traffic"]["arrivals"]["requests"] = 10'000;
  json["world"]["models"][kDear]["skill"] = 0;
  for (auto& difficulty : json["world"]["difficulty"]) difficulty = {{"mean", 0}, {"sd", 0}};
  json["traffic"]["users"] = {{"escalation", {{"share", 1}}}};
  EXPECT_NEAR(static_cast<double>(run_dear(json).escalated), 5'000, 200);  // Four deviations.
}

// Everything at once.
nlohmann::json busy_scenario() {
  nlohmann::json json = session_scenario(2);
  json["traffic"]["arrivals"]["requests"] = 300;
  json["traffic"]["sessions"]["turns"] = {{"kind", "uniform"}, {"min", 1}, {"max", 8}};
  json["traffic"]["sessions"]["sub_agents"] = {
      {"turn_share", 0.2}, {"count", 3}, {"turns", 2}, {"pause_seconds", 1}};
  json["traffic"]["users"] = {{"retries", {{"max", 2}}},
                              {"patience_seconds", {{"kind", "exponential"}, {"mean", 20}}},
                              {"escalation", {{"share", 0.5}, {"class", "complex"}}}};
  json["world"]["models"][kDear]["failure_share"] = 0.1;
  json["world"]["models"][kDear]["concurrency"] = 8;
  json["world"]["models"][kDear]["skill"] = 0;
  json["world"]["models"][kDear]["limits"] = {{"requests_per_minute", 600}};
  return json;
}

TEST(SessionRunTest, AllOfItAtOnceIsTheSameRunEveryTimeAndIsReported) {
  const Scenario scenario = scenario_of(busy_scenario());
  const auto report = [&](unsigned threads) {
    std::atomic<std::uint64_t> progress{0};
    return study(scenario, {&scenario.variants[0], &scenario.variants[1]}, threads, progress);
  };
  const Report one = report(1);
  EXPECT_EQ(to_json(report(4)), to_json(one));
  const nlohmann::json policy = nlohmann::json::parse(to_json(one))["policies"][0];
  for (const char* const key : {"abandoned", "retried", "escalated"}) {
    EXPECT_GT(policy.value(key, 0), 0) << key;
  }
  EXPECT_GT(policy["by_model"][kDear].value("cancelled", 0), 0);
  EXPECT_NE(to_text(one, {}).find("given up"), std::string::npos);
  EXPECT_NE(to_html(one).find("Given up by whoever asked"), std::string::npos);
}

TEST(SessionRunTest, WhatNobodyDidHasNoKey) {
  const Scenario scenario = scenario_of(small_scenario());
  std::atomic<std::uint64_t> progress{0};
  const std::string json = to_json(study(scenario, {&scenario.variants[0]}, 1, progress));
  for (const char* const key : {"abandoned", "retried", "escalated", "cancelled"}) {
    EXPECT_EQ(json.find(key), std::string::npos) << key;
  }
}

// Goal: memory grows with what is open, and an event allocates nothing.
// Method: allocations of a run of 300 sessions and of one four times as long: what is left of the
// difference is growth by doubling.
TEST(SessionRunTest, ALongerRunAllocatesHardlyMore) {
  nlohmann::json json = busy_scenario();
  const auto allocations_of = [](const nlohmann::json& wanted) {
    const Scenario scenario = scenario_of(wanted);
    std::atomic<std::uint64_t> progress{0};
    const std::uint64_t before = fare::allocations();
    const RunResult run = run_once(scenario, scenario.variants[0], 0, progress);
    return std::pair(fare::allocations() - before, run.requests);
  };
  const auto [few, few_requests] = allocations_of(json);
  json["traffic"]["arrivals"]["requests"] = 1'200;
  const auto [many, many_requests] = allocations_of(json);
  EXPECT_GT(many_requests, 3 * few_requests);
  EXPECT_LT(many, few + (many_requests - few_requests) / 20);
}

}  // namespace
}  // namespace routesim
