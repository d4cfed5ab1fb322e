// Goal: the earliest deadline is always at hand, whatever is added and taken away in between.
// Method: random calls, side by side with an ordered set.

#include "study/deadlines.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace routesim {
namespace {

TEST(DeadlinesTest, AgreesWithAnOrderedSet) {
  fare::RandomStream stream(fare::RandomKey(7, 0, fare::Purpose::kTest), 0);
  Deadlines deadlines;
  std::set<std::pair<fare::Duration, std::uint32_t>> expected;
  std::vector<std::optional<fare::Duration>> at(50);
  for (int i = 0; i < 20'000; ++i) {
    const auto slot = static_cast<std::uint32_t>(stream.below(at.size()));
    if (at[slot]) {
      deadlines.remove(slot);
      expected.erase({*at[slot], slot});
      at[slot].reset();
    } else {
      at[slot] = fare::Duration(static_cast<std::int64_t>(stream.below(30)));
      deadlines.add(slot, *at[slot]);
      expected.insert({*at[slot], slot});
    }
    if (expected.empty()) {
      ASSERT_EQ(deadlines.next(), fare::Duration::max());
    } else {
      ASSERT_EQ(deadlines.next(), expected.begin()->first);
      ASSERT_EQ(deadlines.first(), expected.begin()->second);
    }
  }
}

}  // namespace
}  // namespace routesim
