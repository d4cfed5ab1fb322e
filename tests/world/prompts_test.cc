// Goal: synthetic prompts share what they should, and nothing else, whatever the names of blocks.

#include "world/prompts.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(PromptsTest, BreakpointsStandAtTheEndOfThePrefixAndOfThePrompt) {
  SyntheticPrompts prompts({.prefix_tokens = Tokens(200), .block_tokens = Tokens(64)}, 1, 0);
  const Prompt longer = prompts.of(0, Tokens(1'000));
  ASSERT_EQ(longer.positions.size(), 2u);
  EXPECT_EQ(longer.positions[0].blocks, 3u);
  EXPECT_EQ(longer.positions[0].tokens, Tokens(192));
  EXPECT_EQ(longer.positions[1].blocks, 16u);
  EXPECT_EQ(longer.positions[1].tokens, Tokens(1'000));
  EXPECT_EQ(longer.breakpoints.size(), 2u);
  const Prompt shorter = prompts.of(1, Tokens(50));  // Less than a block: nothing is shared.
  ASSERT_EQ(shorter.positions.size(), 1u);
  EXPECT_EQ(shorter.positions[0].blocks, 1u);
  EXPECT_EQ(shorter.breakpoints.size(), 1u);
}

TEST(PromptsTest, AHugePromptKeepsToItsOwnNames) {
  SyntheticPrompts prompts({}, 1, 0);
  const auto a = runs_of(prompts, 0, Tokens(fare::kTokensMax));
  const auto b = runs_of(prompts, 1, Tokens(10));
  EXPECT_LE(a.back().first + a.back().count, b.back().first);
}

}  // namespace
}  // namespace routesim
