// Goal: a fault at any point gives a run that says so in its result and its report: never a hang,
// a crash, or a figure that looks like any other.
// Method: the small scenario with one thing broken, through whole runs; the run's own invariants
// hold as always.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "report/json.h"
#include "report/text.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run_notes.h"

namespace routesim {
namespace {

// What one policy's run came to, and what its report notes.
struct Found {
  RunResult run;
  nlohmann::json notes;  // Of the report, null if there are none.
};

Found run_policy(const nlohmann::json& json, std::size_t variant) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  const Report report = study(scenario, {&scenario.variants[variant]}, 2, progress);
  EXPECT_FALSE(to_text(report, {}).empty());
  const nlohmann::json parsed = nlohmann::json::parse(to_json(report));
  const nlohmann::json& policy = parsed["policies"][0];
  return {run_once(scenario, scenario.variants[variant], 0, progress),
          policy.contains("notes") ? policy["notes"] : nlohmann::json()};
}

constexpr std::size_t kDear = 0;   // The policy that has no fallback,
constexpr std::size_t kSplit = 1;  // and the one that has.

std::uint64_t faults(const RunResult& run, std::size_t model, Fault fault) {
  return run.by_model[model].faults[static_cast<std::size_t>(fault)];
}

bool has_note(const nlohmann::json& notes, const nlohmann::json& wanted) {
  for (const nlohmann::json& note : notes) {
    bool fits = true;
    for (const auto& [key, value] : wanted.items()) fits = fits && note.value(key, "") == value;
    if (fits && note["count"] > 0) return true;
  }
  return false;
}

TEST(FaultsTest, AnOrdinaryRunNotesNothing) {
  EXPECT_TRUE(run_policy(small_scenario(), kSplit).notes.is_null());
}

TEST(FaultsTest, AProviderThatIsDownForTheWholeRun) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["outages"] = {
      {{"from", "2026-11-22T00:00:00Z"}, {"until", "2027-01-01T00:00:00Z"}}};
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(found.run.failed, found.run.requests);
  EXPECT_EQ(faults(found.run, 1, Fault::kOutage), found.run.requests);
  EXPECT_EQ(found.run.cost, fare::Cost(0));
  EXPECT_TRUE(has_note(found.notes, {{"note", "nothing_answered"}}));
  EXPECT_TRUE(has_note(found.notes, {{"note", "model_silent"}, {"model", "v/dear"}}));
  EXPECT_TRUE(has_note(found.notes, {{"note", "model_faulty"}, {"fault", "outage"}}));
}

TEST(FaultsTest, AnOutageOfOneModelIsServedByItsFallback) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][0]["outages"] = {
      {{"from", "2026-11-22T00:00:00Z"}, {"until", "2027-01-01T00:00:00Z"}}};
  const Found found = run_policy(json, kSplit);
  EXPECT_GT(found.run.answered, 1'900u);
  EXPECT_TRUE(has_note(found.notes, {{"note", "model_silent"}, {"model", "v/cheap"}}));
  EXPECT_FALSE(has_note(found.notes, {{"note", "nothing_answered"}}));
}

TEST(FaultsTest, ARegionThatIsDownTakesAllOfItsModels) {
  nlohmann::json json = small_scenario();
  json["world"]["regions"] = {
      {{"name", "east"},
       {"outages", {{{"from", "2026-11-22T00:00:00Z"}, {"until", "2027-01-01T00:00:00Z"}}}}}};
  for (nlohmann::json& model : json["world"]["models"]) model["region"] = "east";
  const Found found = run_policy(json, kSplit);
  EXPECT_EQ(found.run.failed, found.run.requests);
  EXPECT_TRUE(has_note(found.notes, {{"model", "v/cheap"}, {"fault", "region_outage"}}));
  EXPECT_TRUE(has_note(found.notes, {{"model", "v/dear"}, {"fault", "region_outage"}}));
}

TEST(FaultsTest, AProviderThatGoesDownCutsItsStreamsAndBillsThemSoFar) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["outages"] = {
      {{"from", "2026-11-23T00:00:50Z"}, {"until", "2027-01-01T00:00:00Z"}}};
  json["world"]["models"][1].erase("failure_share");
  const Found found = run_policy(json, kDear);
  const ModelTally& dear = found.run.by_model[1];
  EXPECT_GT(found.run.answered, 300u);
  EXPECT_GT(found.run.failed, 500u);
  // Every request that got a first token paid for its input: more than were answered.
  nlohmann::json healthy = json;
  healthy["world"]["models"][1].erase("outages");
  const RunResult whole = run_policy(healthy, kDear).run;
  EXPECT_EQ(whole.answered, whole.requests);
  EXPECT_LT(found.run.cost, whole.cost);
  EXPECT_GT(dear.used[static_cast<std::size_t>(fare::Meter::kOutput)], fare::Tokens(0));
  EXPECT_LE(found.run.length, std::chrono::seconds(600));
}

TEST(FaultsTest, ZeroCapacity) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["concurrency"] = 0;
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(found.run.failed, found.run.requests);
  EXPECT_EQ(faults(found.run, 1, Fault::kNoCapacity), found.run.requests);
  EXPECT_TRUE(has_note(found.notes, {{"note", "model_faulty"}, {"fault", "no_capacity"}}));
}

TEST(FaultsTest, CapacityThatIsTakenAwayWhileALineWaits) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["concurrency"] = 1;
  json["world"]["models"][1]["changes"] = {{{"at", "2026-11-23T00:00:30Z"}, {"concurrency", 0}}};
  const Found found = run_policy(json, kDear);
  EXPECT_GT(found.run.answered, 0u);
  EXPECT_GT(faults(found.run, 1, Fault::kNoCapacity), 1'000u);
  EXPECT_LT(found.run.length, std::chrono::seconds(300));
}

TEST(FaultsTest, CapacityThatIsGivenWhileALineWaits) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["concurrency"] = 1;
  const RunResult slow = run_policy(json, kDear).run;
  json["world"]["models"][1]["changes"] = {{{"at", "2026-11-23T00:02:00Z"}, {"concurrency", 1000}}};
  const RunResult freed = run_policy(json, kDear).run;
  EXPECT_EQ(freed.answered, slow.answered);
  EXPECT_LT(freed.length, std::chrono::seconds(600));
  EXPECT_GT(slow.length, std::chrono::seconds(1'000));
}

TEST(FaultsTest, AnEmptySource) {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "poisson"}, {"per_second", 1e-6}, {"hours", 0.001}};
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(found.run.requests, 0u);
  EXPECT_EQ(found.run.length, fare::Duration(0));
  ASSERT_EQ(found.notes.size(), 1u);
  EXPECT_EQ(found.notes[0]["note"], "no_requests");
}

TEST(FaultsTest, APriceThatIsMissingFromAnInstantOn) {
  nlohmann::json json = small_scenario();
  json["extra_prices"][0]["models"][1]["prices"][0]["until"] = "2026-11-23T00:00:50Z";
  const Found found = run_policy(json, kDear);
  EXPECT_GT(found.run.answered, 500u);
  EXPECT_GT(found.run.refused_unpriced, 500u);
  EXPECT_EQ(found.run.refused_unpriced, found.run.refusals());
  EXPECT_EQ(found.run.not_priced, 0u) << "what was sent in time is billed as of then";
  EXPECT_TRUE(has_note(found.notes, {{"note", "unpriced"}}));
}

// The first attempt is priced when it is routed, but its fallback is sent when it fails.
TEST(FaultsTest, APriceThatIsMissingWhenTheFallbackIsSent) {
  nlohmann::json json = small_scenario();
  json["extra_prices"][0]["models"][1]["prices"][0]["until"] = "2026-11-23T00:00:50Z";
  json["world"]["models"][0]["failure_share"] = 1;
  json["world"]["models"][0]["first_token_ms"] = 20'000;
  json["world"]["models"][1]["failure_share"] = 0;
  const Found found = run_policy(json, kSplit);
  EXPECT_GT(found.run.not_priced, 100u);
  EXPECT_TRUE(has_note(found.notes, {{"note", "unpriced"}}));
}

TEST(FaultsTest, ACacheWithoutAPriceForReadsIsNotFree) {
  nlohmann::json json = small_scenario();
  json["prices"] = {source_path("pricing")};
  json["world"]["prompts"] = {
      {"prefixes", 1}, {"prefix_tokens", 4'096}, {"block_tokens", 256}, {"names", "runs"}};
  json["world"]["models"][1]["cache"] = {{"rules", "openai-128"}};
  json["traffic"]["input_tokens"] = 6'000;
  const Found found = run_policy(json, kDear);
  EXPECT_GT(found.run.by_model[1].used[static_cast<std::size_t>(fare::Meter::kCacheRead)],
            fare::Tokens(0));
  EXPECT_GT(found.run.not_priced, 500u);
  EXPECT_TRUE(has_note(found.notes, {{"note", "unpriced"}}));
}

TEST(FaultsTest, AModelThatIsRetired) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["changes"] = {{{"at", "2026-11-23T00:00:50Z"}, {"retired", true}}};
  const Found found = run_policy(json, kDear);
  EXPECT_GT(found.run.answered, 300u);
  EXPECT_GT(faults(found.run, 1, Fault::kRetired), 500u);
  EXPECT_TRUE(has_note(found.notes, {{"note", "model_faulty"}, {"fault", "retired"}}));
}

TEST(FaultsTest, LimitsThatAdmitNobody) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["limits"] = {{"input_per_minute", 1}, {"burst_s", 0.001}};
  json["traffic"]["input_tokens"] = 500;
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(faults(found.run, 1, Fault::kRateLimit), found.run.requests);
  EXPECT_TRUE(has_note(found.notes, {{"note", "nothing_answered"}}));
}

// A request a second for ten hours, to one model that answers at once, by a policy that takes out
// who fails.
nlohmann::json limited_scenario() {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "poisson"}, {"per_second", 1}, {"hours", 10}};
  json["policies"][kDear]["policy"].erase("health");
  nlohmann::json& dear = json["world"]["models"][1];
  dear["first_token_ms"] = 0;
  dear["ms_per_output_token"] = 0;
  dear.erase("failure_share");
  dear.erase("concurrency");
  return json;
}

double answered_share(const RunResult& run) {
  return static_cast<double>(run.answered) / static_cast<double>(run.requests);
}

// A bucket of one request that fills in d = 2 s, asked at random at 1 a second, is Erlang's loss
// system with one server: it serves 1 / (1 + d) of what comes, a third.  Who learns from a 429,
// 20 ms after asking, when to come back, comes back those 20 ms too late, if anyone asked at all in
// the 2 s.  The variance of the answers in t seconds is t / 27: 5 deviations are 0.005 of the
// share.
TEST(FaultsTest, ALimitedModelAnswersWhatItsLimitAllows) {
  nlohmann::json json = limited_scenario();
  json["world"]["models"][1]["limits"] = {{"requests_per_minute", 30}, {"burst_s", 1}};
  json["world"]["models"][1]["refusal_ms"] = 20;
  const RunResult run = run_policy(json, kDear).run;
  EXPECT_NEAR(answered_share(run), 1 / (1 + 2 + 0.02 * (1 - std::exp(-2.0))), 0.005);
  // It is told no at most once an answer, but for those who ask within the 20 ms.
  EXPECT_LT(faults(run, 1, Fault::kRateLimit), run.answered);
  EXPECT_GT(faults(run, 1, Fault::kRateLimit), run.answered / 2);
  const auto limited = static_cast<std::size_t>(fare::Refusal::kRateLimited);
  EXPECT_EQ(run.refused[limited], run.refusals());
  EXPECT_EQ(run.refused[limited] + run.failed + run.answered, run.requests);
}

// What a ramp admits on average, window by window: a Poisson number of requests, at most what the
// window before allows.
double ramp_share(double mean, double growth, std::size_t floor, int windows) {
  constexpr std::size_t kMost = 200;  // Far above what 60 a window ever come to.
  std::vector<double> admitted(kMost, 0.0);
  admitted[0] = 1;
  double sum = 0;
  for (int i = 0; i < windows; ++i) {
    std::vector<double> next(kMost, 0.0);
    for (std::size_t before = 0; before < kMost; ++before) {
      if (admitted[before] == 0) continue;
      const auto grown = static_cast<std::size_t>(static_cast<double>(before) * growth);
      const std::size_t most = std::min(std::max(floor, grown), kMost - 1);
      double chance = std::exp(-mean);
      double rest = 1;
      for (std::size_t n = 0; n < most; ++n) {
        next[n] += admitted[before] * chance;
        rest -= chance;
        chance *= mean / static_cast<double>(n + 1);
      }
      next[most] += admitted[before] * std::max(0.0, rest);
    }
    for (std::size_t n = 0; n < kMost; ++n) sum += static_cast<double>(n) * next[n];
    admitted = std::move(next);
  }
  return sum / (mean * windows);
}

// It starts at a sixth of what is asked and is there after six windows: 0.995 of ten hours, where
// some 180 are told to wait for the next window; 5 deviations of what they number are 0.002.
TEST(FaultsTest, AModelThatRampsUpAnswersWhatItsRampAllows) {
  nlohmann::json json = limited_scenario();
  json["world"]["models"][1]["ramp"] = {{"window_s", 60}, {"growth", 1.5}, {"floor", 10}};
  const RunResult run = run_policy(json, kDear).run;
  const double expected = ramp_share(60, 1.5, 10, 600);
  EXPECT_GT(expected, 0.99);
  EXPECT_NEAR(answered_share(run), expected, 0.002);
  EXPECT_GE(faults(run, 1, Fault::kRamp), 5u);
  EXPECT_LT(faults(run, 1, Fault::kRamp), 30u) << "once a window that is full";
}

TEST(FaultsTest, PatienceThatNobodyHas) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["timeout_ms"] = 0.000001;
  json["world"]["models"][1]["concurrency"] = 1;
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(found.run.failed, found.run.requests);
  EXPECT_EQ(faults(found.run, 1, Fault::kTimeout), found.run.requests);
}

// Latencies of centuries overflow nothing.
TEST(FaultsTest, AModelThatNeverComesBack) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["first_token_ms"] = 1e15;
  json["world"]["models"][1].erase("concurrency");
  json["world"]["models"][1]["timeout_ms"] = 60'000;
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(faults(found.run, 1, Fault::kTimeout) + faults(found.run, 1, Fault::kServerError),
            found.run.requests);
}

// A run's clock ends after a century: what waits for a place then has failed, and the report says
// why.
TEST(FaultsTest, ALineThatNeverMovesEndsWithTheClock) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][1]["first_token_ms"] = 1e12;
  json["world"]["models"][1]["concurrency"] = 1;
  const Found found = run_policy(json, kDear);
  EXPECT_EQ(found.run.answered + found.run.failed, found.run.requests);
  EXPECT_GT(found.run.failed, found.run.requests - 10);
  EXPECT_TRUE(has_note(found.notes, {{"note", "clock_ended"}}));
}

TEST(FaultsTest, RequestsBeyondTheClocksEndNeverCome) {
  const TemporaryFolder folder;
  const std::string trace = folder.write(
      "trace.csv", "seconds,input_tokens,output_tokens\n0,5,5\n60,5,5\n8000000000,5,5\n");
  nlohmann::json json = small_scenario();
  for (nlohmann::json& model : json["world"]["models"]) model["failure_share"] = 0;
  const Scenario scenario = scenario_of(json, {.trace = trace});
  std::atomic<std::uint64_t> progress{0};
  const RunResult run = run_once(scenario, scenario.variants[0], 0, progress);
  EXPECT_EQ(run.answered, 2u);
  EXPECT_EQ(run.requests, 2u);
  EXPECT_EQ(run.beyond_clock, 1u);
}

TEST(FaultsTest, ACacheThatSeesNoPromptIsNoted) {
  nlohmann::json json = small_scenario();
  json["prices"] = {source_path("pricing")};
  json["world"]["models"][1]["cache"] = {{"rules", "anthropic-5m"}};
  const nlohmann::json unused = {{"note", "cache_unused"}, {"model", "v/dear"}};
  EXPECT_TRUE(has_note(run_policy(json, kDear).notes, unused));
  json["world"]["prompts"] = {
      {"prefixes", 1}, {"prefix_tokens", 4'096}, {"block_tokens", 256}, {"names", "runs"}};
  EXPECT_FALSE(has_note(run_policy(json, kDear).notes, unused));
}

TEST(FaultsTest, StorageThatIsNotChargedIsNoted) {
  nlohmann::json json = small_scenario();
  json["prices"] = {source_path("pricing")};
  json["world"]["prompts"] = {
      {"prefixes", 1}, {"prefix_tokens", 4'096}, {"block_tokens", 256}, {"names", "runs"}};
  json["world"]["models"][1]["cache"] = {{"rules", "gemini-explicit"}};
  json["traffic"]["input_tokens"] = 6'000;
  EXPECT_TRUE(has_note(run_policy(json, kDear).notes,
                       {{"note", "storage_not_charged"}, {"model", "v/dear"}}));
  json["world"]["models"][1]["cache"] = {{"rules", "anthropic-5m"}};
  EXPECT_FALSE(has_note(run_policy(json, kDear).notes, {{"note", "storage_not_charged"}}));
}

// Goal: everything at once, and the same bytes every time.
TEST(FaultsTest, AllOfItAtOnceIsTheSameRunEveryTime) {
  nlohmann::json json = small_scenario();
  json["world"]["regions"] = {
      {{"name", "east"},
       {"outages", {{{"up_s", {{"kind", "exponential"}, {"mean", 40}}}, {"down_s", 5}}}}}};
  for (nlohmann::json& model : json["world"]["models"]) {
    model["region"] = "east";
    model["concurrency"] = 20;
    model["queue_max"] = 10;
    model["timeout_ms"] = 2'000;
    model["timeout_share"] = 0.01;
    model["cut_share"] = 0.05;
    model["refusal_ms"] = 15;
    model["limits"] = {{"requests_per_minute", 900}, {"output_per_minute", 150'000}};
    model["ramp"] = {{"window_s", 10}, {"growth", 1.5}, {"floor", 100}};
    model["changes"] = {{{"at", "2026-11-23T00:01:00Z"}, {"latency_factor", 1.5}},
                        {{"at", "2026-11-23T00:01:30Z"}, {"concurrency", 30}}};
  }
  const Scenario scenario = scenario_of(json);
  const auto bytes = [&](unsigned threads) {
    std::atomic<std::uint64_t> progress{0};
    return to_json(
        study(scenario, {&scenario.variants[0], &scenario.variants[1]}, threads, progress));
  };
  const std::string once = bytes(1);
  EXPECT_EQ(bytes(1), once);
  EXPECT_EQ(bytes(4), once);
  const RunResult run = run_policy(json, kSplit).run;
  for (const Fault fault : {Fault::kTimeout, Fault::kCutOff, Fault::kRegionOutage}) {
    EXPECT_GT(faults(run, 0, fault) + faults(run, 1, fault), 0u) << to_string(fault);
  }
}

}  // namespace
}  // namespace routesim
