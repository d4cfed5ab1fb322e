// Goal: stretches hold the blocks that were put into them, however they are cut, and are found even
// where their marks are equal.  Method: random operations beside plain lists of names, fixed seeds.

#include "cache/stretch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "cache/fixture.h"
#include "cache/stretch_index.h"

namespace fare {
namespace {

// What a stretch holds, and what it should.
struct Held {
  Stretch stretch;
  Names names;
};

// Names that often continue each other.
BlockRun random_run(RandomStream& random, const Names& before) {
  const bool goes_on = !before.empty() && random.below(3) == 0;
  const std::uint64_t first = goes_on ? before.back() + 1 : random.below(1'000'000) * 100;
  return {first, 1 + random.below(random.below(4) == 0 ? 30 : 3)};
}

std::uint64_t passed(const NameLines& lines, const Stretch& stretch, const Names& names,
                     std::uint64_t most) {
  const std::vector<BlockRun> runs = runs_of(names);
  NameCursor cursor(runs);
  const std::uint64_t count = lines.pass(stretch, cursor, most);
  EXPECT_EQ(cursor.done(), count == names.size());
  if (!cursor.done()) {
    EXPECT_EQ(cursor.name(), names[count]);
  }
  return count;
}

void expect_held(const NameLines& lines, const Held& held) {
  ASSERT_EQ(held.stretch.count, held.names.size());
  ASSERT_EQ(held.stretch.first, held.names.front());
  ASSERT_EQ(passed(lines, held.stretch, held.names, UINT64_MAX), held.names.size());
  for (std::size_t i = 0; i < held.names.size(); ++i) {
    Names other = held.names;
    ++other[i];
    ASSERT_EQ(passed(lines, held.stretch, other, UINT64_MAX), i);
    ASSERT_EQ(passed(lines, held.stretch, held.names, i), i);
  }
}

TEST(NameLinesTest, HoldWhatWasPutInHoweverItIsCut) {
  RandomStream random(RandomKey(31, 0, Purpose::kTest), 0);
  NameLines lines;
  std::vector<Held> all;
  for (int step = 0; step < 4'000; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    if (all.size() < 20) all.emplace_back();
    const std::size_t at = random.below(all.size());
    Held& one = all[at];
    const std::uint64_t kind = random.below(10);
    if (one.names.empty() || kind < 6) {
      const BlockRun run = random_run(random, one.names);
      const std::uint64_t added = lines.append(one.stretch, run);
      ASSERT_LE(added, run.count);
      ASSERT_TRUE(added == run.count || one.names.size() + added >= NameLines::kNames);
      for (std::uint64_t i = 0; i < added; ++i) one.names.push_back(run.first + i);
    } else if (kind < 8 && one.names.size() > 1) {
      const auto count = static_cast<std::uint32_t>(1 + random.below(one.names.size() - 1));
      Held rest{.stretch = lines.cut(one.stretch, count),
                .names = {one.names.begin() + count, one.names.end()}};
      one.names.resize(count);
      expect_held(lines, rest);
      all.push_back(std::move(rest));
    } else if (kind < 9 && one.names.size() > 1) {
      const auto count = static_cast<std::uint32_t>(1 + random.below(one.names.size() - 1));
      lines.drop_front(one.stretch, count);
      one.names.erase(one.names.begin(), one.names.begin() + count);
    } else {
      lines.release(one.stretch);
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    }
    for (const Held& held : all) {
      if (!held.names.empty()) expect_held(lines, held);
    }
  }
}

struct TestNode {
  Stretch blocks;
  std::uint32_t twin = kNoNode;
};

TEST(StretchIndexTest, FindsEveryNodeWhereMarksAreEqual) {
  RandomStream random(RandomKey(32, 0, Purpose::kTest), 0);
  const NameLines lines;
  StretchIndex<TestNode> index;
  std::vector<TestNode> nodes(60);
  for (std::uint32_t i = 0; i < nodes.size(); ++i) nodes[i].blocks.first = i;
  const auto mark = [](std::uint32_t node) { return node % 7; };
  std::vector<bool> is_in(nodes.size());
  for (int step = 0; step < 20'000; ++step) {
    const auto node = static_cast<std::uint32_t>(random.below(nodes.size()));
    if (is_in[node]) {
      index.erase(mark(node), node, nodes);
    } else {
      index.enter(mark(node), node, nodes);
    }
    is_in[node] = !is_in[node];
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      const auto is = [i](const TestNode& one) { return one.blocks.first == i; };
      ASSERT_EQ(index.find(mark(i), nodes, lines, is), is_in[i] ? i : kNoNode) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace fare
