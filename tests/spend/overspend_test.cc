#include "fare/overspend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "spend/fixture.h"

namespace fare {
namespace {

// Goal: expected mode stays within its stated bound in at least 99 % of 1,000 runs.
// Method: a real ledger; output lengths are exponential, cut off at the cap; what is reserved is
// the quantile learned from 2,000 lengths before; 200 requests are open at a time, and they settle
// in random order until the budget is exhausted and all are closed.
TEST(OverspendTest, ExpectedModeStaysWithinItsBound) {
  constexpr std::size_t kOpen = 200;
  constexpr std::int64_t kCap = 8'000;
  constexpr double kQuantile = 0.9;
  for (const double mean : {300.0, 2'000.0}) {
    int within = 0;
    int exceeded = 0;
    for (std::uint64_t run = 0; run < 1'000; ++run) {
      RandomStream random(RandomKey(run, 0, Purpose::kTest), static_cast<std::uint64_t>(mean));
      const auto cost = [&] {
        const double length = -mean * std::log(random.uniform());
        return std::min(kCap, static_cast<std::int64_t>(length) + 1);
      };
      std::vector<std::int64_t> learned(2'000);
      for (std::int64_t& one : learned) one = cost();
      // One above the empirical quantile's rank: the true one is at least the named one with more
      // than even odds; the bound is asked for a quantile of one percent less.
      const auto at = learned.begin() + static_cast<std::ptrdiff_t>(kQuantile * 2'000);
      std::nth_element(learned.begin(), at, learned.end());
      const Money expected(*at);
      Budget budget = budget_of("m", Money(1'000'000));
      budget.mode = BudgetMode::kExpected;
      const auto ledger = ledger_of(config_of({budget}));
      const ScopeId scopes[] = {ledger->find("a")};
      std::vector<LedgerTicket> open;
      bool is_exhausted = false;
      while (!is_exhausted || !open.empty()) {
        if (!is_exhausted && open.size() < kOpen) {
          const Reservation done = ledger->reserve({scopes, Money(kCap), expected}, kNow);
          is_exhausted = done.status != ReserveStatus::kReserved;
          if (!is_exhausted) open.push_back(done.ticket);
          continue;
        }
        std::swap(open[random.below(open.size())], open.back());
        ledger->settle(open.back(), Money(cost()), kNow);
        open.pop_back();
      }
      const Money over = line_of(*ledger, "a", "m").settled - budget.limit;
      const Money bound = overspend_bound({kOpen, kQuantile - 0.01, Money(kCap) - expected}, 0.99);
      within += over <= bound ? 1 : 0;
      exceeded += over > Money() ? 1 : 0;
    }
    EXPECT_GE(within, 990) << "mean " << mean << ", exceeded at all in " << exceeded;
  }
}

// Goal: the bound on how many exceed is one, and not a wild one.
// Method: against the exact binomial tail.
TEST(OverspendTest, BoundsTheBinomialTail) {
  for (const std::uint64_t count : {1u, 10u, 200u, 5'000u}) {
    for (const double quantile : {0.5, 0.9, 0.99}) {
      for (const double confidence : {0.9, 0.99, 0.9999}) {
        const std::int64_t bound = overspend_bound({count, quantile, Money(1)}, confidence).count();
        double tail = 0;
        std::int64_t exact = static_cast<std::int64_t>(count);
        for (; exact >= 0; --exact) {
          const double k = static_cast<double>(exact);
          const double n = static_cast<double>(count);
          tail += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                           k * std::log(1 - quantile) + (n - k) * std::log(quantile));
          if (tail > 1 - confidence) break;
        }
        EXPECT_GE(bound, exact) << count << " " << quantile << " " << confidence;
        EXPECT_LE(bound, 2 * exact + 12) << count << " " << quantile << " " << confidence;
      }
    }
  }
}

TEST(OverspendTest, CertainCasesAreExact) {
  EXPECT_EQ(overspend_bound({100, 1, dollars(1)}, 0.5), dollars(1));
  EXPECT_EQ(overspend_bound({0, 0.9, dollars(1)}, 0.99), Money());
  EXPECT_EQ(overspend_bound({100, 0, dollars(1)}, 0.99), dollars(100));
  EXPECT_EQ(overspend_bound({100, 0.9, Money()}, 0.99), Money());
}

}  // namespace
}  // namespace fare
