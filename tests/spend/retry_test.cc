#include "fare/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "fare/balance.h"
#include "fare/health.h"

namespace fare {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();

TEST(RetryTest, ARequestTriesEachTargetOnceAndInTime) {
  const TargetId visited[] = {TargetId{3}, TargetId{1}};
  const Progress progress = {visited, 3, kStart + seconds(10)};
  const auto next = [&](int target, Duration expected) {
    return next_attempt(progress, static_cast<TargetId>(target), expected, kStart);
  };
  EXPECT_EQ(next(2, seconds(10)), NextAttempt::kGo);
  EXPECT_EQ(next(1, seconds(1)), NextAttempt::kVisited);
  EXPECT_EQ(next(2, seconds(10) + Duration(1)), NextAttempt::kTooLate);
  EXPECT_EQ(next_attempt({visited, 2, kStart + seconds(10)}, TargetId{2}, {}, kStart),
            NextAttempt::kNoAttemptsLeft);
}

TEST(RetryTest, ABudgetStartsEmptyAndSavesLittle) {
  RetryBudget budget({});
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 9; ++i) budget.add_request();
  EXPECT_FALSE(budget.take());
  budget.add_request();
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 100'000; ++i) budget.add_request();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
}

struct Outage {
  bool has_budget = true;
  bool has_breakers = true;
  double worst = 0;  // Upstream calls / requests, at the worst instant of any since the start.
  std::int64_t requests = 0;
  std::int64_t calls = 0;
};

// Ten targets, 50 requests a second for ten minutes; in the first five everything fails, so nothing
// was saved before; then one call in fifty.  A request may try four targets.
void run(Outage& outage, std::uint64_t seed) {
  RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
  std::vector<Breaker> breakers(10, Breaker({}));
  RetryBudget budget({});
  Instant now = kStart;
  const Instant end = kStart + seconds(600);
  while (now < end) {
    now += Duration(static_cast<std::int64_t>(-std::log(random.uniform()) / 50 * 1e9));
    const bool is_out = now < kStart + seconds(300);
    budget.add_request();
    outage.requests += 1;
    std::vector<TargetId> visited;
    for (bool answered = false; !answered;) {
      std::vector<TargetLoad> load;
      for (std::size_t i = 0; i < breakers.size(); ++i) {
        const auto id = static_cast<TargetId>(i);
        const Progress progress = {visited, 4, now + seconds(30)};
        const bool may = next_attempt(progress, id, seconds(1), now) == NextAttempt::kGo;
        const double share = outage.has_breakers ? breakers[i].share(now) : 1;
        const bool probe = outage.has_breakers && breakers[i].wants_probe(now);
        load.push_back({.latency = 1, .share = may ? share : 0, .wants_probe = may && probe});
      }
      const auto chosen = choose(load, {random.uniform(), random.uniform()});
      if (!chosen || (!visited.empty() && outage.has_budget && !budget.take())) break;
      if (load[*chosen].wants_probe) breakers[*chosen].start_probe(now);
      visited.push_back(static_cast<TargetId>(*chosen));
      outage.calls += 1;
      outage.worst = std::max(
          outage.worst, static_cast<double>(outage.calls) / static_cast<double>(outage.requests));
      answered = !is_out && random.below(50) != 0;
      breakers[*chosen].record(answered ? AttemptEnd::kAnswered : AttemptEnd::kServerError, now,
                               now);
    }
  }
}

// Goal: a full outage amplifies upstream calls by at most 1.1, at every instant.
TEST(RetryTest, AFullOutageAmplifiesByAtMostATenth) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Outage budgeted{.has_breakers = false};
    run(budgeted, seed);
    EXPECT_LE(10 * budgeted.calls, 11 * budgeted.requests);
    EXPECT_LE(budgeted.worst, 1.1);
    EXPECT_GT(budgeted.worst, 1.09);  // And the budget is used.
    Outage both;
    run(both, seed);
    EXPECT_LE(both.worst, 1.1);
    EXPECT_LT(both.calls, budgeted.calls * 3 / 4);
    // Without either it would be four calls a request in the outage.
    Outage naive{.has_budget = false, .has_breakers = false};
    run(naive, seed);
    EXPECT_GT(naive.worst, 3.99);
  }
}

TEST(RetryTest, HedgesOnlyInsideAMoneyBudget) {
  const HedgeQuestion good = {.is_repeatable = true,
                              .has_begun = false,
                              .waited = seconds(2),
                              .patience = seconds(2),
                              .expected = seconds(3),
                              .deadline = kStart + seconds(3),
                              .worst = Money(10),
                              .left = Money(10)};
  EXPECT_EQ(hedge(good, kStart), Hedge::kGo);
  const auto with = [&good](auto change) {
    HedgeQuestion other = good;
    change(other);
    return hedge(other, kStart);
  };
  EXPECT_EQ(with([](auto& q) { q.is_repeatable = false; }), Hedge::kNotRepeatable);
  EXPECT_EQ(with([](auto& q) { q.has_begun = true; }), Hedge::kHasBegun);
  EXPECT_EQ(with([](auto& q) { q.waited -= Duration(1); }), Hedge::kTooEarly);
  EXPECT_EQ(with([](auto& q) { q.deadline -= Duration(1); }), Hedge::kTooLate);
  EXPECT_EQ(with([](auto& q) { q.worst.reset(); }), Hedge::kUnpriced);
  EXPECT_EQ(with([](auto& q) { q.left = Money(9); }), Hedge::kOverBudget);
}

TEST(RetryTest, HedgesNeverCostMoreThanTheirBudget) {
  RandomStream random(RandomKey(3, 0, Purpose::kTest), 0);
  HedgeQuestion question = {.is_repeatable = true, .deadline = kStart, .left = Money(1'000)};
  Money paid;
  for (int i = 0; i < 1'000; ++i) {
    question.worst = Money(static_cast<std::int64_t>(random.below(50)));
    if (hedge(question, kStart) != Hedge::kGo) continue;
    question.left -= *question.worst;
    paid += *question.worst;
    ASSERT_LE(paid, Money(1'000));
  }
  EXPECT_GT(paid, Money(990));
}

}  // namespace
}  // namespace fare
