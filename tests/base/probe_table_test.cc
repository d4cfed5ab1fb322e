#include "base/probe_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>

#include "base/random.h"

namespace fare {
namespace {

// Few homes for many keys: whole clusters move, also around the end of the array.
template <std::uint64_t kHomes>
struct Homes {
  std::size_t operator()(std::uint64_t key) const {
    return static_cast<std::size_t>(0) - key % kHomes;
  }
};

struct Named {
  std::uint64_t name = 0;
  int value = 0;
};

// Goal: the table agrees with a plain map, whatever comes and goes.
// Method: seeded random walks of making, finding, erasing and sweeping.
template <std::uint64_t kHomes>
void walk(std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "homes=" << kHomes << " seed=" << seed);
  RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
  ProbeTable<std::uint64_t, Named, Homes<kHomes>> table;
  std::map<std::uint64_t, int> map;
  for (int step = 0; step < 3'000; ++step) {
    const std::uint64_t key = random.below(200);
    table.fetch(key);
    const std::uint64_t dice = random.below(100);
    if (dice < 50) {
      Named& cell = table.make(key);
      if (!map.contains(key)) cell.name = key;
      ASSERT_EQ(cell.name, key);
      ASSERT_EQ(cell.value, map.contains(key) ? map[key] : 0);
      cell.value = map[key] = step;
    } else if (dice < 95) {
      const Named* const cell = table.find(key);
      ASSERT_EQ(cell != nullptr, map.contains(key));
      if (cell == nullptr) continue;
      ASSERT_EQ(cell->value, map[key]);
      table.erase(key);
      map.erase(key);
    } else if (dice < 99) {
      const auto is_old = [step](int value) { return value < step - 100; };
      table.erase_if([&](const Named& cell) { return is_old(cell.value); });
      std::erase_if(map, [&](const auto& entry) { return is_old(entry.second); });
    } else {
      table.clear();
      map.clear();
    }
    ASSERT_EQ(table.size(), map.size());
    for (std::uint64_t one = 0; one < 200; ++one) {
      const Named* const cell = table.find(one);
      ASSERT_EQ(cell != nullptr, map.contains(one));
      if (cell != nullptr) {
        ASSERT_EQ(cell->value, map[one]);
      }
    }
  }
}

TEST(ProbeTableTest, AgreesWithAMap) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    walk<1>(seed);
    walk<7>(seed);
    walk<1'000>(seed);
  }
}

}  // namespace
}  // namespace fare
