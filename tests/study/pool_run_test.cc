// Goal: self-hosted pools take part in the one simulated run: what they serve, what they refuse,
// what their GPUs cost.
// Method: pools whose times are known ahead, and a pool driven by hand beside the run.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/json.h"
#include "report/text.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run.h"
#include "traffic/traffic.h"
#include "world/pool.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Meter;
using fare::Tokens;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kDear = 1;  // The model that everything is sent to: a pool.

// Two replicas of two GPUs: 11 ms an iteration, 1 ms more for each sequence, 0.1 ms for each token
// of a prompt.
nlohmann::json pool_scenario() {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 0.1}, {"requests", 50}};
  json["traffic"]["input_tokens"] = 500;
  json["traffic"]["output_tokens"] = 101;
  json["world"]["models"][kDear] = {
      {"model", "dear"},
      {"skill", 3},
      {"pool",
       {{"origin", "assumed"},
        {"iteration_us", {{"base", 11'000}, {"per_sequence", 1'000}, {"per_prefill_token", 100}}},
        {"sequences", 8},
        {"batch_tokens", 2'048},
        {"blocks", 1'000},
        {"overhead_ms", 5},
        {"replicas", 2},
        {"gpus_per_replica", 2},
        {"usd_per_gpu_hour", "3.60"}}}};
  return json;
}

nlohmann::json& pool_of(nlohmann::json& json) { return json["world"]["models"][kDear]["pool"]; }

RunResult run_pool(const nlohmann::json& json) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[0], 0, progress);
}

TEST(PoolRunTest, ALoneRequestTakesItsPromptAndItsSteps) {
  const RunResult run = run_pool(pool_scenario());
  EXPECT_EQ(run.answered, 50u);
  const Duration each = milliseconds(5 + 11 + 50 + 100 * 12);
  EXPECT_EQ(run.sojourn_ns, 50 * fare::Int128{each.count()});
  EXPECT_EQ(run.length, seconds(490) + each);
  EXPECT_EQ(run.by_model[kDear].waits, 0u);
  EXPECT_EQ(run.judged, 50u);
  // Tokens have their price, as with any target; GPUs have theirs beside it.
  EXPECT_EQ(run.cost, *fare::parse_usd("0.351"));
}

TEST(PoolRunTest, GpusCostUntilTheSpanIsOver) {
  nlohmann::json json = pool_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"requests", 1}, {"hours", 10}};
  const RunResult run = run_pool(json);
  EXPECT_EQ(run.pools[0].replica_ns, 2 * fare::Int128{Duration(std::chrono::hours(10)).count()});
  EXPECT_EQ(run.pools[0].cost, *fare::parse_usd("144"));
}

TEST(PoolRunTest, GpusCostAsLongAsTheRunLasts) {
  const RunResult run = run_pool(pool_scenario());
  ASSERT_EQ(run.pools.size(), 1u);
  const PoolTally& pool = run.pools[0];
  EXPECT_EQ(pool.model, kDear);
  EXPECT_EQ(pool.replica_ns, 2 * fare::Int128{run.length.count()});
  // Four GPUs at a tenth of a cent a second.
  EXPECT_EQ(pool.cost, *fare::parse_usd("1.965064"));
  EXPECT_EQ(pool.busy_ns, 50 * fare::Int128{1'261'000'000});
  EXPECT_NEAR(pool.utilisation(), 50 * 1.261 / (2 * 491.266), 1e-9);
}

// A pool driven by hand with the same traffic: every stay is the same.  Without speculation blocks
// run out, and sequences are preempted.
void agrees_with_the_pool_by_itself(bool speculates) {
  nlohmann::json json = pool_scenario();
  json["traffic"]["arrivals"] = {{"process", "poisson"}, {"per_second", 8}, {"requests", 3'000}};
  json["traffic"]["input_tokens"] = {{"kind", "lognormal"}, {"median", 300}, {"sigma", 0.8}};
  json["traffic"]["output_tokens"] = {
      {"kind", "lognormal"}, {"median", 60}, {"sigma", 0.8}, {"max", 2'000}};
  pool_of(json)["iteration_us"]["per_resident_token"] = 0.5;
  if (speculates) {
    pool_of(json)["speculation"] = {{"acceptance", 0.6}, {"draft_tokens", 3}, {"draft_us", 300}};
  }
  pool_of(json)["blocks"] = 400;
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  const RunResult run = run_once(scenario, scenario.variants[0], 0, progress);
  Pool pool(*scenario.world.models[kDear].pool,
            fare::RandomKey(scenario.seed, 0, fare::Purpose::kAcceptance));
  TrafficSource source(scenario.traffic, scenario.seed, 0);
  std::vector<Duration> came;
  std::vector<PoolEvent> events;
  fare::Int128 stay = 0;
  std::uint64_t rejected = 0;
  const auto take_in = [&](Duration now) {
    for (const PoolEvent& event : events) {
      if (event.kind == PoolEventKind::kRejected) ++rejected;
      if (event.kind == PoolEventKind::kFinished) stay += (now - came[event.slot]).count();
    }
    events.clear();
  };
  const auto advance_before = [&](Duration at) {
    while (pool.next_change() && *pool.next_change() < at) {
      const Duration now = *pool.next_change();
      pool.advance(now, events);
      take_in(now);
    }
  };
  for (Arrival arrival; source.next(arrival);) {
    const Duration now = arrival.at + milliseconds(5);
    advance_before(now);
    came.push_back(arrival.at);
    pool.send({.slot = static_cast<std::uint32_t>(arrival.index),
               .entity = arrival.index * fare::kAttemptsMax,
               .input = arrival.input,
               .cached = {},
               .output = arrival.output},
              now, events);
    take_in(now);
  }
  advance_before(Duration::max());
  EXPECT_EQ(run.by_model[kDear].failures, rejected);
  EXPECT_EQ(run.pools[0].preemptions > 0, !speculates);
  EXPECT_GT(run.by_model[kDear].waits, 100u);
  EXPECT_EQ(run.pools[0].preemptions, pool.totals(run.length).done.preemptions);
  EXPECT_EQ(run.sojourn_ns, stay + fare::Int128{5'000'000} * rejected);
}

TEST(PoolRunTest, ServesAsThePoolByItself) {
  agrees_with_the_pool_by_itself(false);
  agrees_with_the_pool_by_itself(true);
}

TEST(PoolRunTest, ZeroCapacityIsSaidAndNeverHangs) {
  nlohmann::json json = pool_scenario();
  for (const char* const key : {"replicas", "blocks"}) {
    nlohmann::json none = json;
    pool_of(none)[key] = 0;
    const RunResult run = run_pool(none);
    EXPECT_EQ(run.answered, 0u) << key;
    EXPECT_EQ(run.failed + run.refusals(), run.requests) << key;
    const ModelTally& tally = run.by_model[kDear];
    EXPECT_GT(tally.attempts, 0u) << key;
    EXPECT_EQ(tally.faults[static_cast<std::size_t>(Fault::kNoCapacity)], tally.attempts) << key;
  }
}

TEST(PoolRunTest, ARequestThatFitsNoReplicaIsTooLong) {
  nlohmann::json json = pool_scenario();
  pool_of(json)["blocks"] = 37;  // Of 16 tokens: 592 of the 601 that it would need.
  const RunResult run = run_pool(json);
  EXPECT_EQ(run.failed, 50u);
  EXPECT_EQ(run.by_model[kDear].faults[static_cast<std::size_t>(Fault::kTooLong)], 50u);
}

TEST(PoolRunTest, AnAutoscaledPoolStartsAndStopsWithItsTraffic) {
  nlohmann::json json = pool_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 0.001}, {"requests", 3}};
  pool_of(json)["replicas"] = {{"min", 0},
                               {"max", 2},
                               {"period_s", 15},
                               {"target_utilisation", 0.7},
                               {"cold_start_s", 120},
                               {"scale_in_delay_s", 60}};
  const RunResult run = run_pool(json);
  EXPECT_EQ(run.answered, 3u);
  EXPECT_EQ(run.pools[0].held, 3u);
  EXPECT_EQ(run.by_model[kDear].waits, 3u);
  EXPECT_EQ(run.by_model[kDear].waited_ns, 3 * fare::Int128{Duration(seconds(120)).count()});
  EXPECT_LT(run.pools[0].replica_ns, 3 * fare::Int128{seconds(300) / Duration(1)});
}

TEST(PoolRunTest, WhoGivesUpIsBilledForWhatThePoolHasGiven) {
  nlohmann::json json = pool_scenario();
  // The first token comes after 66 ms; 20 more steps of 12 ms are whole at 306, not the next one.
  json["traffic"]["users"] = {{"patience_seconds", 0.310}};
  const RunResult run = run_pool(json);
  EXPECT_EQ(run.abandoned, 50u);
  EXPECT_EQ(run.by_model[kDear].used[static_cast<std::size_t>(Meter::kOutput)], Tokens(50 * 21));
  EXPECT_EQ(run.by_model[kDear].used[static_cast<std::size_t>(Meter::kInput)], Tokens(50 * 500));
  EXPECT_LT(run.pools[0].busy_ns, 50 * fare::Int128{320'000'000});
  json["traffic"]["users"] = {{"patience_seconds", 0.003}};  // On its way.
  const RunResult hasty = run_pool(json);
  EXPECT_EQ(hasty.abandoned, 50u);
  EXPECT_EQ(hasty.cost, fare::Cost(0));
  EXPECT_EQ(hasty.pools[0].busy_ns, 0);
}

TEST(PoolRunTest, ABusyPoolWithImpatientUsersKeepsItsBooksAndIsTheSameEveryTime) {
  nlohmann::json json = pool_scenario();
  json["traffic"]["arrivals"] = {{"process", "poisson"}, {"per_second", 12}, {"requests", 3'000}};
  json["traffic"]["users"] = {{"patience_seconds", {{"kind", "exponential"}, {"mean", 4}}},
                              {"retries", {{"max", 1}}}};
  pool_of(json)["waiting"] = 10;
  pool_of(json)["blocks"] = 150;
  const Scenario scenario = scenario_of(json);
  const auto bytes = [&](unsigned threads) {
    std::atomic<std::uint64_t> progress{0};
    const Report report = study(scenario, {&scenario.variants[0]}, threads, progress);
    EXPECT_NE(to_text(report, {}).find("GPU cost"), std::string::npos);
    return to_json(report);
  };
  const std::string once = bytes(1);
  EXPECT_EQ(bytes(3), once);
  const nlohmann::json policy = nlohmann::json::parse(once)["policies"][0];
  EXPECT_GT(policy["abandoned"], 100);
  EXPECT_EQ(policy["pools"][0]["model"], "v/dear");
  EXPECT_GT(policy["pools"][0]["utilisation"], 0.5);
}

TEST(PoolRunTest, WithoutPoolsThereIsNoSuchKey) {
  const Scenario scenario = scenario_of(small_scenario());
  std::atomic<std::uint64_t> progress{0};
  const std::string json = to_json(study(scenario, {&scenario.variants[0]}, 1, progress));
  EXPECT_EQ(json.find("pools"), std::string::npos);
}

TEST(PoolRunTest, APoolTakesNoFiguresOfAHostedModel) {
  nlohmann::json json = pool_scenario();
  json["world"]["models"][kDear]["first_token_ms"] = 100;
  EXPECT_FALSE(load_json(json));
}

}  // namespace
}  // namespace routesim
