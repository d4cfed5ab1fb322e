#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/random.h"
#include "fare/rate_limit.h"

namespace fare {
namespace {

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();
constexpr std::size_t kLimits = 4;
constexpr std::uint64_t kThreads = 4;
#ifdef NDEBUG
constexpr int kSteps = 1'000'000;
#else
constexpr int kSteps = 10'000;
#endif

std::unique_ptr<RateLimits> make(std::int64_t burst, std::uint32_t slots) {
  std::vector<RateLimit> limits(kLimits);
  for (RateLimit& limit : limits) {
    limit.input = Flow{.count = 1, .per = std::chrono::hours(24), .burst = burst};
    limit.slots = slots;
  }
  return std::move(*RateLimits::create(limits, kStart));
}

// Goal: whatever the threads do, a burst is never exceeded, slots neither, and what was used is
// what is missing in the end.
// Method: limits that hardly refill; each thread takes from random sets of them, in random order.
TEST(LimitsThreadsTest, NothingIsLostAndNothingExceeded) {
  constexpr std::int64_t kBurst = 3'000'000;
  const auto limits = make(kBurst, 3);
  std::array<std::atomic<std::int64_t>, kLimits> used{};
  std::atomic<int> refused = 0;
  const auto work = [&](std::uint64_t thread) {
    RandomStream random(RandomKey(7, 0, Purpose::kTest), thread);
    for (int step = 0; step < kSteps; ++step) {
      std::array<LimitId, kLimits> ids;
      std::size_t size = 0;
      const std::uint64_t from = random.below(kLimits);
      const std::uint64_t mask = random.bits();
      for (std::uint64_t i = 0; i < kLimits; ++i) {
        if (mask >> i & 1) ids[size++] = static_cast<LimitId>((from + i) % kLimits);
      }
      const auto estimate = static_cast<std::int64_t>(random.below(30));
      const std::span<const LimitId> chosen(ids.data(), size);
      const LimitAnswer answer = limits->acquire(chosen, {.input = Tokens(estimate)}, kStart);
      if (answer.admission != Admission::kAdmitted) {
        ++refused;
        continue;
      }
      const auto actual =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(estimate) + 1));
      for (const LimitId id : chosen) {
        EXPECT_LE(limits->open(id), 3u);
        used[static_cast<std::size_t>(id)] += actual;
      }
      limits->settle(answer.ticket, LimitUse{.input = Tokens(actual)}, kStart);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kLimits; ++i) {
    const LimitId id = static_cast<LimitId>(i);
    EXPECT_EQ(limits->open(id), 0u);
    EXPECT_EQ(limits->level(id, LimitPart::kInput, kStart), kBurst - used[i]);
    EXPECT_GE(kBurst, used[i]);
  }
}

TEST(LimitsThreadsTest, ThreadsTogetherTakeExactlyTheBurst) {
  const auto limits = make(10'000, 1'000'000);
  std::atomic<std::int64_t> taken = 0;
  const auto work = [&](std::uint64_t thread) {
    for (int step = 0; step < 10'000; ++step) {
      const LimitId ids[] = {static_cast<LimitId>(thread % 2),
                             static_cast<LimitId>(2 + thread / 2)};
      if (limits->acquire(ids, {.input = Tokens(1)}, kStart).admission == Admission::kAdmitted) {
        ++taken;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  // Every limit serves two threads, and every pair of them one.
  std::int64_t missing = 0;
  for (std::uint32_t i = 0; i < kLimits; ++i) {
    const std::int64_t level = limits->level(LimitId{i}, LimitPart::kInput, kStart).value();
    EXPECT_GE(level, 0);
    missing += 10'000 - level;
  }
  EXPECT_EQ(missing, 2 * taken);
  EXPECT_EQ(taken, 20'000);
}

// Goal: reloads under load lose no ticket and refill nothing.
// Method: limits that hardly refill; threads take and give back while another one reloads.
TEST(LimitsThreadsTest, ReloadsUnderLoadLoseNothing) {
  constexpr std::int64_t kBurst = 2'000'000;
  const auto limits = make(kBurst, 1'000);
  std::array<std::atomic<std::int64_t>, kLimits> used{};
  std::atomic<bool> is_over = false;
  const auto work = [&](std::uint64_t thread) {
    RandomStream random(RandomKey(9, 0, Purpose::kTest), thread);
    for (int step = 0; step < kSteps / 4; ++step) {
      const auto first = static_cast<std::uint32_t>(random.below(kLimits - 1));
      const LimitId ids[] = {LimitId{first + 1}, LimitId{first}};
      const auto estimate = static_cast<std::int64_t>(random.below(30));
      const LimitAnswer answer = limits->acquire(ids, {.input = Tokens(estimate)}, kStart);
      if (answer.admission != Admission::kAdmitted) continue;
      const std::int64_t actual = estimate / 2;
      for (const LimitId id : ids) used[static_cast<std::size_t>(id)] += actual;
      limits->settle(answer.ticket, LimitUse{.input = Tokens(actual)}, kStart);
    }
  };
  std::thread reloads([&] {
    const std::optional<LimitId> from[] = {LimitId{0}, LimitId{1}, LimitId{2}, LimitId{3}, {}};
    for (int round = 0; !is_over || round < 4; ++round) {
      std::vector<RateLimit> to(kLimits + (round < 1'000 ? 1 : 0));
      for (RateLimit& limit : to) {
        const Duration per = std::chrono::hours(24) - std::chrono::nanoseconds(round % 2);
        limit.input = Flow{.count = 1 + round % 3, .per = per, .burst = kBurst};
        limit.slots = 1'000 - static_cast<std::uint32_t>(round % 7);
      }
      EXPECT_TRUE(limits->reload(to, {from, to.size()}, kStart));
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  is_over = true;
  reloads.join();
  for (std::size_t i = 0; i < kLimits; ++i) {
    const LimitId id = static_cast<LimitId>(i);
    EXPECT_EQ(limits->open(id), 0u);
    EXPECT_EQ(limits->level(id, LimitPart::kInput, kStart), kBurst - used[i]);
  }
}

}  // namespace
}  // namespace fare
