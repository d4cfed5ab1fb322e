#include "fare/block_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace fare {
namespace {

using Runs = std::vector<BlockRun>;
using Names = std::vector<std::uint64_t>;

Names names_of(BlockList blocks) {
  Names names;
  for (const BlockRun& run : blocks) {
    for (std::uint64_t i = 0; i < run.count; ++i) names.push_back(run.first + i);
  }
  return names;
}

// Few distinct names, cut into runs at random, so that lists often agree for a while.
Runs random_runs(RandomStream& random) {
  Runs runs;
  std::uint64_t at = random.below(2);
  for (std::uint64_t left = random.below(5); left > 0; --left) {
    const std::uint64_t count = 1 + random.below(3);
    runs.push_back({at, count});
    at += count + (random.below(3) == 0 ? 1 : 0);
  }
  return runs;
}

TEST(BlockRunTest, CommonPrefixIsThatOfTheNames) {
  const RandomKey key(7, 0, Purpose::kTest);
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    SCOPED_TRACE(i);
    RandomStream random(key, i);
    const Runs a = random_runs(random);
    const Runs b = random_runs(random);
    const Names x = names_of(a);
    const Names y = names_of(b);
    const auto parting = std::mismatch(x.begin(), x.end(), y.begin(), y.end()).first;
    ASSERT_EQ(common_prefix(a, b), static_cast<std::uint64_t>(parting - x.begin()));
    ASSERT_EQ(common_prefix(a, a), x.size());
    ASSERT_EQ(count_blocks(a), x.size());
  }
}

TEST(BlockRunTest, TheCursorJoinsRunsThatContinueEachOther) {
  const Runs runs = {{5, 2}, {7, 3}, {20, 1}};
  RunCursor cursor(runs);
  EXPECT_EQ(cursor.run(), (BlockRun{5, 5}));
  cursor.advance(3);
  EXPECT_EQ(cursor.run(), (BlockRun{8, 2}));
  cursor.advance(2);
  EXPECT_EQ(cursor.run(), (BlockRun{20, 1}));
  cursor.advance(1);
  EXPECT_EQ(cursor.run().count, 0u);
}

}  // namespace
}  // namespace fare
