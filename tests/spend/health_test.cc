#include "fare/health.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "allocations.h"
#include "base/random.h"

namespace fare {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using State = Breaker::State;

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();

TEST(HealthTest, OnlyWhatTheTargetCausedIsItsFault) {
  const struct {
    int status;
    AttemptEnd end;
    bool blamed;
  } cases[] = {
      {200, AttemptEnd::kAnswered, false},   {400, AttemptEnd::kRejected, false},
      {401, AttemptEnd::kRejected, false},   {403, AttemptEnd::kRejected, false},
      {404, AttemptEnd::kRejected, false},   {408, AttemptEnd::kTimeout, true},
      {422, AttemptEnd::kRejected, false},   {429, AttemptEnd::kRateLimited, false},
      {500, AttemptEnd::kServerError, true}, {503, AttemptEnd::kServerError, true},
      {529, AttemptEnd::kServerError, true},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(end_of_status(one.status), one.end) << one.status;
    EXPECT_EQ(blames_target(end_of_status(one.status)), one.blamed) << one.status;
  }
  EXPECT_TRUE(blames_target(AttemptEnd::kCutOff));
  EXPECT_FALSE(blames_target(AttemptEnd::kFiltered));
  EXPECT_FALSE(blames_target(AttemptEnd::kCancelled));
}

void fail(Breaker& breaker, int times, Instant now) {
  for (int i = 0; i < times; ++i) breaker.record(AttemptEnd::kServerError, now, now);
}

void answer_probes(Breaker& breaker, int times, Instant now) {
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(breaker.wants_probe(now));
    breaker.start_probe(now);
    breaker.record(AttemptEnd::kAnswered, now, now);
  }
}

TEST(HealthTest, BadRequestsNeverEject) {
  Breaker breaker({});
  for (int i = 0; i < 10'000; ++i) {
    for (const AttemptEnd end :
         {AttemptEnd::kRejected, AttemptEnd::kFiltered, AttemptEnd::kCancelled}) {
      breaker.record(end, kStart, kStart + milliseconds(i));
    }
  }
  EXPECT_EQ(breaker.state(kStart + seconds(10)), State::kClosed);
  // Nor do they hide failures, or make up for them.
  fail(breaker, 4, kStart + seconds(10));
  breaker.record(AttemptEnd::kRejected, kStart + seconds(10), kStart + seconds(10));
  fail(breaker, 1, kStart + seconds(10));
  EXPECT_EQ(breaker.state(kStart + seconds(10)), State::kEjected);
}

TEST(HealthTest, FailuresInARowEjectAndProbesBringBack) {
  Breaker breaker({});
  fail(breaker, 4, kStart);
  breaker.record(AttemptEnd::kAnswered, kStart, kStart);
  fail(breaker, 4, kStart);
  EXPECT_EQ(breaker.state(kStart), State::kClosed);
  EXPECT_EQ(breaker.share(kStart), 1);
  fail(breaker, 1, kStart);
  EXPECT_EQ(breaker.state(kStart), State::kEjected);
  EXPECT_EQ(breaker.share(kStart), 0);
  EXPECT_FALSE(breaker.wants_probe(kStart + seconds(30) - milliseconds(1)));
  Instant now = kStart + seconds(30);
  EXPECT_EQ(breaker.probes_at(), now);
  EXPECT_TRUE(breaker.wants_probe(now));
  breaker.start_probe(now);
  EXPECT_FALSE(breaker.wants_probe(now));  // One at a time.
  breaker.record(AttemptEnd::kAnswered, now, now);
  answer_probes(breaker, 1, now);
  EXPECT_EQ(breaker.state(now), State::kProbing);
  answer_probes(breaker, 1, now);
  EXPECT_EQ(breaker.state(now), State::kRamping);
  EXPECT_DOUBLE_EQ(breaker.share(now), 0.1);
  EXPECT_DOUBLE_EQ(breaker.share(now + seconds(15)), 0.55);
  EXPECT_EQ(breaker.state(now + seconds(30)), State::kClosed);
  EXPECT_EQ(breaker.share(now + seconds(30)), 1);
}

TEST(HealthTest, AProbeThatMeetsALimitIsAnswered) {
  Breaker breaker({});
  fail(breaker, 5, kStart);
  Instant now = breaker.probes_at();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(breaker.state(now), State::kProbing);
    breaker.start_probe(now);
    breaker.record(AttemptEnd::kRateLimited, now, now);
  }
  EXPECT_EQ(breaker.state(now), State::kRamping);
  // But what fails behind its limiter is out again, and for longer.
  now += seconds(1);
  fail(breaker, 5, now);
  EXPECT_EQ(breaker.probes_at() - now, seconds(60));
}

// Goal: but to probes, limits that are reached change nothing, for or against a target.
// Method: random lives of a breaker, and of its twin that is told of no 429 but as a probe's
// answer.
TEST(HealthTest, LimitsThatAreReachedNeitherEjectNorHeal) {
  constexpr AttemptEnd kEnds[] = {AttemptEnd::kAnswered, AttemptEnd::kTimeout,
                                  AttemptEnd::kRejected, AttemptEnd::kRateLimited};
  std::array<int, 4> seen{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
    const Breaker::Options options{.attempts_min = 8, .ramp = seconds(5)};
    Breaker breaker(options);
    Breaker twin(options);
    const std::uint64_t limited = random.below(6);  // Of so many more, all but four are 429s.
    Instant now = kStart;
    for (int step = 0; step < 2'000; ++step) {
      now += milliseconds(random.below(random.below(50) == 0 ? 60'000 : 500));
      ASSERT_EQ(breaker.wants_probe(now), twin.wants_probe(now));
      ASSERT_EQ(breaker.share(now), twin.share(now));
      const bool probes = breaker.wants_probe(now);
      if (!probes && breaker.share(now) == 0) continue;
      if (probes) breaker.start_probe(now);
      if (probes) twin.start_probe(now);
      ++seen[static_cast<std::size_t>(breaker.state(now))];
      const AttemptEnd end = kEnds[std::min<std::uint64_t>(random.below(4 + limited), 3)];
      breaker.record(end, now, now);
      if (end != AttemptEnd::kRateLimited) twin.record(end, now, now);
      if (end == AttemptEnd::kRateLimited && probes) twin.record(AttemptEnd::kAnswered, now, now);
    }
  }
  EXPECT_GT(seen[static_cast<std::size_t>(State::kClosed)], 1'000);
  EXPECT_GT(seen[static_cast<std::size_t>(State::kProbing)], 1'000);
  EXPECT_GT(seen[static_cast<std::size_t>(State::kRamping)], 1'000);
}

TEST(HealthTest, EjectionsDoubleAndAreForgottenAfterHealthyTimes) {
  Breaker breaker({});
  Instant now = kStart;
  fail(breaker, 5, now);
  for (const int expected_s : {60, 120, 240, 300, 300}) {
    now = breaker.probes_at();
    breaker.start_probe(now);
    breaker.record(AttemptEnd::kTimeout, now, now);
    EXPECT_EQ(breaker.probes_at() - now, seconds(expected_s));
  }
  now = breaker.probes_at();
  answer_probes(breaker, 3, now);
  now += minutes(4);
  fail(breaker, 5, now);
  EXPECT_EQ(breaker.probes_at() - now, minutes(5));  // It had not been well for long.
  now = breaker.probes_at();
  answer_probes(breaker, 3, now);
  now += minutes(5);
  fail(breaker, 5, now);
  EXPECT_EQ(breaker.probes_at() - now, seconds(30));
}

TEST(HealthTest, AShareOfRecentFailuresEjects) {
  Breaker breaker({});
  const auto run = [&breaker](int attempts, int failing_of_10, Instant from) {
    for (int i = 0; i < attempts; ++i) {
      const Instant now = from + milliseconds(100 * i);
      const bool fails = i * failing_of_10 / 10 != (i + 1) * failing_of_10 / 10;
      breaker.record(fails ? AttemptEnd::kTimeout : AttemptEnd::kAnswered, now, now);
    }
    return breaker.state(from + milliseconds(100 * attempts));
  };
  EXPECT_EQ(run(5'000, 4, kStart), State::kClosed);
  EXPECT_EQ(run(5'000, 6, kStart + minutes(10)), State::kEjected);
  // Few attempts prove nothing, even if most of them fail.
  Breaker quiet({});
  for (int i = 0; i < 1'000; ++i) {
    const Instant now = kStart + seconds(10 * i);
    quiet.record(i % 5 == 0 ? AttemptEnd::kAnswered : AttemptEnd::kTimeout, now, now);
  }
  EXPECT_EQ(quiet.state(kStart + seconds(10'000)), State::kClosed);
}

TEST(HealthTest, WhatWasSentEarlierSaysNothingOfThePresent) {
  Breaker breaker({});
  fail(breaker, 5, kStart);
  const Instant probing = breaker.probes_at();
  for (int i = 0; i < 10; ++i) breaker.record(AttemptEnd::kAnswered, kStart, probing);
  EXPECT_EQ(breaker.state(probing), State::kProbing);
  breaker.record(AttemptEnd::kTimeout, kStart, probing);
  EXPECT_EQ(breaker.probes_at(), probing);
  answer_probes(breaker, 3, probing + seconds(1));
  fail(breaker, 0, probing);
  for (int i = 0; i < 10; ++i) breaker.record(AttemptEnd::kTimeout, kStart, probing + seconds(2));
  EXPECT_EQ(breaker.state(probing + seconds(2)), State::kRamping);
}

TEST(HealthTest, ALostProbeIsSentAgain) {
  Breaker breaker({});
  fail(breaker, 5, kStart);
  const Instant now = breaker.probes_at();
  breaker.start_probe(now);
  EXPECT_FALSE(breaker.wants_probe(now + seconds(59)));
  EXPECT_TRUE(breaker.wants_probe(now + seconds(60)));
  breaker.start_probe(now + seconds(60));
  EXPECT_FALSE(breaker.wants_probe(now + seconds(61)));
}

// Goal: a target that always fails gets `failures_max` attempts, those then under way, and
// `probes_max` per ejection; ejections double to their maximum.
// Method: a day of 100 requests a second, each sent if the breaker lets it, each failing after 1 s.
TEST(HealthTest, ADeadTargetGetsFewAttempts) {
  Breaker breaker({});
  std::deque<Instant> open;
  int sent = 0;
  const std::uint64_t before = allocations();
  const std::uint64_t own = [&] {
    for (Instant now = kStart; now < kStart + std::chrono::hours(24); now += milliseconds(10)) {
      while (!open.empty() && open.front() + seconds(1) <= now) {
        breaker.record(AttemptEnd::kTimeout, open.front(), now);
        open.pop_front();
      }
      const bool probes = breaker.wants_probe(now);
      if (!probes && breaker.share(now) == 0) continue;
      if (probes) breaker.start_probe(now);
      open.push_back(now);
      ++sent;
    }
    return allocations() - before;
  }();
  EXPECT_LT(own, 20u);  // The deque's.
  // 104 until the first ejection, then one after 30, 61, 121, 241 s and every 301 s.
  EXPECT_GE(sent, 104 + 280);
  EXPECT_LE(sent, 105 + 4 + 24 * 3600 / 301);
}

}  // namespace
}  // namespace fare
