#include "router/ticket_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace fare {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};

// Goal: the table agrees with a plain map of open tickets, whatever the order of calls.
// Method: seeded random walks of open, close, close again, expire and close nonsense.
TEST(TicketTableTest, AgreesWithAMap) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 0);
    TicketTable table(1'000'000);
    std::map<Ticket, Instant> open;  // With their deadlines.
    std::vector<Ticket> closed;
    std::set<Ticket> ever;
    Cost cost;
    Instant now = kStart;
    std::uint64_t expired = 0;
    std::uint64_t refused = 0;
    for (int step = 0; step < 2'000; ++step) {
      const std::uint64_t dice = random.below(100);
      if (dice < 50 || open.empty()) {
        const Instant deadline = now + Duration(random.below(1'000));
        const auto claimed = table.take(TicketTable::shard_of(random.bits()), deadline, false);
        ASSERT_NE(claimed.data, nullptr);
        claimed.data->input = Tokens(step);
        table.open(claimed);
        ASSERT_TRUE(ever.insert(claimed.ticket).second) << "a ticket was given out twice";
        open[claimed.ticket] = deadline;
      } else if (dice < 80) {
        auto chosen = open.begin();
        std::advance(chosen, static_cast<std::ptrdiff_t>(random.below(open.size())));
        const auto claimed = table.claim(chosen->first);
        ASSERT_NE(claimed.data, nullptr);
        table.close(claimed, {.cost = Cost(step), .priced = true, .expired = false});
        cost += Cost(step);
        closed.push_back(chosen->first);
        open.erase(chosen);
      } else if (dice < 90 && !closed.empty()) {
        const auto old = table.claim(closed[random.below(closed.size())]);
        ASSERT_EQ(old.data, nullptr);
        ASSERT_EQ(old.status, SettleStatus::kAlreadySettled);
      } else if (dice < 98) {
        table.count(TicketTable::shard_of(random.bits()), TicketTable::Ending::kRefused, false);
        ++refused;
      } else {
        now += Duration(random.below(500));
        table.each_due(now, [&](const TicketTable::Claimed& claimed) {
          ASSERT_LE(open.at(claimed.ticket), now);
          open.erase(claimed.ticket);
          closed.push_back(claimed.ticket);
          table.close(claimed, {.cost = {}, .priced = true, .expired = true});
          ++expired;
        });
        for (const auto& [ticket, deadline] : open) ASSERT_GT(deadline, now);
      }
      const RouterStats stats = table.stats();
      ASSERT_EQ(stats.open, open.size());
      ASSERT_EQ(stats.routed, stats.open + stats.settled + stats.refused + stats.expired);
      ASSERT_EQ(stats.routed, table.routed());
    }
    EXPECT_EQ(table.stats().cost, cost);
    EXPECT_EQ(table.stats().expired, expired);
    EXPECT_EQ(table.stats().refused, refused);
  }
}

// Goal: what is kept of further attempts is one ticket's alone, and is used again.
// Method: tickets come, get attempts and go at random; each attempt says whose it is.
TEST(TicketTableTest, FurtherAttemptsAreTheirTicketsOwn) {
  TicketTable table(1'000);
  RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
  std::map<Ticket, std::uint8_t> open;  // With their numbers of attempts.
  const auto name = [](Ticket ticket, std::size_t attempt) {
    return static_cast<std::uint64_t>(ticket) * kAttemptsMax + attempt;
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t dice = random.below(100);
    if (open.empty() || (dice < 40 && open.size() < 100)) {
      const auto claimed = table.take(TicketTable::shard_of(random.bits()), kStart, false);
      claimed.data->tried_size = 1;
      claimed.data->first = Tried{};
      claimed.data->first.charged = name(claimed.ticket, 0);
      table.open(claimed);
      open[claimed.ticket] = 1;
      continue;
    }
    auto chosen = open.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random.below(open.size())));
    const auto claimed = table.claim(chosen->first);
    ASSERT_NE(claimed.data, nullptr);
    ASSERT_EQ(claimed.data->tried_size, chosen->second);
    for (std::size_t i = 0; i < chosen->second; ++i) {
      ASSERT_EQ(claimed.data->at(i).charged, name(chosen->first, i));
    }
    if (dice < 70 || chosen->second == kAttemptsMax) {
      table.close(claimed, {.cost = {}, .priced = true, .expired = false});
      open.erase(chosen);
    } else {
      Tried tried;
      tried.charged = name(chosen->first, chosen->second++);
      table.add_try(claimed, tried);
      table.open(claimed);
    }
  }
}

TEST(TicketTableTest, KnowsWhatItNeverGaveOut) {
  TicketTable table(16);
  EXPECT_EQ(table.claim(Ticket{}).status, SettleStatus::kUnknownTicket);
  EXPECT_EQ(table.claim(static_cast<Ticket>(~0ull)).status, SettleStatus::kUnknownTicket);
}

}  // namespace
}  // namespace fare
