#include "base/random.h"

#include <Random123/threefry.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <thread>
#include <type_traits>
#include <vector>

namespace fare {
namespace {

using Threefry = r123::Threefry2x64_R<20>;
using Block = std::array<std::uint64_t, 2>;

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

// Every seed is fixed, so a test passes always or never.  A statistic that a right generator would
// exceed once in 10,000 seeds is what "too far" means here.
constexpr double kErrorRate = 1e-4;
constexpr double kNormalQuantile = 3.8906;  // Of 1 - kErrorRate / 2.

double chi_square_limit(std::size_t cells) {
  const boost::math::chi_squared law(static_cast<double>(cells - 1));
  return boost::math::quantile(boost::math::complement(law, kErrorRate));
}

double chi_square_of_equal_cells(const std::vector<std::uint64_t>& counts) {
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const std::uint64_t count : counts) {
    const double excess = static_cast<double>(count) - expected;
    sum += excess * excess / expected;
  }
  return sum;
}

// The correlation of independent uniform numbers is about normal with deviation 1 / sqrt(n).
double scaled_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - 0.5) * (y[i] - 0.5);
  return sum * 12 / std::sqrt(static_cast<double>(x.size()));
}

// The image of a RandomStream whose next bits are known.
struct Forged {
  std::uint64_t key[2];
  std::uint64_t entity;
  std::uint64_t block;
  std::uint64_t spare;
  bool has_spare;
};

RandomStream stream_with_next(std::uint64_t bits) {
  static_assert(std::is_trivially_copyable_v<RandomStream>);
  static_assert(sizeof(RandomStream) == 48);
  return std::bit_cast<RandomStream>(Forged{{1, 2}, 3, 4, bits, true});
}

// Known answers from the file kat_vectors of Random123.
TEST(RandomStreamTest, RestsOnThePublishedThreefry) {
  struct Case {
    const char* name;
    Block counter;
    Block key;
    Block expected;
  };
  const Case cases[] = {
      {"zeros", {0, 0}, {0, 0}, {0xc2b6e3a8c2c69865, 0x6f81ed42f350084d}},
      {"ones", {kOnes, kOnes}, {kOnes, kOnes}, {0xe02cb7c4d95d277a, 0xd06633d0893b8b68}},
      {"pi",
       {0x243f6a8885a308d3, 0x13198a2e03707344},
       {0xa4093822299f31d0, 0x082efa98ec4e6c89},
       {0x263c7d30bb0f0af1, 0x56be8361d3311526}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto block = Threefry()({{c.counter[0], c.counter[1]}}, {{c.key[0], c.key[1]}});
    EXPECT_EQ(block[0], c.expected[0]);
    EXPECT_EQ(block[1], c.expected[1]);
  }
}

// Goal: the derivation stands in the contract of the seed, so it is written down here once more.
TEST(RandomStreamTest, IsThreefryOfEntityAndBlockUnderAHashedKey) {
  constexpr std::uint64_t kSeed = 0x0123456789abcdef;
  constexpr std::uint32_t kReplication = 7;
  constexpr std::uint64_t kEntity = 0xfedcba9876543210;
  const auto key = Threefry()({{kReplication, static_cast<std::uint64_t>(Purpose::kQuality)}},
                              {{kSeed, 0x66617265}});
  RandomStream stream(RandomKey(kSeed, kReplication, Purpose::kQuality), kEntity);
  for (std::uint64_t i = 0; i < 100; ++i) {
    SCOPED_TRACE(testing::Message() << "block=" << i);
    const auto block = Threefry()({{kEntity, i}}, key);
    EXPECT_EQ(stream.bits(), block[0]);
    EXPECT_EQ(stream.bits(), block[1]);
  }
}

// Goal: a seed keeps its meaning for ever.  If this fails, every published result changes: undo the
// change that caused it, and never edit the numbers.
TEST(RandomStreamTest, KeepsItsGoldenNumbers) {
  struct Case {
    const char* name;
    RandomStream stream;
    std::array<std::uint64_t, 4> expected;
  };
  const Case cases[] = {
      {"all zero",
       {RandomKey(0, 0, Purpose::kTest), 0},
       {0x46f5beb33983c440, 0xc43d348db5c95c69, 0x5c69b20f313d35bc, 0x7f923dd1783c7a70}},
      {"first arrival",
       {RandomKey(42, 0, Purpose::kArrival), 0},
       {0x32921332873c8110, 0xb2f7d59ce5cec77f, 0x286c21068a586bea, 0xcfb9423a185ae87f}},
      {"millionth output",
       {RandomKey(42, 3, Purpose::kOutputTokens), 1'000'000},
       {0x618009544b108c7b, 0x786427475ff73094, 0x77e84df9d9464787, 0x6203f215ab7585d4}},
      {"all ones",
       {RandomKey(kOnes, ~std::uint32_t{0}, Purpose::kFuzz), kOnes},
       {0x6952d5c102d9f0e8, 0x57d294dc04129b7d, 0x508dcc4cea06cca9, 0x5d01fc8f8c0ec6fb}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RandomStream stream = c.stream;
    for (const std::uint64_t expected : c.expected) EXPECT_EQ(stream.bits(), expected);
  }
}

TEST(RandomStreamTest, KeepsItsGoldenDerivedNumbers) {
  RandomStream stream(RandomKey(42, 1, Purpose::kTest), 5);
  EXPECT_EQ(stream.uniform(), 0x1.7ee9aab27d5e7p-1);
  EXPECT_EQ(stream.uniform(), 0x1.dc625469853bdp-1);
  EXPECT_EQ(stream.uniform(), 0x1.e081219f5dd58p-4);
  EXPECT_EQ(stream.below(10), 4U);
  EXPECT_EQ(stream.below(1'000'000), 357617U);
  EXPECT_EQ(stream.below(kOnes), 3592342559963339516U);
}

TEST(RandomStreamTest, NeverRenumbersAPurpose) {
  constexpr Purpose kInOrder[] = {
      Purpose::kTest,        Purpose::kArrival,      Purpose::kClass,      Purpose::kTenant,
      Purpose::kInputTokens, Purpose::kOutputTokens, Purpose::kDifficulty, Purpose::kFirstToken,
      Purpose::kOutputTime,  Purpose::kQuality,      Purpose::kFailure,    Purpose::kAnswerCache,
      Purpose::kFuzz};
  std::uint32_t value = 0;
  for (const Purpose purpose : kInOrder) EXPECT_EQ(static_cast<std::uint32_t>(purpose), value++);
}

// Goal: draw k of an entity is the same number whatever was drawn before it, and by whom.
// Method: a table drawn entity by entity; then drawn again draw by draw over all entities at once,
// and by two threads that start at opposite ends.
class RandomOrderTest : public testing::Test {
 protected:
  static constexpr std::size_t kEntities = 500;
  static constexpr std::size_t kDraws = 9;  // Odd: each stream stops inside a block.
  using Table = std::vector<std::array<std::uint64_t, kDraws>>;

  Table drawn_one_by_one() const {
    Table table(kEntities);
    for (std::size_t entity = 0; entity < kEntities; ++entity) draw_all(entity, table[entity]);
    return table;
  }

  void draw_all(std::size_t entity, std::array<std::uint64_t, kDraws>& row) const {
    RandomStream stream(key_, entity);
    for (std::uint64_t& number : row) number = stream.bits();
  }

  const RandomKey key_{2026, 1, Purpose::kTest};
};

TEST_F(RandomOrderTest, InterleavingChangesNothing) {
  std::vector<RandomStream> streams;
  for (std::size_t entity = 0; entity < kEntities; ++entity) streams.emplace_back(key_, entity);
  Table table(kEntities);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    for (std::size_t i = 0; i < kEntities; ++i) {
      const std::size_t entity = (i * 7 + draw) % kEntities;
      table[entity][draw] = streams[entity].bits();
    }
  }
  EXPECT_EQ(table, drawn_one_by_one());
}

TEST_F(RandomOrderTest, ThreadsChangeNothing) {
  Table forwards(kEntities);
  Table backwards(kEntities);
  std::thread first([&] {
    for (std::size_t i = 0; i < kEntities; ++i) draw_all(i, forwards[i]);
  });
  std::thread second([&] {
    for (std::size_t i = kEntities; i-- > 0;) draw_all(i, backwards[i]);
  });
  first.join();
  second.join();
  EXPECT_EQ(forwards, drawn_one_by_one());
  EXPECT_EQ(backwards, forwards);
}

TEST_F(RandomOrderTest, ACopyForksTheStream) {
  RandomStream original(key_, 1);
  original.bits();
  RandomStream copy = original;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(copy.bits(), original.bits());
}

// Goal: seed, replication, purpose, entity and draw all tell apart, also as neighbours and swapped.
// Method: 884,736 numbers of a full grid; two right ones would agree once in 47 million runs.
TEST(RandomKeyTest, NeverRepeatsANumberOverAGridOfKeys) {
  std::vector<std::uint64_t> numbers;
  for (const std::uint64_t seed : {0, 1, 2, 3, 1 << 16, 1 << 30}) {
    for (std::uint32_t replication = 0; replication < 12; ++replication) {
      for (std::uint32_t purpose = 0; purpose < 12; ++purpose) {
        const RandomKey key(seed, replication, static_cast<Purpose>(purpose));
        for (std::uint64_t entity = 0; entity < 64; ++entity) {
          RandomStream stream(key, entity);
          for (int draw = 0; draw < 16; ++draw) numbers.push_back(stream.bits());
        }
      }
    }
  }
  ASSERT_EQ(numbers.size(), 884'736U);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
}

// Goal: each bit of each input reaches the whole output, so that no two streams run alongside.
// Method: flip one bit; over all flips of an input about half of the 64 bits of a draw change.
TEST(RandomKeyTest, EveryInputBitChangesHalfOfTheOutput) {
  struct Input {
    const char* name;
    int width;
    std::function<std::uint64_t(std::uint64_t flip)> draw;
  };
  const auto draw = [](std::uint64_t seed, std::uint64_t replication, std::uint64_t purpose,
                       std::uint64_t entity) {
    const RandomKey key(seed, static_cast<std::uint32_t>(replication),
                        static_cast<Purpose>(purpose));
    return RandomStream(key, entity).bits();
  };
  const Input inputs[] = {
      {"seed", 64, [&](std::uint64_t flip) { return draw(99 ^ flip, 5, 3, 77); }},
      {"replication", 32, [&](std::uint64_t flip) { return draw(99, 5 ^ flip, 3, 77); }},
      {"purpose", 32, [&](std::uint64_t flip) { return draw(99, 5, 3 ^ flip, 77); }},
      {"entity", 64, [&](std::uint64_t flip) { return draw(99, 5, 3, 77 ^ flip); }},
  };
  for (const Input& input : inputs) {
    SCOPED_TRACE(input.name);
    int changed = 0;
    for (int bit = 0; bit < input.width; ++bit) {
      changed += std::popcount(input.draw(0) ^ input.draw(std::uint64_t{1} << bit));
    }
    const double bits = 64.0 * input.width;
    EXPECT_LE(std::abs(changed - bits / 2), kNormalQuantile * std::sqrt(bits) / 2);
  }
}

TEST(RandomStreamTest, EachBitIsSetHalfOfTheTime) {
  constexpr int kDraws = 200'000;
  std::array<int, 64> set{};
  RandomStream stream(RandomKey(11, 0, Purpose::kTest), 0);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t bits = stream.bits();
    for (std::size_t bit = 0; bit < 64; ++bit) set[bit] += static_cast<int>(bits >> bit & 1);
  }
  for (std::size_t bit = 0; bit < 64; ++bit) {
    SCOPED_TRACE(testing::Message() << "bit=" << bit);
    EXPECT_LE(std::abs(set[bit] - kDraws / 2), kNormalQuantile * std::sqrt(kDraws) / 2);
  }
}

// Goal: neither 0 nor 1 ever comes out, not even of the one block in 2^53 that comes closest.
// Method: streams forged to yield the extreme patterns next; no search would ever meet them.
TEST(RandomStreamTest, UniformStaysInsideTheOpenInterval) {
  struct Case {
    const char* name;
    std::uint64_t bits;
    double expected;
  };
  const Case cases[] = {
      {"zeros", 0, 0x1p-53},
      {"the low bits alone", (1U << 11) - 1, 0x1p-53},
      {"the second least", 2U << 11, 0x3p-53},
      {"below one half", 0x7fffffffffffffff, 0.5 - 0x1p-53},
      {"above one half", 0x8000000000000000, 0.5 + 0x1p-53},
      {"ones", kOnes, 1 - 0x1p-53},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ASSERT_EQ(stream_with_next(c.bits).bits(), c.bits);
    EXPECT_EQ(stream_with_next(c.bits).uniform(), c.expected);
  }
}

TEST(RandomStreamTest, UniformFillsTheIntervalEvenly) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::vector<std::uint64_t> counts(1'000);
    RandomStream stream(RandomKey(seed, 0, Purpose::kTest), 0);
    for (int i = 0; i < 500'000; ++i) {
      const double u = stream.uniform();
      ASSERT_GT(u, 0);
      ASSERT_LT(u, 1);
      ++counts[static_cast<std::size_t>(u * 1'000)];
    }
    EXPECT_LE(chi_square_of_equal_cells(counts), chi_square_limit(counts.size()));
  }
}

// Goal: no value is favoured, also where 2^64 is far from a multiple of the bound.
// Method: for large bounds the result's remainder by 3 or by 5 is what a missing rejection skews:
// with 3 * 2^62, remainder 0 would come twice as often as the others.
TEST(RandomStreamTest, BelowIsUnbiased) {
  struct Case {
    const char* name;
    std::uint64_t bound;
    std::uint64_t cells;
  };
  const Case cases[] = {
      {"2", 2, 2},
      {"3", 3, 3},
      {"10", 10, 10},
      {"1000", 1'000, 1'000},
      {"3 * 2^62", std::uint64_t{3} << 62, 3},
      {"5 * 2^61", std::uint64_t{5} << 61, 5},
      {"2^64 - 1", kOnes, 15},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::uint64_t> counts(c.cells);
    RandomStream stream(RandomKey(3, 0, Purpose::kTest), c.bound);
    for (int i = 0; i < 200'000; ++i) {
      const std::uint64_t value = stream.below(c.bound);
      ASSERT_LT(value, c.bound);
      ++counts[value % c.cells];
    }
    EXPECT_LE(chi_square_of_equal_cells(counts), chi_square_limit(counts.size()));
  }
}

// Goal: the rejection is exact: of the 2^64 patterns every result keeps the same number.
// Method: forged patterns at the edge.  For the bound 3 the one pattern too many is 0.
TEST(RandomStreamTest, BelowRejectsExactlyTheSurplus) {
  constexpr std::uint64_t kThird = 0x5555555555555555;
  RandomStream rejected = stream_with_next(0);
  RandomStream after = rejected;
  after.bits();
  EXPECT_EQ(rejected.below(3), after.below(3));
  EXPECT_EQ(rejected.bits(), after.bits());
  EXPECT_EQ(stream_with_next(1).below(3), 0U);
  EXPECT_EQ(stream_with_next(kThird).below(3), 0U);
  EXPECT_EQ(stream_with_next(kThird + 1).below(3), 1U);
  EXPECT_EQ(stream_with_next(2 * kThird).below(3), 1U);
  EXPECT_EQ(stream_with_next(2 * kThird + 1).below(3), 2U);
  EXPECT_EQ(stream_with_next(kOnes).below(3), 2U);
}

TEST(RandomStreamTest, BelowOneIsZeroAndTakesOneDraw) {
  RandomStream stream(RandomKey(1, 0, Purpose::kTest), 0);
  RandomStream shadow = stream;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(stream.below(1), 0U);
    shadow.bits();
  }
  EXPECT_EQ(stream.bits(), shadow.bits());
}

TEST(RandomStreamDeathTest, BelowRefusesZero) {
  RandomStream stream(RandomKey(1, 0, Purpose::kTest), 0);
  EXPECT_DEATH(stream.below(0), "check failed: bound > 0");
}

// Goal: what stands side by side in a simulation is uncorrelated: the draws of one entity, and the
// same draw of neighbours in each part of the key.
TEST(RandomStreamTest, NeighboursAreUncorrelated) {
  constexpr std::uint64_t kPairs = 200'000;
  struct Case {
    const char* name;
    std::function<double(std::uint64_t i)> left;
    std::function<double(std::uint64_t i)> right;
  };
  const auto draw = [](std::uint64_t seed, std::uint32_t replication, Purpose purpose,
                       std::uint64_t entity, int skip) {
    RandomStream stream(RandomKey(seed, replication, purpose), entity);
    for (int i = 0; i < skip; ++i) stream.bits();
    return stream.uniform();
  };
  const auto base = [&](std::uint64_t i) { return draw(8, 0, Purpose::kTest, i, 0); };
  const Case cases[] = {
      {"entity", base, [&](std::uint64_t i) { return draw(8, 0, Purpose::kTest, i + 1, 0); }},
      {"word", base, [&](std::uint64_t i) { return draw(8, 0, Purpose::kTest, i, 1); }},
      {"block", base, [&](std::uint64_t i) { return draw(8, 0, Purpose::kTest, i, 2); }},
      {"seed", base, [&](std::uint64_t i) { return draw(9, 0, Purpose::kTest, i, 0); }},
      {"replication", base, [&](std::uint64_t i) { return draw(8, 1, Purpose::kTest, i, 0); }},
      {"purpose", base, [&](std::uint64_t i) { return draw(8, 0, Purpose::kArrival, i, 0); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<double> left(kPairs);
    std::vector<double> right(kPairs);
    for (std::uint64_t i = 0; i < kPairs; ++i) {
      left[i] = c.left(i);
      right[i] = c.right(i);
    }
    EXPECT_LE(std::abs(scaled_correlation(left, right)), kNormalQuantile);
  }
}

}  // namespace
}  // namespace fare
