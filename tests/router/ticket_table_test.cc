#include "router/ticket_table.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace fare {
namespace {

// Goal: the table agrees with a plain set of open tickets, whatever the order of calls.
// Method: seeded random walks of open, close, close again and close nonsense.
TEST(TicketTableTest, AgreesWithASet) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
    TicketTable table(1'000'000);
    std::set<Ticket> open;
    std::vector<Ticket> closed;
    Cost cost;
    for (int step = 0; step < 2'000; ++step) {
      const std::uint64_t dice = random.below(10);
      if (dice < 5 || open.empty()) {
        const auto ticket = table.open(random.bits());
        ASSERT_TRUE(ticket);
        ASSERT_TRUE(open.insert(*ticket).second) << "a ticket was given out twice";
      } else if (dice < 8) {
        auto chosen = open.begin();
        std::advance(chosen, static_cast<std::ptrdiff_t>(random.below(open.size())));
        ASSERT_EQ(table.close(*chosen, Cost(step), true), SettleStatus::kSettled);
        cost += Cost(step);
        closed.push_back(*chosen);
        open.erase(chosen);
      } else if (!closed.empty()) {
        const Ticket old = closed[random.below(closed.size())];
        ASSERT_EQ(table.close(old, Cost(1), true), SettleStatus::kAlreadySettled);
      }
      const RouterStats stats = table.stats();
      ASSERT_EQ(stats.open, open.size());
      ASSERT_EQ(stats.routed, stats.open + stats.settled + stats.refused);
    }
    EXPECT_EQ(table.stats().cost, cost);
  }
}

}  // namespace
}  // namespace fare
