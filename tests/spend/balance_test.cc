#include "fare/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>
#include <vector>

#include "base/random.h"
#include "fare/latency.h"

namespace fare {
namespace {

using std::chrono::seconds;

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();

std::vector<int> shares(const std::vector<TargetLoad>& targets, int draws) {
  RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
  std::vector<int> count(targets.size());
  for (int i = 0; i < draws; ++i) {
    const auto chosen = choose(targets, {random.uniform(), random.uniform()});
    count[chosen.value()] += 1;
  }
  return count;
}

TEST(BalanceTest, EqualsGetEqualShares) {
  for (const int count : shares(std::vector<TargetLoad>(5, {.latency = 1}), 100'000)) {
    EXPECT_NEAR(count, 20'000, 500);
  }
}

// Of n targets with different costs, the k-th best wins unless a better one is drawn beside it:
// 2 (n - k) / (n (n - 1)), k from 1.
TEST(BalanceTest, TheBetterOfTwoWins) {
  std::vector<TargetLoad> targets;
  for (int i = 0; i < 4; ++i) targets.push_back({.latency = 1.0 + i});
  const std::vector<int> count = shares(targets, 120'000);
  EXPECT_NEAR(count[0], 60'000, 1'000);
  EXPECT_NEAR(count[1], 40'000, 1'000);
  EXPECT_NEAR(count[2], 20'000, 1'000);
  EXPECT_EQ(count[3], 0);
}

TEST(BalanceTest, OpenRequestsAndRampsCount) {
  const TwoDraws draws = {0.0, 0.0};
  EXPECT_EQ(choose(std::vector<TargetLoad>{{.latency = 1, .open = 2}, {.latency = 2}}, draws), 1u);
  EXPECT_EQ(choose(std::vector<TargetLoad>{{.latency = 1, .open = 1}, {.latency = 2}}, draws), 0u);
  EXPECT_EQ(choose(std::vector<TargetLoad>{{.latency = 1, .share = 0.1}, {.latency = 2}}, draws),
            1u);
}

TEST(BalanceTest, WhoIsOutGetsNothingButProbes) {
  std::vector<TargetLoad> targets = {{.latency = 1, .share = 0}, {.latency = 9}, {.latency = 5}};
  const std::vector<int> count = shares(targets, 1'000);
  EXPECT_EQ(count[0], 0);
  EXPECT_EQ(count[2], 1'000);
  targets[0].wants_probe = true;
  EXPECT_EQ(shares(targets, 10)[0], 10);
  EXPECT_EQ(choose(std::vector<TargetLoad>{{.latency = 1, .share = 0}}, {0.5, 0.5}), std::nullopt);
  EXPECT_EQ(choose({}, {0.5, 0.5}), std::nullopt);
  EXPECT_EQ(choose(std::vector<TargetLoad>{{.latency = 1}}, {0.999, 0.999}), 0u);
}

// Goal: a cold target is not flooded: until its first answer it gets about as many requests as the
// others have, some 60.  If it passed for the fastest, it would win every draw: some 120.
// Method: 600 requests a second on nine servers that take a second each; then one joins cold.
TEST(BalanceTest, AColdTargetGetsAFairShare) {
  constexpr std::size_t kServers = 10;
  RandomStream random(RandomKey(2, 0, Purpose::kTest), 0);
  std::vector<DecayingPeak> peak(kServers, DecayingPeak(seconds(10)));
  std::array<TargetLoad, kServers> load{};
  using End = std::pair<Instant, std::size_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  std::array<int, kServers> sent{};
  Instant now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += Duration(static_cast<std::int64_t>(-std::log(random.uniform()) / 600 * 1e9));
    for (; !ends.empty() && ends.top().first <= now; ends.pop()) {
      load[ends.top().second].open -= 1;
      peak[ends.top().second].observe(1 + 0.2 * random.uniform(), ends.top().first);
    }
    const std::size_t servers = i < 10'000 ? kServers - 1 : kServers;
    std::vector<double> known;
    for (std::size_t s = 0; s + 1 < kServers; ++s) known.push_back(peak[s].value(1, now));
    const double prior = median(known).value();
    for (std::size_t s = 0; s < servers; ++s) load[s].latency = peak[s].value(prior, now);
    const std::size_t chosen =
        choose({load.data(), servers}, {random.uniform(), random.uniform()}).value();
    load[chosen].open += 1;
    sent[chosen] += i >= 10'000 && i < 10'600 ? 1 : 0;
    ends.emplace(now + seconds(1), chosen);
  }
  EXPECT_GT(sent[kServers - 1], 40);
  EXPECT_LT(sent[kServers - 1], 85);
}

}  // namespace
}  // namespace fare
