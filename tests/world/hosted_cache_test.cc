// Goal: the world's prompt cache bills as its vendor's rules say, and holds no more than it can.

#include "world/hosted_cache.h"

#include <gtest/gtest.h>

#include "study/fixture.h"

namespace routesim {
namespace {

using fare::Instant;
using fare::Meter;
using fare::Tokens;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kNow{};

// Prefixes of 4,096 tokens in 16 blocks; prompts of 5,120 tokens.
class Cache {
 public:
  explicit Cache(const std::string& rules, const nlohmann::json& more = {})
      : cache_(model_of(rules, more), "claude-haiku-5-5",
               fare::RandomKey(1, 0, fare::Purpose::kCacheLife)) {}

  CacheUse send(std::uint64_t prefix, Instant now, std::uint32_t tenant = 0) {
    const fare::BlockRun runs[] = {{prefix << 30, 16}, {(1ull << 62) + (own_++ << 20), 4}};
    const fare::CachePosition positions[] = {{16, Tokens(4'096)}, {20, Tokens(5'120)}};
    const fare::CacheBreakpoint breakpoints[] = {{0, fare::kPromptLifetime},
                                                 {1, fare::kPromptLifetime}};
    const Prompt prompt{.blocks = runs,
                        .block_tokens = Tokens(256),
                        .positions = positions,
                        .breakpoints = breakpoints};
    const CacheUse expected = cache_.look_up(prompt, Tokens(5'120), tenant, now);
    const CacheUse use = cache_.begin(prompt, Tokens(5'120), tenant, now);
    EXPECT_EQ(expected.read, use.read);
    EXPECT_EQ(expected.written, use.written);
    cache_.store(prompt, Tokens(5'120), tenant, use.machine, own_, now, now + seconds(1));
    return use;
  }

  HostedCache& cache() { return cache_; }

 private:
  static CacheModel model_of(const std::string& rules, const nlohmann::json& more) {
    nlohmann::json changes = {{"rules", rules}};
    if (!more.is_null()) changes.update(more);
    nlohmann::json json = small_scenario();
    json["start"] = "2026-11-23T00:00:00Z";
    json["prices"] = {source_path("pricing")};
    json["world"]["models"][0]["cache"] = changes;
    return *scenario_of(json).world.models[0].hosted.cache;
  }

  HostedCache cache_;
  std::uint64_t own_ = 0;
};

TEST(HostedCacheTest, ReadsWhatBreakpointsWroteUntilItsLifeEnds) {
  Cache cache("anthropic-5m");
  const CacheUse first = cache.send(1, kNow);
  EXPECT_EQ(first.read, Tokens(0));
  EXPECT_EQ(first.written, Tokens(5'120));
  EXPECT_EQ(cache.send(1, kNow + seconds(1) - fare::Duration(1)).read, Tokens(0))
      << "before its first token nothing is readable";
  const CacheUse second = cache.send(1, kNow + minutes(4));
  EXPECT_EQ(second.read, Tokens(4'096));
  EXPECT_EQ(second.written, Tokens(1'024));
  EXPECT_EQ(cache.send(1, kNow + minutes(8)).read, Tokens(4'096)) << "a read starts the life anew";
  EXPECT_EQ(cache.send(1, kNow + minutes(14)).read, Tokens(0));
  EXPECT_EQ(cache.send(2, kNow + minutes(14)).read, Tokens(0)) << "another prefix";
}

TEST(HostedCacheTest, AnHourThatIsPaidForLasts) {
  Cache cache("anthropic-1h");
  cache.send(1, kNow);
  EXPECT_EQ(cache.send(1, kNow + minutes(59)).read, Tokens(4'096));
  EXPECT_EQ(cache.send(1, kNow + minutes(118)).read, Tokens(4'096));
  EXPECT_EQ(cache.send(1, kNow + minutes(179)).read, Tokens(0));
}

TEST(HostedCacheTest, WritesAreBilledAsTheirVendorNamesThem) {
  EXPECT_EQ(Cache("anthropic-5m").cache().write_meter(), Meter::kCacheWrite5m);
  EXPECT_EQ(Cache("anthropic-1h").cache().write_meter(), Meter::kCacheWrite1h);
  EXPECT_EQ(Cache("openai-5.6").cache().write_meter(), Meter::kCacheWrite5m);
  EXPECT_EQ(Cache("openai-128").cache().write_meter(), Meter::kInput)
      << "what costs as much as input is input";
}

TEST(HostedCacheTest, TenantsReadOnlyTheirOwnIfTheyAreKeptApart) {
  Cache shared("anthropic-5m");
  Cache apart("anthropic-5m", {{"by_tenant", true}});
  shared.send(1, kNow, 0);
  apart.send(1, kNow, 0);
  EXPECT_EQ(shared.send(1, kNow + seconds(10), 1).read, Tokens(4'096));
  EXPECT_EQ(apart.send(1, kNow + seconds(10), 1).read, Tokens(0));
  EXPECT_EQ(apart.send(1, kNow + seconds(20), 0).read, Tokens(4'096));
}

// Goal: what a bounded cache has evicted is not read, whatever the rules say.
TEST(HostedCacheTest, WhatIsEvictedIsNotRead) {
  Cache bounded("anthropic-1h", {{"capacity_blocks", 50}, {"eviction", "lru-flat"}});
  Cache endless("anthropic-1h");
  bounded.send(1, kNow);
  endless.send(1, kNow);
  EXPECT_EQ(bounded.send(1, kNow + seconds(10)).read, Tokens(4'096));
  for (std::uint64_t prefix = 2; prefix < 6; ++prefix) {
    bounded.send(prefix, kNow + seconds(10 * prefix));
    endless.send(prefix, kNow + seconds(10 * prefix));
  }
  const CacheUse cold = bounded.send(1, kNow + minutes(2));
  EXPECT_EQ(cold.read, Tokens(0));
  EXPECT_EQ(cold.written, Tokens(5'120));
  EXPECT_EQ(endless.send(1, kNow + minutes(2)).read, Tokens(4'096));
}

// Of a prefix that may be cut anywhere what is left is read: with 18 blocks and tails that go first
// the first prompt keeps its beginning.
TEST(HostedCacheTest, WhatIsLeftOfAnyPrefixIsRead) {
  Cache cache("openai-128", {{"capacity_blocks", 18}, {"eviction", "lru-rev"}});
  cache.send(1, kNow);
  const CacheUse use = cache.send(1, kNow + seconds(10));
  EXPECT_GE(use.read, Tokens(1'024));
  EXPECT_LE(use.read, Tokens(4'096));
  EXPECT_EQ(use.read.count() % 128, 0);
  EXPECT_EQ(use.read + use.written, Tokens(5'120));
}

// The same beginning is left here, but an entry is read whole or not at all.
TEST(HostedCacheTest, OfAnEntryThatIsReadWholeNoPartIsRead) {
  Cache cache("anthropic-1h", {{"capacity_blocks", 12}, {"eviction", "lru-rev"}});
  for (int i = 0; i < 5; ++i) {
    const CacheUse use = cache.send(1, kNow + seconds(10) * i);
    EXPECT_EQ(use.read, Tokens(0));
    EXPECT_EQ(use.written, Tokens(5'120));
  }
  Cache any("openai-128", {{"capacity_blocks", 12}, {"eviction", "lru-rev"}});
  any.send(1, kNow);
  EXPECT_GT(any.send(1, kNow + seconds(10)).read, Tokens(0));
}

TEST(HostedCacheTest, AboveItsRateAPrefixSpillsToAColdMachine) {
  Cache cache("openai-5.6");
  int cold = 0;
  for (int i = 0; i < 40; ++i) {
    // look_up() knows the first machine only, so the uses are compared by hand here.
    const fare::BlockRun runs[] = {{1ull << 30, 16}};
    const fare::CachePosition positions[] = {{16, Tokens(4'096)}};
    const Prompt prompt{
        .blocks = runs, .block_tokens = Tokens(256), .positions = positions, .breakpoints = {}};
    const Instant now = kNow + seconds(1) * i;
    const CacheUse use = cache.cache().begin(prompt, Tokens(4'096), 0, now);
    cache.cache().store(prompt, Tokens(4'096), 0, use.machine, 0, now, now + seconds(0));
    cold += use.read == Tokens(0) ? 1 : 0;
  }
  EXPECT_GT(cold, 1);
}

TEST(HostedCacheTest, SaysWhatIsWrongAndWhere) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][0]["cache"] = {{"rules", "anthropic-5m"}};
  auto scenario = load_json(json);
  ASSERT_FALSE(scenario);
  EXPECT_NE(fare::to_text(scenario.error()).find("cache/rules: needs cache rules"),
            std::string::npos)
      << fare::to_text(scenario.error());
  json["prices"] = {source_path("pricing")};
  json["world"]["models"][0]["cache"] = {{"rules", "anthropic-6m"}, {"eviction", "optimal"}};
  scenario = load_json(json);
  ASSERT_FALSE(scenario);
  const std::string errors = fare::to_text(scenario.error());
  EXPECT_NE(errors.find("anthropic-6m"), std::string::npos) << errors;
  EXPECT_NE(errors.find("cache/eviction: must be one of"), std::string::npos) << errors;
}

}  // namespace
}  // namespace routesim
