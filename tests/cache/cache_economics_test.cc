#include "fare/cache_economics.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Claude Sonnet 5 in 2026: $2 a million, read $0.20, written for five minutes $2.50.
constexpr CachePrices kFiveMinutes{
    .plain = Rate(2'000'000), .read = Rate(200'000), .write = Rate(2'500'000), .storage = Rate(0)};
constexpr CachePrices kOneHour{
    .plain = Rate(2'000'000), .read = Rate(200'000), .write = Rate(4'000'000), .storage = Rate(0)};
// A vendor at half the price that charges nothing for writing.
constexpr CachePrices kCheap{
    .plain = Rate(1'000'000), .read = Rate(100'000), .write = Rate(1'000'000), .storage = Rate(0)};

CacheRules two_lifetimes() {
  CacheRules rules;
  rules.read_ppm = 100'000;
  rules.lifetimes = {
      {.name = "5m", .ttl = minutes(5), .ttl_max = minutes(5), .write_ppm = 1'250'000},
      {.name = "1h", .ttl = hours(1), .ttl_max = hours(1), .write_ppm = 2'000'000}};
  return rules;
}

TEST(CacheEconomicsTest, RulesMakePricesOfAnInputPrice) {
  const CachePrices prices = prices_from(two_lifetimes(), 1, Rate(2'000'000));
  EXPECT_EQ(prices.read, kOneHour.read);
  EXPECT_EQ(prices.write, kOneHour.write);
  EXPECT_EQ(prices.plain, kOneHour.plain);
}

// $0.23 for 100,000 warm tokens: 2.50 - 0.20 dollars a million.
TEST(CacheEconomicsTest, AWarmPrefixIsWorthWhatItSavesTheNextRequest) {
  EXPECT_EQ(to_usd(warm_value(Tokens(100'000), kFiveMinutes)), "0.23");
  EXPECT_EQ(warm_value(Tokens(100'000), kFiveMinutes),
            input_cost(Tokens(120'000), Tokens(0), kFiveMinutes) -
                input_cost(Tokens(120'000), Tokens(100'000), kFiveMinutes));
}

// The slow model of a session: one request after the other.
Cost session_by_steps(const SessionAhead& ahead, Tokens warm, const CachePrices& prices) {
  Cost cost;
  Tokens input = ahead.input;
  for (std::int64_t i = 0; i < ahead.requests; ++i) {
    cost += input_cost(input, warm, prices);
    warm = input;
    input += ahead.growth;
  }
  return cost;
}

TEST(CacheEconomicsTest, ASessionCostsTheSumOfItsRequests) {
  const RandomKey key(5, 0, Purpose::kTest);
  for (std::uint64_t i = 0; i < 500; ++i) {
    RandomStream random(key, i);
    const Tokens input(static_cast<std::int64_t>(random.below(1'000'000)));
    const SessionAhead ahead{.input = input,
                             .growth = Tokens(static_cast<std::int64_t>(random.below(9'000))),
                             .requests = 1 + static_cast<std::int64_t>(random.below(60))};
    const Tokens warm(
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(input.count()) + 1)));
    ASSERT_EQ(session_cost(ahead, warm, kFiveMinutes), session_by_steps(ahead, warm, kFiveMinutes));
  }
}

// 100,000 tokens, warm here, cold there at half the price.  Here a request reads for $0.02; there
// the first writes for $0.10 and the others read for $0.01: after 9 requests it is even.
TEST(CacheEconomicsTest, ASwitchIsRegrettedUntilItPays) {
  const CacheSide stay{Tokens(100'000), kFiveMinutes};
  const CacheSide go{Tokens(0), kCheap};
  SessionAhead ahead{.input = Tokens(100'000), .growth = Tokens(0), .requests = 1};
  EXPECT_EQ(to_usd(switch_regret(ahead, stay, go)), "0.08");
  ahead.requests = 8;
  EXPECT_EQ(to_usd(switch_regret(ahead, stay, go)), "0.01");
  ahead.requests = 9;
  EXPECT_EQ(to_usd(switch_regret(ahead, stay, go)), "0");
  EXPECT_EQ(switch_break_even(ahead, stay, go, 100), 9);
  EXPECT_EQ(switch_break_even(ahead, stay, go, 8), std::nullopt);
  EXPECT_EQ(switch_break_even(ahead, go, stay, 100), std::nullopt) << "the dearer one never pays";
  EXPECT_EQ(switch_regret(ahead, stay, stay), Cost()) << "A against A is nothing";
}

TEST(CacheEconomicsTest, ASwitchBreaksEvenWhereTheRegretChangesItsSign) {
  const RandomKey key(6, 0, Purpose::kTest);
  int found = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    RandomStream random(key, i);
    const auto rate = [&] { return Rate(1 + static_cast<std::int64_t>(random.below(5'000'000))); };
    const CacheSide stay{Tokens(50'000), {rate(), rate(), rate(), Rate(0)}};
    const CacheSide go{Tokens(0), {rate(), rate(), rate(), Rate(0)}};
    SessionAhead ahead{.input = Tokens(50'000), .growth = Tokens(100), .requests = 1};
    const auto even = switch_break_even(ahead, stay, go, 200);
    for (ahead.requests = even.value_or(200); ahead.requests <= 200; ++ahead.requests) {
      ASSERT_EQ(switch_regret(ahead, stay, go) <= Cost(), even.has_value());
    }
    found += even.has_value() && *even > 1;
    if (!even || *even == 1) continue;
    ahead.requests = *even - 1;
    EXPECT_GT(switch_regret(ahead, stay, go), Cost());
  }
  EXPECT_GT(found, 20);
}

// 1.25 + 2 * 0.1 < 2 * 1.25, but 1.25 + 0.1 > 1.25; for an hour 2 + 2 * 0.1 < 4 too.
TEST(CacheEconomicsTest, PreWarmingPaysFromTheSecondRequestAtOnce) {
  EXPECT_EQ(pre_warm_break_even(kFiveMinutes), 2);
  EXPECT_EQ(pre_warm_break_even(kOneHour), 2);
  const CachePrices half{.plain = Rate(10), .read = Rate(5), .write = Rate(10), .storage = Rate(0)};
  EXPECT_EQ(pre_warm_break_even(half), 3) << "at two it is even";
  const CachePrices none{
      .plain = Rate(10), .read = Rate(10), .write = Rate(10), .storage = Rate(0)};
  EXPECT_EQ(pre_warm_break_even(none), std::nullopt);
}

// 11 reads cost 1.1, one more than writing anew saves: 1.25 - 0.1 = 1.15.
TEST(CacheEconomicsTest, AnEntryIsKeptAliveForSoManyReads) {
  EXPECT_EQ(keep_alive_reads(kFiveMinutes), 11);
  EXPECT_EQ(keep_alive_reads(kOneHour), 19);
  const CachePrices none{
      .plain = Rate(10), .read = Rate(20), .write = Rate(10), .storage = Rate(0)};
  EXPECT_EQ(keep_alive_reads(none), 0);
}

TEST(CacheEconomicsTest, TheBestLifetimeDependsOnTheGaps) {
  const CacheRules rules = two_lifetimes();
  const std::vector<Duration> quick(10, seconds(20));
  EXPECT_EQ(best_lifetime(rules, quick).lifetime, 0);
  EXPECT_EQ(best_lifetime(rules, quick).cost_ppm, 1'250'000 + 10 * 100'000);
  const std::vector<Duration> slow(10, minutes(20));
  const LifetimeChoice hour = best_lifetime(rules, slow);
  EXPECT_EQ(hour.lifetime, 1);
  EXPECT_EQ(hour.reads, 10);
  EXPECT_EQ(hour.writes, 1);
  EXPECT_EQ(hour.cost_ppm, 2'000'000 + 10 * 100'000);
  EXPECT_EQ(lifetime_cost(rules, 0, slow).cost_ppm, 11 * 1'250'000);
  // Nobody comes back within the hour: then the cheaper write wins.
  EXPECT_EQ(best_lifetime(rules, std::vector<Duration>(10, hours(2))).lifetime, 0);
  // Exactly at the end of a life it is still there.
  EXPECT_EQ(lifetime_cost(rules, 0, std::vector<Duration>{minutes(5)}).reads, 1);
  EXPECT_EQ(lifetime_cost(rules, 0, std::vector<Duration>{minutes(5) + Duration(1)}).reads, 0);
}

// OpenAI: L* = M (r + (w - r) / N) = 1024 (0.1 + 1.15 / 10) = 220.16.
TEST(CacheEconomicsTest, PaddingBreaksEvenAt221Tokens) {
  const CachePrices openai{.plain = Rate(1'000'000),
                           .read = Rate(100'000),
                           .write = Rate(1'250'000),
                           .storage = Rate(0)};
  EXPECT_EQ(padding_break_even(Tokens(1'024), 10, openai), Tokens(221));
  EXPECT_EQ(padding_break_even(Tokens(1'024), 1, openai), Tokens(1'024)) << "never for one use";
  // At that length the padded prompt is no dearer, one token below it is.
  for (const std::int64_t uses : {2, 3, 7, 50, 1'000}) {
    const Tokens length = padding_break_even(Tokens(1'024), uses, openai);
    const auto times = [uses](Cost cost, std::int64_t less) {
      return Cost(cost.count() * (uses - less));
    };
    const Cost padded = openai.write * Tokens(1'024) + times(openai.read * Tokens(1'024), 1);
    EXPECT_LE(padded, times(openai.plain * length, 0)) << uses;
    EXPECT_GT(padded, times(openai.plain * (length - Tokens(1)), 0)) << uses;
  }
}

// $4.50 for a million tokens and hour.
TEST(CacheEconomicsTest, KeepingCostsByTheTokenAndHour) {
  CachePrices prices = kCheap;
  prices.storage = Rate(4'500'000);
  EXPECT_EQ(to_usd(storage_cost(Tokens(1'000'000), hours(1), prices)), "4.5");
  EXPECT_EQ(to_usd(storage_cost(Tokens(200'000), minutes(90), prices)), "1.35");
  EXPECT_EQ(storage_cost(Tokens(1), Duration(1), prices), Cost(1)) << "never free";
  EXPECT_EQ(storage_cost(Tokens(1), hours(1), kCheap), Cost(0));
}

}  // namespace
}  // namespace fare
