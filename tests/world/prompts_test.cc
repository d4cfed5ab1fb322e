// Goal: synthetic prompts share what they should, and nothing else, whatever the names of blocks.

#include "world/prompts.h"

#include <gtest/gtest.h>

#include <vector>

#include "study/fixture.h"
#include "world/hosted_cache.h"

namespace routesim {
namespace {

using fare::Tokens;

std::vector<fare::BlockRun> runs_of(SyntheticPrompts& prompts, std::uint64_t index, Tokens input) {
  const Prompt prompt = prompts.of(index, input);
  return {prompt.blocks.begin(), prompt.blocks.end()};
}

TEST(PromptsTest, ShareTheWholeBlocksOfTheirPrefixAndNothingElse) {
  for (const bool hashed : {false, true}) {
    SCOPED_TRACE(hashed);
    SyntheticPrompts prompts({.prefixes = 3,
                              .prefix_tokens = Tokens(1'000),
                              .block_tokens = Tokens(64),
                              .hashed = hashed},
                             1, 0);
    int alike = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const auto a = runs_of(prompts, i, Tokens(1'500));
      const auto b = runs_of(prompts, i + 100, Tokens(2'000));
      ASSERT_EQ(fare::count_blocks(a), 24u);  // 1,500 / 64, rounded up.
      const std::uint64_t common = fare::common_prefix(a, b);
      ASSERT_TRUE(common == 0 || common == 15) << common;  // 1,000 / 64, rounded down.
      alike += common > 0 ? 1 : 0;
    }
    EXPECT_NEAR(alike, 33, 20);
  }
}

TEST(PromptsTest, APromptIsThatOfItsRequestWhateverWasAskedBefore) {
  const PromptMix mix{
      .prefixes = 50, .zipf_exponent = 1, .prefix_tokens = Tokens(256), .block_tokens = Tokens(32)};
  SyntheticPrompts one(mix, 1, 0);
  SyntheticPrompts two(mix, 1, 0);
  for (std::uint64_t i = 0; i < 20; ++i) runs_of(two, i, Tokens(10));
  EXPECT_EQ(runs_of(one, 7, Tokens(500)), runs_of(two, 7, Tokens(500)));
}

TEST(PromptsTest, ABreakpointStandsAtTheEndOfWhatIsShared) {
  SyntheticPrompts prompts({.prefix_tokens = Tokens(200), .block_tokens = Tokens(64)}, 1, 0);
  const Prompt longer = prompts.of(0, Tokens(1'000));
  ASSERT_EQ(longer.positions.size(), 2u);
  EXPECT_EQ(longer.positions[0].blocks, 3u);
  EXPECT_EQ(longer.positions[0].tokens, Tokens(192));
  EXPECT_EQ(longer.positions[1].blocks, 16u);
  EXPECT_EQ(longer.positions[1].tokens, Tokens(1'000));
  ASSERT_EQ(longer.breakpoints.size(), 1u);
  EXPECT_EQ(longer.breakpoints[0].position, 0u);
  const Prompt shorter = prompts.of(1, Tokens(50));  // Less than a block: nothing is shared.
  ASSERT_EQ(shorter.positions.size(), 2u);
  EXPECT_EQ(shorter.positions[0].blocks, 0u);
  EXPECT_EQ(shorter.positions[1].blocks, 1u);
}

// Goal: blocks that nobody reads again change no bill, but of bounded caches and of whole units.
TEST(PromptsTest, OwnBlocksChangeNoBillOfOtherPrefixes) {
  for (const char* rules : {"anthropic-5m", "openai-5.6", "openai-128-5m"}) {
    SCOPED_TRACE(rules);
    nlohmann::json json = small_scenario();
    json["prices"] = {source_path("pricing")};
    json["world"]["models"][0]["cache"] = {{"rules", rules}};
    const CacheModel model = *scenario_of(json).world.models[0].hosted.cache;
    const fare::RandomKey life(1, 0, fare::Purpose::kCacheLife);
    HostedCache all(model, "m", life);
    HostedCache shared(model, "m", life);
    PromptMix mix{.prefixes = 20, .prefix_tokens = Tokens(4'096), .block_tokens = Tokens(128)};
    SyntheticPrompts with(mix, 1, 0);
    mix.own_blocks = false;
    SyntheticPrompts without(mix, 1, 0);
    fare::RandomStream random(fare::RandomKey(1, 0, fare::Purpose::kTest), 0);
    std::int64_t read = 0;
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      const Tokens input(static_cast<std::int64_t>(1 + random.below(10'000)));
      const fare::Instant now{std::chrono::seconds(i)};
      const Prompt a = with.of(i, input);
      const Prompt b = without.of(i, input);
      const CacheUse one = all.begin(a, input, 0, now);
      const CacheUse two = shared.begin(b, input, 0, now);
      ASSERT_EQ(one.read, two.read) << i;
      ASSERT_EQ(one.written, two.written) << i;
      all.store(a, input, 0, one.machine, i, now, now);
      shared.store(b, input, 0, two.machine, i, now, now);
      read += one.read.count();
    }
    EXPECT_GT(read, 1'000'000);
  }
}

TEST(PromptsTest, AHugePromptKeepsToItsOwnNames) {
  SyntheticPrompts prompts({}, 1, 0);
  const auto a = runs_of(prompts, 0, Tokens(fare::kTokensMax));
  const auto b = runs_of(prompts, 1, Tokens(10));
  EXPECT_LE(a.back().first + a.back().count, b.back().first);
}

}  // namespace
}  // namespace routesim
