#include "world/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "allocations.h"
#include "world/reference_pool.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;
using fare::Tokens;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const RandomKey kKey(5, 0, Purpose::kTest);

std::string to_text(Duration now, const PoolEvent& event) {
  static const char* const kNames[] = {"started", "first", "finished", "preempted", "rejected"};
  return std::to_string(now.count()) + " " + std::to_string(event.slot) + " " +
         kNames[static_cast<std::size_t>(event.kind)];
}

// What is asked of a pool, in order of time.
struct Call {
  Duration at{};
  PoolWork work;         // If not cancelled,
  bool cancels = false;  // else only its slot.
  bool after = false;    // If a change is due at the same instant, the change comes first.
};

struct Story {
  std::vector<std::string> lines;
  BatchWork done;
};

// Plays the calls on a pool and token by token, and holds one to the other at each change.
void play_both(const PoolModel& model, const std::vector<Call>& calls, Story& fast, Story& slow) {
  Pool pool(model, kKey);
  ReferencePool reference(model, kKey, true);
  std::vector<PoolEvent> events;
  std::vector<bool> lives(calls.size());
  const auto change = [&](Duration now) {
    events.clear();
    pool.advance(now, events);
    for (const PoolEvent& event : events) {
      fast.lines.push_back(to_text(now, event));
      if (event.kind == PoolEventKind::kFinished) lives[event.slot] = false;
    }
  };
  const auto catch_up = [&](Duration now, bool through) {
    while (reference.next_change() &&
           (*reference.next_change() < now || (through && *reference.next_change() == now))) {
      const Duration at = *reference.next_change();
      events.clear();
      reference.advance(at, events);
      for (const PoolEvent& event : events) slow.lines.push_back(to_text(at, event));
    }
  };
  for (const Call& call : calls) {
    while (pool.next_change() &&
           (*pool.next_change() < call.at || (call.after && *pool.next_change() == call.at))) {
      const Duration at = *pool.next_change();
      change(at);
      catch_up(at, true);
    }
    catch_up(call.at, false);
    if (call.cancels) {
      if (!lives[call.work.slot]) continue;
      lives[call.work.slot] = false;
      pool.cancel(call.work.slot, call.at);
      reference.cancel(call.work.slot);
    } else {
      lives[call.work.slot] = true;
      events.clear();
      pool.send(call.work, call.at, events);
      reference.send(call.work, call.at);
      ASSERT_TRUE(events.empty());
    }
  }
  while (pool.next_change()) change(*pool.next_change());
  catch_up(Duration::max(), true);
  fast.done = pool.totals(Duration::max() / 2).done;
  slow.done = reference.done();
  EXPECT_EQ(pool.requests(), 0u);
}

PoolModel random_model(RandomStream& random) {
  PoolModel model;
  BatchModel& batch = model.batch;
  const bool coarse = random.below(2) == 0;  // Whole microseconds, so that instants coincide.
  const auto factor = [&](double max) {
    return coarse ? std::floor(random.uniform() * 3) : random.uniform() * max;
  };
  batch.base_us = 1 + factor(9);
  batch.us_per_sequence = factor(2);
  batch.us_per_resident_token = coarse ? 0 : random.uniform() * 0.05;
  batch.us_per_prefill_token = factor(0.5);
  batch.sequences_max = 1 + static_cast<std::int64_t>(random.below(12));
  batch.block_tokens = 1 + static_cast<std::int64_t>(random.below(8));
  // The longest work needs 60 tokens: from hardly one at a time to room for all.
  batch.blocks = 60 / batch.block_tokens + 1 + static_cast<std::int64_t>(random.below(60));
  batch.batch_tokens = batch.sequences_max + static_cast<std::int64_t>(random.below(40));
  model.scaling.replicas_min = model.scaling.replicas_max =
      1 + static_cast<std::int64_t>(random.below(3));
  model.balance = random.below(2) == 0 ? PoolBalance::kTokens : PoolBalance::kRequests;
  return model;
}

// `after` only where a change of the pool is one of its only replica: a replica in the middle of
// a run has nothing to report, and takes part in what starts at that instant either way.
std::vector<Call> random_calls(RandomStream& random, std::uint32_t works, bool one_replica) {
  std::vector<Call> calls;
  const std::uint64_t gap = 1 + random.below(60);
  Duration now{};
  for (std::uint32_t slot = 0; slot < works; ++slot) {
    // Whole microseconds often, so that calls meet each other and changes.
    now += microseconds(random.below(gap));
    if (random.below(4) == 0) now += Duration(random.below(1'000));
    const auto input = static_cast<std::int64_t>(1 + random.below(40));
    const auto cached = static_cast<std::int64_t>(random.below(3) == 0 ? random.below(41) : 0);
    calls.push_back({.at = now,
                     .work = {.slot = slot,
                              .entity = slot + 100,
                              .input = Tokens(input),
                              .cached = Tokens(std::min(input, cached)),
                              .output = Tokens(static_cast<std::int64_t>(1 + random.below(21)))},
                     .cancels = false,
                     .after = one_replica && random.below(2) == 0});
    if (random.below(8) > 0) continue;
    calls.push_back({.at = now + microseconds(random.below(100)),
                     .work = {.slot = slot, .entity = 0, .input = {}, .cached = {}, .output = {}},
                     .cancels = true,
                     .after = one_replica && random.below(2) == 0});
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const Call& a, const Call& b) { return a.at < b.at; });
  return calls;
}

void expect_same(const Story& fast, const Story& slow) {
  ASSERT_EQ(fast.lines, slow.lines);
  EXPECT_EQ(fast.done.iterations, slow.done.iterations);
  EXPECT_TRUE(fast.done.sequences == slow.done.sequences);
  EXPECT_TRUE(fast.done.resident_tokens == slow.done.resident_tokens);
  EXPECT_TRUE(fast.done.prefill_tokens == slow.done.prefill_tokens);
  EXPECT_TRUE(fast.done.busy == slow.done.busy);
  EXPECT_EQ(fast.done.preemptions, slow.done.preemptions);
}

// Goal: change by change, a pool does what it would do token by token, to the nanosecond.
// Method: random models and calls (with preemptions, chunks, cached tokens, cancellations and
// instants that coincide) against the plain model.
TEST(PoolTest, EqualsTheTokenByTokenModelToTheNanosecond) {
  std::uint64_t preemptions = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(1, 0, Purpose::kTest), seed);
    const PoolModel model = random_model(random);
    const std::vector<Call> calls = random_calls(random, 60, model.scaling.replicas_max == 1);
    Story fast;
    Story slow;
    play_both(model, calls, fast, slow);
    expect_same(fast, slow);
    if (HasFatalFailure()) return;
    preemptions += fast.done.preemptions;
    events += fast.lines.size();
  }
  EXPECT_GT(preemptions, 1'000u);
  EXPECT_GT(events, 50'000u);
}

// Goal: steps of speculation, drawn once for a whole answer, end where steps drawn one by one end.
TEST(PoolTest, SpeculatesAsTheTokenByTokenModelDoes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(2, 0, Purpose::kTest), seed);
    PoolModel model = random_model(random);
    model.batch.speculation = {.acceptance = random.uniform(),
                               .draft_tokens = static_cast<std::int64_t>(1 + random.below(6)),
                               .draft_us = random.uniform(),
                               .draft_us_per_sequence = random.uniform() * 0.1};
    model.batch.batch_tokens += model.batch.sequences_max * 6;
    const std::vector<Call> calls = random_calls(random, 60, model.scaling.replicas_max == 1);
    Story fast;
    Story slow;
    play_both(model, calls, fast, slow);
    expect_same(fast, slow);
    if (HasFatalFailure()) return;
  }
}

// A model of some size: 8 ms an iteration, 100 ns a resident token, as a GPU of 2026.
PoolModel usual_model() {
  PoolModel model;
  model.batch = {.base_us = 8'000,
                 .us_per_sequence = 30,
                 .us_per_resident_token = 0.1,
                 .us_per_prefill_token = 70,
                 .sequences_max = 64,
                 .batch_tokens = 2'048,
                 .block_tokens = 16,
                 .blocks = 20'000,
                 .waiting_max = 1'000'000,
                 .speculation = std::nullopt};
  return model;
}

PoolWork usual_work(std::uint32_t slot, RandomStream& random) {
  return {.slot = slot,
          .entity = slot,
          .input = Tokens(static_cast<std::int64_t>(50 + random.below(2'000))),
          .cached = Tokens(),
          .output = Tokens(static_cast<std::int64_t>(1 + random.below(400)))};
}

// Goal: that resident tokens grow evenly, and not by what each step yields, hardly matters.
TEST(PoolTest, EvenGrowthUnderSpeculationMovesNothingByMoreThanAThousandth) {
  PoolModel model = usual_model();
  model.batch.speculation = {
      .acceptance = 0.7, .draft_tokens = 4, .draft_us = 400, .draft_us_per_sequence = 3};
  Pool pool(model, kKey);
  ReferencePool reference(model, kKey, false);
  RandomStream random(kKey, 1);
  std::vector<PoolEvent> events;
  std::vector<double> fast(400);
  std::vector<double> slow(400);
  for (std::uint32_t slot = 0; slot < 400; ++slot) {
    const PoolWork work = usual_work(slot, random);
    pool.send(work, Duration(), events);
    reference.send(work, Duration());
  }
  const auto note = [&events](Duration now, std::vector<double>& ends) {
    for (const PoolEvent& event : events) {
      const auto end = static_cast<double>(now.count());
      if (event.kind == PoolEventKind::kFinished) ends[event.slot] = end;
    }
    events.clear();
  };
  while (const auto now = pool.next_change()) {
    pool.advance(*now, events);
    note(*now, fast);
  }
  while (const auto now = reference.next_change()) {
    reference.advance(*now, events);
    note(*now, slow);
  }
  for (std::size_t slot = 0; slot < fast.size(); ++slot) {
    ASSERT_GT(slow[slot], 0);
    EXPECT_NEAR(fast[slot] / slow[slot], 1, 0.001) << slot;
  }
}

// Leviathan et al. 2023, equation 1.
TEST(SpeculationTest, YieldsTheExpectedTokensAStep) {
  for (const double acceptance : {0.0, 0.3, 0.8, 0.95, 1.0}) {
    for (const std::int64_t draft : {1, 3, 16}) {
      SCOPED_TRACE(testing::Message() << acceptance << " " << draft);
      const Speculation speculation{.acceptance = acceptance,
                                    .draft_tokens = draft,
                                    .draft_us = 0,
                                    .draft_us_per_sequence = 0};
      const double g = static_cast<double>(draft);
      const double closed =
          acceptance == 1 ? g + 1 : (1 - std::pow(acceptance, g + 1)) / (1 - acceptance);
      EXPECT_NEAR(tokens_per_step(speculation), closed, 1e-12 * closed);
      const StepSampler sampler(speculation);
      constexpr int kDraws = 100'000;
      double sum = 0;
      double squares = 0;
      for (std::uint64_t i = 0; i < kDraws; ++i) {
        RandomStream luck(kKey, i);
        const auto tokens = static_cast<double>(sampler.tokens(luck));
        sum += tokens;
        squares += tokens * tokens;
      }
      const double mean = sum / kDraws;
      const double error = std::sqrt(std::max(0.0, squares / kDraws - mean * mean) / kDraws);
      EXPECT_NEAR(mean, closed, 4 * error + 1e-12);
    }
  }
}

// The whole answer of one request: a prompt, then n - 1 steps, each a little longer.
TEST(PoolTest, TakesAnArithmeticSeriesForOneAnswer) {
  PoolModel model = usual_model();
  Pool pool(model, kKey);
  std::vector<PoolEvent> events;
  pool.send({.slot = 3,
             .entity = 1,
             .input = Tokens(3'000),
             .cached = Tokens(100),
             .output = Tokens(101)},
            seconds(1), events);
  std::vector<std::string> lines;
  while (const auto now = pool.next_change()) {
    events.clear();
    pool.advance(*now, events);
    for (const PoolEvent& event : events) lines.push_back(to_text(*now, event));
  }
  // Two chunks of 2,048 and 852 tokens, the first over 100 resident tokens, the second over 2,148;
  // then 100 steps of 8.03 ms over 3,000, 3,001, ... tokens.  In nanoseconds, exactly.
  const std::int64_t first = 1'000'000'000 + 2 * 8'000'000 + 2'900 * 70'000 + 100 * (100 + 2'148);
  const std::int64_t last = first + 100 * 8'030'000 + 100 * (100 * 3'000 + 100 * 99 / 2);
  // 0.1 us is no binary fraction: what is exact is the sum of the rounded coefficient.
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "1000000000 3 started");
  EXPECT_NEAR(std::stod(lines[1]), static_cast<double>(first), 1);
  EXPECT_NEAR(std::stod(lines[2]), static_cast<double>(last), 1);
  EXPECT_EQ(lines[2].substr(lines[2].find(' ')), " 3 finished");
}

TEST(PoolTest, RejectsWhatItCanNeverServe) {
  const auto ask = [](const PoolModel& model, bool drained, std::int64_t input) {
    Pool pool(model, kKey);
    if (drained) pool.drain();
    std::vector<PoolEvent> events;
    pool.send({.slot = 0, .entity = 0, .input = Tokens(input), .cached = {}, .output = Tokens(10)},
              Duration(), events);
    EXPECT_LE(events.size(), 1u);
    EXPECT_EQ(pool.requests(), 1 - events.size());
    EXPECT_EQ(pool.next_change().has_value(), events.empty());
    return events.empty() ? PoolRejection::kNone : events.front().rejection;
  };
  PoolModel model = usual_model();
  EXPECT_EQ(ask(model, false, 100), PoolRejection::kNone);
  EXPECT_EQ(ask(model, true, 100), PoolRejection::kDrained);
  // 20,000 blocks of 16 tokens; the last token of an answer is never cached.
  EXPECT_EQ(ask(model, false, 319'991), PoolRejection::kNone);
  EXPECT_EQ(ask(model, false, 319'992), PoolRejection::kTooLong);
  model.batch.blocks = 0;
  EXPECT_EQ(ask(model, false, 100), PoolRejection::kNoCapacity);
  model = usual_model();
  model.scaling.replicas_min = model.scaling.replicas_max = 0;
  EXPECT_EQ(ask(model, false, 100), PoolRejection::kNoCapacity);
}

TEST(PoolTest, FinishesWhatItHasAfterADrainAndKeepsTheLineBounded) {
  PoolModel model = usual_model();
  model.batch.sequences_max = 2;
  model.batch.waiting_max = 3;
  Pool pool(model, kKey);
  RandomStream random(kKey, 0);
  std::vector<PoolEvent> events;
  for (std::uint32_t slot = 0; slot < 8; ++slot) {
    pool.send(usual_work(slot, random), Duration(), events);
  }
  ASSERT_EQ(events.size(), 3u);
  for (const PoolEvent& event : events) EXPECT_EQ(event.rejection, PoolRejection::kQueueFull);
  pool.drain();
  events.clear();
  while (const auto now = pool.next_change()) pool.advance(*now, events);
  std::size_t finished = 0;
  for (const PoolEvent& event : events) finished += event.kind == PoolEventKind::kFinished;
  EXPECT_EQ(finished, 5u);
  EXPECT_EQ(pool.requests(), 0u);
}

TEST(PoolTest, SendsToTheReplicaWithTheLeastOutstandingWork) {
  PoolModel model = usual_model();
  model.scaling.replicas_min = model.scaling.replicas_max = 3;
  Pool pool(model, kKey);
  std::vector<PoolEvent> events;
  const std::int64_t inputs[] = {500, 100, 90, 5, 300, 100};
  // Replica 0: 500.  1: 100, then 300 (105 > 100).  2: 90, 5, then 100.
  const std::size_t replicas[] = {0, 1, 2, 2, 1, 2};
  for (std::uint32_t slot = 0; slot < 6; ++slot) {
    pool.send({.slot = slot,
               .entity = 0,
               .input = Tokens(inputs[slot]),
               .cached = {},
               .output = Tokens(5)},
              Duration(), events);
    EXPECT_EQ(pool.replica_of(slot), replicas[slot]) << slot;
  }
}

TEST(PoolTest, CostsReplicaTimeToThePicodollar) {
  PoolModel model = usual_model();
  model.scaling.replicas_min = model.scaling.replicas_max = 3;
  model.gpus_per_replica = 2;
  model.cost_per_gpu_hour = fare::parse_usd("2.5").value();
  const Pool pool(model, kKey);
  EXPECT_EQ(fare::to_usd(pool.totals(std::chrono::hours(2)).cost), "30");
  // A nanosecond of one GPU at a dollar an hour is 0.2777... picodollars.
  model.gpus_per_replica = 1;
  model.cost_per_gpu_hour = fare::parse_usd("1").value();
  EXPECT_EQ(gpu_cost(model, 1).count(), 0);
  EXPECT_EQ(gpu_cost(model, 2).count(), 1);
  model.cost_per_gpu_hour = fare::Cost(fare::Int128{1'800'000'000'000});  // Half a picodollar.
  EXPECT_EQ(gpu_cost(model, 1).count(), 0);
  EXPECT_EQ(gpu_cost(model, 3).count(), 2);
}

TEST(PoolTest, StartsColdScalesOutAndComesBackToRest) {
  PoolModel model = usual_model();
  model.batch.sequences_max = 10;
  model.scaling = {.replicas_min = 0,
                   .replicas_max = 4,
                   .target_utilisation = 0.5,
                   .period = seconds(15),
                   .cold_start = seconds(60),
                   .scale_in_delay = seconds(30)};
  Pool pool(model, kKey);
  EXPECT_FALSE(pool.next_change());
  RandomStream random(kKey, 0);
  std::vector<PoolEvent> events;
  for (std::uint32_t slot = 0; slot < 30; ++slot) {
    pool.send(usual_work(slot, random), seconds(1), events);
  }
  EXPECT_EQ(pool.totals(seconds(1)).replicas, 1u) << "the first one, at once";
  EXPECT_EQ(pool.totals(seconds(1)).held, 30u);
  Duration last{};
  Duration first_token{};
  std::size_t finished = 0;
  while (const auto now = pool.next_change()) {
    ASSERT_GE(*now, last);
    last = *now;
    events.clear();
    pool.advance(*now, events);
    for (const PoolEvent& event : events) {
      finished += event.kind == PoolEventKind::kFinished;
      if (event.kind == PoolEventKind::kFirstToken && first_token == Duration()) {
        first_token = *now;
      }
    }
    if (*now == seconds(15)) {
      EXPECT_EQ(pool.totals(*now).replicas, 4u) << "30 / (0.5 * 10) are 6";
    }
  }
  EXPECT_EQ(finished, 30u);
  EXPECT_GT(first_token, seconds(61)) << "nothing is served before a replica is up";
  const PoolTotals totals = pool.totals(last);
  EXPECT_EQ(totals.replicas, 0u);
  EXPECT_EQ(totals.replicas_max, 4u);
  EXPECT_GT(totals.utilisation, 0);
  EXPECT_LT(totals.utilisation, 1);
  EXPECT_TRUE(pool.totals(last + std::chrono::hours(5)).replica_ns == totals.replica_ns)
      << "nothing is paid for at rest";
}

TEST(AutoscalerTest, WaitsBeforeItShrinksButNotBeforeItGrows) {
  const Autoscaling scaling{.replicas_min = 1,
                            .replicas_max = 9,
                            .target_utilisation = 0.5,
                            .period = seconds(10),
                            .cold_start = seconds(0),
                            .scale_in_delay = seconds(25)};
  Autoscaler autoscaler(scaling);
  EXPECT_EQ(autoscaler.next_after(seconds(20)), seconds(30));
  EXPECT_EQ(autoscaler.decide(seconds(10), 100, 40, 2), 5);
  EXPECT_EQ(autoscaler.decide(seconds(20), 10, 40, 5), 5);
  EXPECT_EQ(autoscaler.decide(seconds(30), 100, 40, 5), 5) << "needed again";
  EXPECT_EQ(autoscaler.decide(seconds(40), 10, 40, 5), 5);
  EXPECT_EQ(autoscaler.decide(seconds(60), 10, 40, 5), 5);
  EXPECT_EQ(autoscaler.decide(seconds(70), 10, 40, 5), 1);
  EXPECT_EQ(replicas_wanted(scaling, 1'000, 40), 9);
  EXPECT_EQ(replicas_wanted(scaling, 0, 40), 1);
}

TEST(PoolTest, ASlotIsFreeAsSoonAsItsRequestIsCancelled) {
  Pool pool(usual_model(), kKey);
  std::vector<PoolEvent> events;
  const PoolWork work{
      .slot = 0, .entity = 0, .input = Tokens(10), .cached = {}, .output = Tokens(1'000)};
  pool.send(work, Duration(), events);
  pool.advance(Duration(), events);
  pool.cancel(0, milliseconds(1));
  EXPECT_EQ(pool.requests(), 0u);
  pool.send(work, milliseconds(1), events);
  while (const auto now = pool.next_change()) pool.advance(*now, events);
  ASSERT_EQ(events.size(), 4u) << "the first one started, the second one did all there is";
  EXPECT_EQ(events[3].kind, PoolEventKind::kFinished);
}

TEST(PoolTest, AllocatesNothingOnceWarm) {
  PoolModel model = usual_model();
  model.scaling.replicas_min = model.scaling.replicas_max = 2;
  Pool pool(model, kKey);
  std::vector<PoolEvent> events;
  events.reserve(1'000);
  const auto round = [&](std::uint64_t from, Duration start) {
    for (std::uint32_t slot = 0; slot < 300; ++slot) {
      RandomStream random(kKey, from + slot);
      pool.send(usual_work(slot, random), start, events);
    }
    Duration now = start;
    while (const auto next = pool.next_change()) {
      events.clear();
      pool.advance(now = *next, events);
    }
    return now;
  };
  const Duration end = round(0, Duration());
  const std::uint64_t before = fare::allocations();
  round(1'000, end);
  EXPECT_EQ(fare::allocations(), before);
}

std::string errors_of(const std::string& text) {
  fare::Problems problems("pool");
  const fare::JsonDocument document(text, problems);
  const auto model = read_pool(document.root());
  std::string errors;
  if (problems.empty()) return model ? "" : "nothing";
  for (const fare::Error& error : problems.take()) errors += fare::to_text({error});
  return errors;
}

TEST(PoolModelTest, ReadsAPool) {
  const std::string text = R"({"origin": "assumed: a test",
      "iteration_us": {"base": 8000, "per_sequence": 30, "per_resident_token": 0.1,
                       "per_prefill_token": 70.5},
      "sequences": 64, "batch_tokens": 2048, "block_tokens": 32, "blocks": 1000, "waiting": 7,
      "speculation": {"acceptance": 0.7, "draft_tokens": 4, "draft_us": 300},
      "replicas": {"min": 1, "max": 8, "target_utilisation": 0.6, "cold_start_s": 0.5},
      "balance": "requests", "gpus_per_replica": 2, "usd_per_gpu_hour": "2.50"})";
  fare::Problems problems("pool");
  const fare::JsonDocument document(text, problems);
  const auto model = read_pool(document.root());
  ASSERT_TRUE(problems.empty()) << fare::to_text(problems.take());
  ASSERT_TRUE(model);
  EXPECT_EQ(model->batch.us_per_prefill_token, 70.5);
  EXPECT_EQ(model->batch.block_tokens, 32);
  EXPECT_EQ(model->batch.waiting_max, 7);
  EXPECT_EQ(model->batch.speculation->draft_tokens, 4);
  EXPECT_EQ(model->scaling.replicas_max, 8);
  EXPECT_EQ(model->scaling.cold_start, milliseconds(500));
  EXPECT_EQ(model->balance, PoolBalance::kRequests);
  EXPECT_EQ(fare::to_usd(model->cost_per_gpu_hour), "2.5");
}

TEST(PoolModelTest, SaysAllThatIsWrongAndWhere) {
  EXPECT_EQ(errors_of(R"({"origin": "x", "iteration_us": {"base": 0, "per_token": 1},
                          "sequences": 64, "batch_tokens": 32, "blocks": 50000000,
                          "replicas": {"min": 3, "max": 2}, "balance": "random",
                          "usd_per_gpu_hour": "-1"})"),
            "pool#/iteration_us/base: must be a number from 0.001 to 1000000, but is 0\n"
            "pool#/iteration_us/per_token: is not a known key\n"
            "pool#/replicas: \"min\" must not be above \"max\", but is 3 above 2\n"
            "pool#/balance: must be one of \"tokens\", \"requests\", but is \"random\"\n"
            "pool#/usd_per_gpu_hour: must be from 0 to 1,000,000 dollars, but is \"-1\"\n"
            "pool: \"batch_tokens\" must be at least 64, as many as 64 sequences decode in an "
            "iteration, but is 32\n"
            "pool: \"blocks\" of 16 tokens must be at most 3125000, but is 50000000\n");
}

}  // namespace
}  // namespace routesim
