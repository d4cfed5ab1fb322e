#include "base/names.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace fare {
namespace {

// A hash that changes would orphan every recorded result.  The first value is that of the XXH3
// specification for no input.
TEST(ContentHashTest, IsXxh3Of128Bits) {
  EXPECT_EQ(content_hash(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(content_hash("a"), "a96faf705af16834e6c632b61e964e1f");
}

TEST(ContentHashTest, IsThirtyTwoLowerCaseDigitsAndDiffersByOneBit) {
  std::set<std::string> seen;
  std::string text(200, 'x');
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    const std::string hash = content_hash(changed);
    ASSERT_EQ(hash.size(), 32u);
    ASSERT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos) << hash;
    ASSERT_TRUE(seen.insert(hash).second) << "bit " << bit;
  }
}

TEST(ContentHashTest, SeesZeroBytesAndLength) {
  EXPECT_NE(content_hash(std::string_view("a\0", 2)), content_hash("a"));
  EXPECT_NE(content_hash(std::string_view("\0", 1)), content_hash(""));
}

TEST(NameMapTest, FindsByViewWhateverItsStorage) {
  NameMap<int> map;
  map["claude"] = 1;
  map[""] = 2;
  const std::string text = "a claude b";
  ASSERT_NE(map.find(std::string_view(text).substr(2, 6)), map.end());
  EXPECT_EQ(map.find(std::string_view(text).substr(2, 6))->second, 1);
  EXPECT_EQ(map.find(std::string_view())->second, 2);
  EXPECT_EQ(map.find(std::string_view(text)), map.end());
}

// Goal: a NameMap is a map.  Method: random insertions and erasures beside a std::set.
TEST(NameMapTest, HoldsExactlyWhatWasPutIn) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 rng(seed);
    NameMap<std::uint64_t> map;
    std::set<std::string> model;
    for (int step = 0; step < 500; ++step) {
      const std::uint64_t number = rng() % 100;
      const std::string name = "model-" + std::to_string(number);
      if (rng() % 3 == 0) {
        ASSERT_EQ(map.erase(name), model.erase(name));
      } else {
        map[name] = number;
        model.insert(name);
      }
    }
    ASSERT_EQ(map.size(), model.size());
    for (const std::string& name : model) {
      const auto found = map.find(std::string_view(name));
      ASSERT_NE(found, map.end()) << name;
      ASSERT_EQ("model-" + std::to_string(found->second), name);
    }
  }
}

}  // namespace
}  // namespace fare
