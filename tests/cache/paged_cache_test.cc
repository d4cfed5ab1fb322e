#include "fare/paged_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "cache/fixture.h"
#include "fare/block_cache.h"

namespace fare {
namespace {

using testing::ElementsAre;

// vLLM, docs/design/prefix_caching.md, "Example": blocks of 4 tokens, 10 pages.
TEST(PagedCacheTest, WalksThroughTheExampleOfVllm) {
  PagedCache cache(10);
  PagedCache::Table zero;
  PagedCache::Table one;
  PagedCache::Table two;
  // Time 1: 15 tokens, 3 full blocks and one of 3 tokens.
  EXPECT_EQ(cache.start(runs_of({1, 2, 3}), 4, zero), 0u);
  EXPECT_THAT(zero, ElementsAre(0, 1, 2, 3));
  // Time 3: block 3 is full, and decoding asks for one more.
  cache.fill(zero, 3, 4);
  EXPECT_TRUE(cache.grow(zero));
  EXPECT_THAT(zero, ElementsAre(0, 1, 2, 3, 4));
  // Time 4: 14 tokens, of which 10 are the same: the third block matches by half.
  EXPECT_EQ(cache.start(runs_of({1, 2, 20}), 4, one), 2u);
  EXPECT_THAT(one, ElementsAre(0, 1, 5, 6));
  // Times 5 and 6: request 0 has finished, then request 1.
  cache.finish(zero);
  EXPECT_THAT(cache.free_queue(), ElementsAre(7, 8, 9, 4, 3, 2));
  cache.finish(one);
  EXPECT_THAT(cache.free_queue(), ElementsAre(7, 8, 9, 4, 3, 2, 6, 5, 1, 0));
  // Time 7: 29 tokens, of which 12 are those of request 0.
  EXPECT_EQ(cache.match(runs_of({1, 2, 3, 4})), 4u);
  EXPECT_EQ(cache.start(runs_of({1, 2, 3, 30, 31, 32, 33}), 8, two), 3u);
  EXPECT_THAT(two, ElementsAre(0, 1, 2, 7, 8, 9, 4, 3));
  EXPECT_THAT(cache.free_queue(), ElementsAre(6, 5));
  EXPECT_EQ(cache.match(runs_of({1, 2, 3, 4})), 3u) << "page 3 was evicted";
}

// "Duplicated blocks": the same request again fills a page with what another page holds.
TEST(PagedCacheTest, KeepsTwoPagesOfOneBlock) {
  PagedCache cache(4);
  PagedCache::Table one;
  PagedCache::Table two;
  EXPECT_EQ(cache.start(runs_of({1}), 2, one), 0u);
  cache.fill(one, 1, 2);
  EXPECT_EQ(cache.start(runs_of({1}), 2, two), 1u);
  EXPECT_THAT(two, ElementsAre(0, 2));
  cache.fill(two, 1, 2);
  cache.finish(one);
  EXPECT_THAT(cache.free_queue(), ElementsAre(3, 1));
  PagedCache::Table other;
  EXPECT_EQ(cache.start(runs_of({8, 9}), 2, other), 0u);
  EXPECT_EQ(cache.match(runs_of({1, 2})), 2u) << "page 1 went, page 2 holds the block still";
  cache.finish(two);
  PagedCache::Table last;
  EXPECT_EQ(cache.start(runs_of({7}), 1, last), 0u);
  EXPECT_EQ(cache.match(runs_of({1, 2})), 1u);
}

TEST(PagedCacheTest, RefusesWhatDoesNotFitAndChangesNothing) {
  PagedCache cache(4);
  PagedCache::Table one;
  PagedCache::Table two;
  EXPECT_EQ(cache.start(runs_of({1, 2}), 3, one), 0u);
  cache.finish(one);
  const std::vector<std::uint32_t> before = cache.free_queue();
  EXPECT_EQ(cache.start(runs_of({1, 2}), 5, two), std::nullopt);
  EXPECT_TRUE(two.empty());
  EXPECT_EQ(cache.free_queue(), before);
  EXPECT_EQ(cache.start(runs_of({1, 2}), 4, two), 2u);
  EXPECT_FALSE(cache.grow(two));
  EXPECT_EQ(cache.free_pages(), 0u);
}

TEST(PagedCacheTest, OneRequestAfterTheOtherIsTheTailFirstLru) {
  const RandomKey key(23, 0, Purpose::kTest);
  for (std::uint32_t pages = 12; pages < 40; ++pages) {
    PagedCache paged(pages);
    const auto cache = BlockCache::create({.eviction = Eviction::kLruRev, .blocks_max = pages});
    PagedCache::Table table;
    for (std::uint64_t i = 0; i < 300; ++i) {
      RandomStream random(key, i);
      const std::vector<BlockRun> runs = runs_of(random_path(random, 12));
      ASSERT_EQ(paged.start(runs, count_blocks(runs), table), cache->use(runs));
      paged.finish(table);
      ASSERT_EQ(paged.free_pages(), pages);
    }
  }
}

}  // namespace
}  // namespace fare
