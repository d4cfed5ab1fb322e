// Goal: a hosted model refuses, fails and slows down exactly as its scenario says, and its luck
// belongs to request and try.
// Method: models are read from scenarios; attempts are sent by hand, at instants of our choosing.

#include "world/hosted_model.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "study/fixture.h"

namespace routesim {
namespace {

using fare::AttemptEnd;
using fare::Duration;
using fare::Tokens;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A world whose model number 0 takes 1 s to its first token and 10 ms for each later one, and is
// else as `changes` has it.
World world_of(const nlohmann::json& changes, const nlohmann::json& regions = {}) {
  nlohmann::json json = small_scenario();
  nlohmann::json& model = json["world"]["models"][0];
  model = {{"model", "cheap"},
           {"origin", "assumed"},
           {"first_token_ms", 1'000},
           {"ms_per_output_token", 10}};
  model.update(changes);
  if (!regions.is_null()) json["world"]["regions"] = regions;
  return scenario_of(json).world;
}

// One model, and attempts at it.
class Station {
 public:
  explicit Station(World world, std::uint32_t replication = 0)
      : world_(std::move(world)),
        model_(world_, 0,
               {.seed = 1,
                .replication = replication,
                .start = *fare::parse_instant("2026-11-23T00:00:00Z")}) {}

  Ask ask(std::uint32_t slot, Duration now, Tokens input = Tokens(1'000)) const {
    return {.slot = slot, .luck = slot, .sent = now, .input = input, .output = Tokens(101)};
  }

  // Sends attempt number `slot` and tells its fate; nothing if it waits.
  std::optional<Fate> send(std::uint32_t slot, Duration now, Tokens input = Tokens(1'000)) {
    Fate fate;
    const Ask one = ask(slot, now, input);
    entry_ = model_.send(one, now, fate);
    if (entry_.way == Entry::Way::kWaits) return std::nullopt;
    if (entry_.way == Entry::Way::kServed) fate = model_.serve(one, entry_, now);
    return fate;
  }

  HostedModel& model() { return model_; }
  const Entry& entry() const { return entry_; }

 private:
  World world_;
  HostedModel model_;
  Entry entry_;
};

TEST(HostedModelTest, AnswersAsItsLatenciesSay) {
  Station station(world_of({{"first_token_ms_per_1k_input", 200}}));
  const Fate fate = *station.send(0, Duration(0), Tokens(1'500));
  EXPECT_EQ(fate.end, AttemptEnd::kAnswered);
  EXPECT_EQ(fate.first_token, milliseconds(1'300));
  EXPECT_EQ(fate.total, milliseconds(2'300));
  EXPECT_EQ(fate.output, Tokens(101));
}

TEST(HostedModelTest, IsSlowerTheMoreAreServedAtItsStart) {
  Station station(
      world_of({{"load", {{"first_token_ms_per_busy", 50}, {"output_share_per_busy", 0.1}}}}));
  EXPECT_EQ(station.send(0, Duration(0))->total, milliseconds(2'000));
  EXPECT_EQ(station.send(1, Duration(0))->total, milliseconds(1'050 + 1'100));
  const Fate third = *station.send(2, Duration(0));
  EXPECT_EQ(third.first_token, milliseconds(1'100));
  EXPECT_EQ(third.total, milliseconds(1'100 + 1'200));
}

TEST(HostedModelTest, ServesItsPlacesThenALineThenRefuses) {
  Station station(world_of({{"concurrency", 2}, {"queue_max", 1}, {"refusal_ms", 20}}));
  EXPECT_TRUE(station.send(0, Duration(0))->has_place);
  EXPECT_TRUE(station.send(1, Duration(0))->has_place);
  EXPECT_FALSE(station.send(2, Duration(0)));
  const Fate refused = *station.send(3, Duration(0));
  EXPECT_EQ(refused.end, AttemptEnd::kRateLimited);
  EXPECT_EQ(refused.fault, Fault::kQueueFull);
  EXPECT_EQ(refused.total, milliseconds(20));
  EXPECT_FALSE(refused.has_place);
  EXPECT_EQ(station.model().leave(seconds(2)), 2u);
  EXPECT_EQ(station.model().leave(seconds(2)), std::nullopt);
  EXPECT_EQ(station.model().busy(), 1u);
}

TEST(HostedModelTest, PatienceEndsInLineInTheOrderOfArrival) {
  Station station(world_of({{"concurrency", 1}, {"timeout_ms", 1'500}}));
  EXPECT_EQ(station.model().next_change(), kNever);
  EXPECT_TRUE(station.send(0, Duration(0)));
  EXPECT_FALSE(station.send(1, milliseconds(100)));
  EXPECT_FALSE(station.send(2, milliseconds(200)));
  EXPECT_EQ(station.model().next_change(), milliseconds(1'600));
  EXPECT_FALSE(station.model().advance(milliseconds(1'599)));
  const std::optional<LineMove> move = station.model().advance(milliseconds(1'600));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->slot, 1u);
  EXPECT_FALSE(move->is_served);
  EXPECT_EQ(move->fate.end, AttemptEnd::kTimeout);
  EXPECT_FALSE(station.model().advance(milliseconds(1'600)));
  EXPECT_EQ(station.model().next_change(), milliseconds(1'700));
}

TEST(HostedModelTest, WhoIsWithdrawnFromTheLineIsSkippedAndItsRoomIsFree) {
  Station station(world_of({{"concurrency", 1}, {"queue_max", 3}}));
  ASSERT_TRUE(station.send(0, Duration(0)));
  std::array<Entry, 4> entries{};
  for (std::uint32_t slot = 1; slot < 4; ++slot) {
    ASSERT_FALSE(station.send(slot, Duration(0)));
    entries[slot] = station.entry();
  }
  HostedModel& model = station.model();
  model.withdraw(station.ask(2, Duration(0)), entries[2], seconds(1));
  model.withdraw(station.ask(1, Duration(0)), entries[1], seconds(1));
  EXPECT_EQ(model.waiting(), 1u);
  EXPECT_FALSE(station.send(4, seconds(1)));
  EXPECT_FALSE(station.send(5, seconds(1)));
  EXPECT_EQ(station.send(6, seconds(1))->fault, Fault::kQueueFull);
  EXPECT_EQ(model.leave(seconds(2)), 3u);
  EXPECT_EQ(model.leave(seconds(2)), 4u);
  EXPECT_EQ(model.leave(seconds(2)), 5u);
  EXPECT_EQ(model.leave(seconds(2)), std::nullopt);
}

TEST(HostedModelTest, WhatIsLeftOfPatienceAfterTheLineBoundsTheFirstToken) {
  Station station(world_of({{"concurrency", 1}, {"timeout_ms", 1'500}}));
  ASSERT_TRUE(station.send(0, Duration(0)));
  ASSERT_FALSE(station.send(1, Duration(0)));
  const Entry entry = station.entry();
  ASSERT_EQ(station.model().leave(milliseconds(800)), 1u);
  const Fate fate = station.model().serve(station.ask(1, Duration(0)), entry, milliseconds(800));
  EXPECT_EQ(fate.end, AttemptEnd::kTimeout);
  EXPECT_FALSE(fate.begins);
  EXPECT_EQ(fate.total, milliseconds(700));
  EXPECT_EQ(fate.output, Tokens(0));
}

TEST(HostedModelTest, NoPlacesAtAllFailEveryAttempt) {
  Station station(world_of({{"concurrency", 0}}));
  const Fate fate = *station.send(0, Duration(0));
  EXPECT_EQ(fate.end, AttemptEnd::kServerError);
  EXPECT_EQ(fate.fault, Fault::kNoCapacity);
  EXPECT_EQ(station.model().busy(), 0u);
}

TEST(HostedModelTest, AChangeMovesTheLine) {
  Station station(world_of({{"concurrency", 1},
                            {"changes",
                             {{{"at", "2026-11-23T00:00:10Z"}, {"concurrency", 2}},
                              {{"at", "2026-11-23T00:00:20Z"}, {"concurrency", 0}}}}}));
  ASSERT_TRUE(station.send(0, Duration(0)));
  for (std::uint32_t i = 1; i <= 3; ++i) ASSERT_FALSE(station.send(i, seconds(i)));
  EXPECT_EQ(station.model().next_change(), seconds(10));
  std::optional<LineMove> move = station.model().advance(seconds(10));
  ASSERT_TRUE(move);
  EXPECT_TRUE(move->is_served);
  EXPECT_EQ(move->slot, 1u);
  EXPECT_FALSE(station.model().advance(seconds(10)));
  EXPECT_EQ(station.model().next_change(), seconds(20));
  for (std::uint32_t i = 2; i <= 3; ++i) {
    move = station.model().advance(seconds(20));
    ASSERT_TRUE(move);
    EXPECT_EQ(move->slot, i);
    EXPECT_EQ(move->fate.fault, Fault::kNoCapacity);
  }
  EXPECT_EQ(station.model().leave(seconds(21)), std::nullopt);
  EXPECT_EQ(station.model().leave(seconds(21)), std::nullopt);
  EXPECT_EQ(station.model().busy(), 0u);
}

TEST(HostedModelTest, APlaceThatIsTakenAwayIsNotHandedOn) {
  Station station(world_of(
      {{"concurrency", 2}, {"changes", {{{"at", "2026-11-23T00:00:10Z"}, {"concurrency", 1}}}}}));
  ASSERT_TRUE(station.send(0, Duration(0)));
  ASSERT_TRUE(station.send(1, Duration(0)));
  ASSERT_FALSE(station.send(2, Duration(0)));
  EXPECT_EQ(station.model().leave(seconds(11)), std::nullopt);
  EXPECT_EQ(station.model().leave(seconds(12)), 2u);
  EXPECT_EQ(station.model().busy(), 1u);
}

TEST(HostedModelTest, ChangesHoldFromTheirInstantOn) {
  Station station(
      world_of({{"skill", 2},
                {"changes",
                 {{{"at", "2026-11-23T00:01:00Z"}, {"latency_factor", 2.5}, {"skill", 1}},
                  {{"at", "2026-11-23T00:02:00Z"}, {"failure_share", 1}},
                  {{"at", "2026-11-23T00:03:00Z"}, {"retired", true}}}}}));
  const Fate before = *station.send(0, seconds(60) - Duration(1));
  const Fate slower = *station.send(0, seconds(60));
  const Fate failing = *station.send(0, seconds(120));
  const Fate retired = *station.send(0, seconds(180));
  EXPECT_EQ(before.total, seconds(2));
  EXPECT_EQ(station.model().quality(before.phase).skill, std::vector<double>({2, 2}));
  EXPECT_EQ(slower.total, seconds(5));
  EXPECT_EQ(station.model().quality(slower.phase).skill, std::vector<double>({1, 1}));
  EXPECT_EQ(failing.fault, Fault::kServerError);
  EXPECT_EQ(failing.total, milliseconds(2'500));
  EXPECT_EQ(retired.end, AttemptEnd::kRejected);
  EXPECT_EQ(retired.fault, Fault::kRetired);
}

TEST(HostedModelTest, AnOutageCutsWhatIsUnderWayAndRefusesTheRest) {
  Station station(world_of(
      {{"outages", {{{"from", "2026-11-23T00:01:00Z"}, {"until", "2026-11-23T00:02:00Z"}}}}}));
  const Fate done = *station.send(0, seconds(58));
  const Fate streaming = *station.send(1, milliseconds(58'500));
  const Fate waiting = *station.send(2, milliseconds(59'500));
  const Fate down = *station.send(3, seconds(60));
  const Fate still_down = *station.send(4, seconds(120) - Duration(1));
  const Fate up = *station.send(5, seconds(120));
  EXPECT_EQ(done.end, AttemptEnd::kAnswered);  // It ends just when the outage begins.
  EXPECT_EQ(streaming.end, AttemptEnd::kCutOff);
  EXPECT_EQ(streaming.fault, Fault::kOutage);
  EXPECT_EQ(streaming.total, milliseconds(1'500));
  EXPECT_EQ(streaming.output, Tokens(51));  // Half of the time after the first token.
  EXPECT_EQ(waiting.end, AttemptEnd::kServerError);
  EXPECT_EQ(waiting.total, milliseconds(500));
  EXPECT_EQ(waiting.output, Tokens(0));
  EXPECT_EQ(down.fault, Fault::kOutage);
  EXPECT_EQ(down.total, Duration(0));
  EXPECT_EQ(still_down.fault, Fault::kOutage);
  EXPECT_EQ(up.end, AttemptEnd::kAnswered);
}

TEST(HostedModelTest, ARegionFailsForAllOfItsModels) {
  const nlohmann::json regions = {{{"name", "east"},
                                   {"outages",
                                    {{{"up_s", {{"kind", "exponential"}, {"mean", 600}}},
                                      {"down_s", {{"kind", "exponential"}, {"mean", 60}}}}}}},
                                  {{"name", "west"}}};
  nlohmann::json json = small_scenario();
  json["world"]["regions"] = regions;
  json["world"]["models"][0]["region"] = "east";
  json["world"]["models"][1]["region"] = "east";
  const Scenario scenario = scenario_of(json);
  HostedModel one(scenario.world, 0, {.seed = 1, .replication = 0, .start = scenario.start});
  HostedModel two(scenario.world, 1, {.seed = 1, .replication = 0, .start = scenario.start});
  int down = 0;
  for (int s = 0; s < 100'000; s += 10) {
    const Ask ask{
        .slot = 0, .luck = 0, .sent = seconds(s), .input = Tokens(1), .output = Tokens(1)};
    Fate a;
    Fate b;
    if (one.send(ask, seconds(s), a).way != Entry::Way::kRefused) one.leave(seconds(s));
    if (two.send(ask, seconds(s), b).way != Entry::Way::kRefused) two.leave(seconds(s));
    ASSERT_EQ(a.fault, b.fault);
    down += a.fault == Fault::kRegionOutage ? 1 : 0;
  }
  EXPECT_GT(down, 100);
  EXPECT_LT(down, 2'000);
}

// Goal: over any stretch of time no more is admitted than burst + rate * time, a 429 names the
// first instant that would do, and nobody is refused without need.
TEST(HostedModelTest, CountsRequestsAsTheVendorDoes) {
  Station station(world_of({{"limits", {{"requests_per_minute", 60}, {"burst_s", 5}}}}));
  fare::RandomStream random(fare::RandomKey(1, 0, fare::Purpose::kTest), 0);
  Duration now{};
  std::int64_t admitted = 0;
  std::int64_t refused = 0;
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    now += Duration(static_cast<std::int64_t>(random.below(1'500'000'000)));
    Fate fate = *station.send(i, now);
    if (fate.fault == Fault::kRateLimit) {
      ++refused;
      EXPECT_EQ(fate.end, AttemptEnd::kRateLimited);
      ASSERT_GT(fate.retry_after, Duration(0));
      if (fate.retry_after > Duration(1)) {
        const Duration early = now + fate.retry_after - Duration(1);
        ASSERT_EQ(station.send(i, early)->fault, Fault::kRateLimit);
      }
      now += fate.retry_after;
      fate = *station.send(i, now);
    }
    ASSERT_EQ(fate.end, AttemptEnd::kAnswered);
    ++admitted;
    ASSERT_LE(admitted, 5 + now / seconds(1));
  }
  EXPECT_GT(refused, 100);
}

TEST(HostedModelTest, OutputCountsWhenItIsGivenAndNotWhenItFails) {
  Station station(
      world_of({{"limits", {{"output_per_minute", 600}, {"burst_s", 10}}}, {"failure_share", 0}}));
  const Fate first = *station.send(0, Duration(0));
  const Entry entry = station.entry();
  EXPECT_EQ(first.end, AttemptEnd::kAnswered);
  station.model().end(station.ask(0, Duration(0)), entry, first, first.total);
  // 100 could be given at once, 101 were: one in debt, and one flows in in a tenth of a second.
  const Fate refused = *station.send(1, first.total);
  EXPECT_EQ(refused.fault, Fault::kRateLimit);
  EXPECT_EQ(refused.retry_after, milliseconds(100));
  const Duration later = first.total + refused.retry_after;
  Fate failed = *station.send(1, later);
  EXPECT_EQ(failed.fault, Fault::kNone);
  failed.begins = false;
  failed.output = Tokens(0);
  station.model().end(station.ask(1, later), station.entry(), failed, later);
  EXPECT_EQ(station.send(2, later)->fault, Fault::kNone) << "a failure gives nothing";
}

// Goal: the vendor's limit of input counts what its cache reads only if it says so.
TEST(HostedModelTest, CacheReadsCountAsTheVendorHasIt) {
  for (const bool reads_count : {false, true}) {
    SCOPED_TRACE(reads_count);
    nlohmann::json json = small_scenario();
    json["prices"] = {source_path("pricing")};
    json["world"]["models"][0] = {
        {"model", "cheap"},
        {"origin", "assumed"},
        {"first_token_ms", 1'000},
        {"ms_per_output_token", 10},
        {"cache", {{"rules", "anthropic-5m"}}},
        {"limits",
         {{"input_per_minute", 60'000}, {"burst_s", 12}, {"cache_reads_count", reads_count}}}};
    Station station(scenario_of(json).world);
    const fare::BlockRun runs[] = {{0, 10}};
    const fare::CachePosition positions[] = {{10, Tokens(10'000)}};
    const Prompt prompt{
        .blocks = runs, .block_tokens = Tokens(1'000), .positions = positions, .breakpoints = {}};
    const auto send = [&](std::uint32_t slot, Duration now) {
      Ask ask = station.ask(slot, now, Tokens(10'000));
      ask.prompt = &prompt;
      Fate fate;
      const Entry entry = station.model().send(ask, now, fate);
      if (entry.way == Entry::Way::kServed) fate = station.model().serve(ask, entry, now);
      return fate;
    };
    EXPECT_EQ(send(0, Duration(0)).fault, Fault::kNone);
    // 2,000 of the burst of 12,000 are left, and 2,000 flow in until then.
    const Fate second = send(1, seconds(2));
    EXPECT_EQ(second.fault, reads_count ? Fault::kRateLimit : Fault::kNone);
    if (reads_count) {
      EXPECT_EQ(second.retry_after, seconds(6));
    }
  }
}

TEST(HostedModelTest, TrafficMayGrowByItsFactorAWindow) {
  Station station(
      world_of({{"ramp", {{"window_s", 60}, {"growth", 2}, {"floor", 10}}}, {"refusal_ms", 0}}));
  std::uint32_t slot = 0;
  const auto admitted_in = [&](int window) {
    int admitted = 0;
    for (int i = 0; i < 600; ++i) {
      const Fate fate = *station.send(slot++, seconds(60 * window) + milliseconds(100 * i));
      if (fate.fault == Fault::kRamp) {
        EXPECT_EQ(fate.retry_after, seconds(60) - milliseconds(100 * i));
      } else {
        ++admitted;
      }
    }
    return admitted;
  };
  EXPECT_EQ(admitted_in(0), 10);
  EXPECT_EQ(admitted_in(1), 20);
  EXPECT_EQ(admitted_in(2), 40);
  EXPECT_EQ(admitted_in(3), 80);
  EXPECT_EQ(admitted_in(5), 10) << "after a window without requests";
}

// Goal: shares come out as they are, and cuts fall evenly over the answer.
TEST(HostedModelTest, FaultsComeAtTheirShares) {
  Station station(world_of(
      {{"failure_share", 0.1}, {"timeout_ms", 5'000}, {"timeout_share", 0.2}, {"cut_share", 0.3}}));
  constexpr int kAttempts = 40'000;
  std::array<int, kFaultCount> faults{};
  double where = 0;
  for (std::uint32_t i = 0; i < kAttempts; ++i) {
    const Fate fate = *station.send(i, Duration(0));
    ++faults[static_cast<std::size_t>(fate.fault)];
    if (fate.fault == Fault::kTimeout) {
      EXPECT_EQ(fate.total, seconds(5));
    }
    if (fate.fault != Fault::kCutOff) continue;
    EXPECT_EQ(fate.end, AttemptEnd::kCutOff);
    where += static_cast<double>((fate.total - fate.first_token).count()) / 1e9;
    EXPECT_EQ(fate.output.count(), 1 + (fate.total - fate.first_token) / milliseconds(10));
  }
  // Silence comes first, then failure, then a cut: independent draws.
  const double timeouts = 0.2;
  const double failures = 0.8 * 0.1;
  const double cuts = 0.8 * 0.9 * 0.3;
  const auto expect_share = [&](Fault fault, double share) {
    const double sd = std::sqrt(share * (1 - share) * kAttempts);
    EXPECT_NEAR(faults[static_cast<std::size_t>(fault)], share * kAttempts, 4 * sd)
        << to_string(fault);
  };
  expect_share(Fault::kTimeout, timeouts);
  expect_share(Fault::kServerError, failures);
  expect_share(Fault::kCutOff, cuts);
  const double n = cuts * kAttempts;
  EXPECT_NEAR(where / faults[static_cast<std::size_t>(Fault::kCutOff)], 0.5,
              4 * std::sqrt(1.0 / 12 / n));
}

// Goal: a share that changes leaves the luck of the others as it was, and luck is of request and
// try alone.
TEST(HostedModelTest, OneFaultLeavesTheLuckOfTheOthers) {
  const nlohmann::json lengths = {{"kind", "lognormal"}, {"median", 500}, {"sigma", 1}};
  Station plain(world_of({{"first_token_ms", lengths}, {"failure_share", 0.1}}));
  Station more(world_of({{"first_token_ms", lengths},
                         {"failure_share", 0.1},
                         {"cut_share", 0.3},
                         {"timeout_ms", 60'000},
                         {"timeout_share", 0.1}}));
  int same = 0;
  for (std::uint32_t i = 2'000; i-- > 0;) {
    const Fate a = *plain.send(i, Duration(0));
    const Fate b = *more.send(i, seconds(1));
    if (b.fault == Fault::kTimeout) continue;
    ASSERT_EQ(a.fault == Fault::kServerError, b.fault == Fault::kServerError);
    if (b.begins) {
      ASSERT_EQ(a.first_token, b.first_token);
      ++same;
    }
  }
  EXPECT_GT(same, 1'000);
}

}  // namespace
}  // namespace routesim
