#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "router/fixture.h"

namespace fare {
namespace {

// Goal: many threads route and settle on one router, and its books still add up to the picodollar.
// Method: each thread settles its own tickets and, in a race, those of its neighbour: every ticket
// must be settled by exactly one of the two.  The tsan preset runs this as well.
TEST(RouterThreadsTest, BooksAddUpUnderConcurrency) {
  constexpr std::size_t kThreads = 8;
  constexpr std::uint64_t kRequests = 2'000;
  const auto router =
      router_with(R"([{"name": "r", "candidates": ["cheap", "middle"]}])", 1'000'000);
  std::vector<std::vector<Ticket>> tickets(kThreads, std::vector<Ticket>(kRequests));
  std::vector<std::jthread> workers;
  for (std::size_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kRequests; ++i) {
        Request request = request_of("simple", 100);
        request.id = t * kRequests + i;
        tickets[t][i] = router->route(request, kNow).ticket;
      }
    });
  }
  workers.clear();  // Joins.
  EXPECT_EQ(router->stats().open, kThreads * kRequests);
  std::vector<std::uint64_t> settled(kThreads);
  for (std::size_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      const Attempt attempts[] = {
          {.target = TargetId{0}, .started = kNow, .answered = true, .usage = usage_of(100, 10)}};
      for (std::uint64_t i = 0; i < kRequests; ++i) {
        for (const std::size_t owner : {t, (t + 1) % kThreads}) {
          const Settlement done = router->settle(tickets[owner][i], {attempts}, kNow);
          settled[t] += done.status == SettleStatus::kSettled ? 1 : 0;
        }
      }
    });
  }
  workers.clear();
  std::uint64_t sum = 0;
  for (const std::uint64_t count : settled) sum += count;
  const RouterStats stats = router->stats();
  EXPECT_EQ(sum, kThreads * kRequests);
  EXPECT_EQ(stats.settled, kThreads * kRequests);
  EXPECT_EQ(stats.open, 0);
  // 100 input tokens at $1 and 10 output tokens at $2 a million: 120 micro-dollars each.
  EXPECT_EQ(stats.cost, Cost(Int128{120'000'000} * kThreads * kRequests));
}

}  // namespace
}  // namespace fare
