#include "fare/allocation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace fare {
namespace {

std::optional<Cost> cost(std::int64_t count) { return Cost(count); }

TEST(AllocationTest, ServesEachClassWhereItIsCheapestIfThereIsRoom) {
  const AllocationQuestion question{
      {100, 50}, {std::nullopt, std::nullopt}, {cost(3), cost(10), std::nullopt, cost(20)}};
  const Allocation allocation = allocate(question);
  EXPECT_TRUE(allocation.is_feasible);
  EXPECT_EQ(allocation.cost, Cost(100 * 3 + 50 * 20));
  EXPECT_EQ(allocation.flow, (std::vector<std::int64_t>{100, 0, 0, 50}));
}

TEST(AllocationTest, GivesScarceRoomToWhomItSavesMost) {
  // The cheap target has room for 60; the second class saves 15 a request there, the first 7.
  const AllocationQuestion question{
      {100, 50}, {60, std::nullopt}, {cost(3), cost(10), cost(5), cost(20)}};
  const Allocation allocation = allocate(question);
  EXPECT_TRUE(allocation.is_feasible);
  EXPECT_EQ(allocation.flow, (std::vector<std::int64_t>{10, 90, 50, 0}));
  EXPECT_EQ(allocation.cost, Cost(10 * 3 + 90 * 10 + 50 * 5));
}

TEST(AllocationTest, SaysHowMuchHasNoRoom) {
  const AllocationQuestion question{{100, 50}, {30}, {cost(3), cost(1)}};
  const Allocation allocation = allocate(question);
  EXPECT_FALSE(allocation.is_feasible);
  EXPECT_EQ(allocation.unserved, 120);
  EXPECT_EQ(allocation.cost, Cost(30)) << "as much as can be, as cheap as can be";
  EXPECT_FALSE(allocate({{5}, {10}, {std::nullopt}}).is_feasible) << "nobody may serve it";
  EXPECT_TRUE(allocate({{0}, {0}, {cost(1)}}).is_feasible) << "nothing to serve";
  EXPECT_TRUE(allocate({{}, {}, {}}).is_feasible);
}

TEST(AllocationTest, CountsTokensAsTheShortestRequestTakesThem) {
  EXPECT_EQ(capacity_of_tokens(1'000, 300), 3);
  EXPECT_EQ(capacity_of_tokens(0, 7), 0);
}

TEST(AllocationTest, StaysExactForLargeNumbers) {
  const std::int64_t most = 1'000'000'000'000;
  const std::int64_t dear = 10'000'000'000'000'000;
  const Allocation allocation =
      allocate({{most, most}, {most, most}, {cost(dear), cost(dear - 1), cost(dear), cost(dear)}});
  EXPECT_TRUE(allocation.is_feasible);
  EXPECT_EQ(allocation.cost, Cost(Int128{dear} * most * 2 - most));
}

// Goal: no allocation of whole requests serves more, or as much for less.
// Method: random small instances against every way to hand out the requests, one at a time.
struct BruteForce {
  const AllocationQuestion& question;
  std::vector<std::int64_t> left{};  // By target.
  std::int64_t most = -1;
  Cost least{};

  void go(std::size_t c, std::int64_t requests, std::int64_t served, Cost cost) {
    if (c == question.requests.size()) {
      if (served > most || (served == most && cost < least)) {
        most = served;
        least = cost;
      }
      return;
    }
    if (requests == 0) {
      go(c + 1, c + 1 < question.requests.size() ? question.requests[c + 1] : 0, served, cost);
      return;
    }
    go(c, requests - 1, served, cost);  // This one is not served.
    for (std::size_t t = 0; t < left.size(); ++t) {
      const auto& price = question.cost[c * left.size() + t];
      if (!price || left[t] == 0) continue;
      --left[t];
      go(c, requests - 1, served + 1, cost + *price);
      ++left[t];
    }
  }
};

TEST(AllocationTest, CostsWhatBruteForceFinds) {
  const RandomKey key(5, 0, Purpose::kTest);
  int feasible = 0;
  for (std::uint64_t seed = 0; seed < 1'500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(key, seed);
    AllocationQuestion question;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      question.requests.push_back(static_cast<std::int64_t>(random.below(4)));
    }
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      question.capacity.emplace_back(static_cast<std::int64_t>(random.below(5)));
      if (random.below(4) == 0) question.capacity.back().reset();
    }
    for (std::size_t i = 0; i < question.requests.size() * question.capacity.size(); ++i) {
      question.cost.push_back(Cost(static_cast<Int128>(random.below(12))));
      if (random.below(4) == 0) question.cost.back().reset();
    }
    BruteForce all{question, {}};
    for (const auto& capacity : question.capacity) all.left.push_back(capacity.value_or(100));
    all.go(0, question.requests[0], 0, Cost());
    const Allocation allocation = allocate(question);
    ASSERT_EQ(allocation.cost, all.least);
    std::int64_t wanted = 0;
    for (const std::int64_t requests : question.requests) wanted += requests;
    ASSERT_EQ(allocation.unserved, wanted - all.most);
    ASSERT_EQ(allocation.is_feasible, allocation.unserved == 0);
    feasible += allocation.is_feasible;
    // What it hands out keeps every limit.
    const std::size_t targets = question.capacity.size();
    for (std::size_t t = 0; t < targets; ++t) {
      std::int64_t sum = 0;
      for (std::size_t c = 0; c < question.requests.size(); ++c) {
        const std::int64_t flow = allocation.flow[c * targets + t];
        ASSERT_GE(flow, 0);
        ASSERT_TRUE(flow == 0 || question.cost[c * targets + t]);
        sum += flow;
      }
      ASSERT_LE(sum, question.capacity[t].value_or(100));
    }
  }
  EXPECT_GT(feasible, 300);
  EXPECT_LT(feasible, 1'200);
}

}  // namespace
}  // namespace fare
