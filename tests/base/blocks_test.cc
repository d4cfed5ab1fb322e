#include "base/blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace fare {
namespace {

struct Counted {
  Counted() { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::uint32_t value = 7;
  static inline std::int64_t alive = 0;
};

TEST(BlocksTest, ElementsAreMadeOnceAndNeverMove) {
  {
    Blocks<Counted, 16> blocks;
    EXPECT_EQ(blocks.find(0), nullptr);
    std::vector<Counted*> places;
    for (std::uint32_t i = 0; i < 1'000; ++i) {
      blocks.grow(i + 1);
      ASSERT_EQ(blocks[i].value, 7u);
      blocks[i].value = i;
      places.push_back(&blocks[i]);
    }
    for (std::uint32_t i = 0; i < places.size(); ++i) {
      ASSERT_EQ(blocks.find(i), places[i]);
      ASSERT_EQ(blocks[i].value, i);
    }
    EXPECT_GE(Counted::alive, 1'000);
  }
  EXPECT_EQ(Counted::alive, 0);
}

// Large enough for several huge pages: all of it can be written, and its alignment holds.
TEST(BlocksTest, ManyElementsCanBeWritten) {
  struct alignas(64) Line {
    std::uint64_t value = 0;
  };
  constexpr std::uint32_t kLines = 200'000;  // 12.8 MB.
  Blocks<Line, 16> blocks;
  blocks.grow(kLines);
  for (std::uint32_t i = 0; i < kLines; ++i) blocks[i].value = i;
  for (std::uint32_t i = 0; i < kLines; ++i) {
    ASSERT_EQ(blocks[i].value, i);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(&blocks[i]) % alignof(Line), 0u);
  }
}

TEST(HugePagesTest, ATableBeginsAtTheBorderOfOne) {
  for (const std::size_t bytes : {std::size_t{1}, kHugePage - 1, kHugePage, 3 * kHugePage + 5}) {
    void* const table = new_table(bytes, 64);
    const std::size_t border = bytes < kHugePage ? 64 : kHugePage;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table) % border, 0u) << bytes;
    static_cast<char*>(table)[bytes - 1] = 1;
    delete_table(table, bytes, 64);
  }
}

}  // namespace
}  // namespace fare
