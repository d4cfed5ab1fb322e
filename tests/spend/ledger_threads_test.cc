// Goal: many threads on shared budgets never overspend one of them, and the books add up.
// Method: 64 threads reserve, top up, settle (some twice), release, lose and sweep tickets on 1,000
// scopes whose budgets are nearly spent all the time, while one reloads.  Every thread keeps its
// own books of what it was granted.  The tsan preset runs a shorter one.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "spend/fixture.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kOperations = 400'000;
#else
constexpr std::uint64_t kOperations = 10'000'000;
#endif

namespace fare {
namespace {

constexpr std::size_t kThreads = 64;
constexpr std::size_t kKeys = 900;  // With 80 users, 18 teams, an org and a tag: 1,000 scopes.
constexpr std::size_t kUsers = 80;
constexpr std::size_t kTeams = 18;

// Limits that half of the operations exhaust: the other half is fought over the rest.
constexpr std::int64_t kScale = kOperations / 10'000;
constexpr std::int64_t kOrgLimit = 2'000'000 * kScale;

BudgetConfig big_config(std::int64_t key_limit) {
  BudgetConfig config;
  config.scopes.push_back({"org", ScopeKind::kOrg, "", {budget_of("m", Money(kOrgLimit))}});
  config.scopes.push_back({"tag", ScopeKind::kTag, "", {budget_of("m", Money(400'000 * kScale))}});
  const auto add = [&config](const char* what, std::size_t i, ScopeKind kind, std::string parent,
                             std::int64_t limit) {
    config.scopes.push_back(
        {what + std::to_string(i), kind, std::move(parent), {budget_of("m", Money(limit))}});
  };
  for (std::size_t i = 0; i < kTeams; ++i)
    add("team", i, ScopeKind::kTeam, "org", 130'000 * kScale);
  for (std::size_t i = 0; i < kUsers; ++i) {
    add("user", i, ScopeKind::kUser, "team" + std::to_string(i % kTeams), 35'000 * kScale);
  }
  for (std::size_t i = 0; i < kKeys; ++i) {
    add("key", i, ScopeKind::kKey, "user" + std::to_string(i % kUsers), key_limit);
  }
  return config;
}

struct Books {
  std::uint64_t operations = 0;
  std::int64_t charged = 0;  // What the org was charged by this thread.
};

// Random work until `operations` are done; at the end every ticket but lost ones is closed.
void work(Ledger& ledger, const std::vector<ScopeId>& keys, ScopeId tag, std::size_t thread,
          std::uint64_t operations, Books& books) {
  RandomStream random(RandomKey(7, 0, Purpose::kTest), thread);
  struct Open {
    LedgerTicket ticket;
    Money held;
  };
  std::vector<Open> open;
  const auto close_one = [&](std::size_t i) {
    const Open one = open[i];
    open[i] = open.back();
    open.pop_back();
    const std::uint64_t bits = random.bits();
    const Money cost(
        static_cast<std::int64_t>((bits >> 8) % static_cast<std::uint64_t>(one.held.count() + 1)));
    if (bits % 16 == 0) {
      EXPECT_EQ(ledger.release(one.ticket, kNow), CloseStatus::kClosed);
    } else {
      EXPECT_EQ(ledger.settle(one.ticket, cost, kNow), CloseStatus::kClosed);
      books.charged += cost.count();
    }
    if (bits % 32 == 1) {
      EXPECT_EQ(ledger.settle(one.ticket, one.held, kNow), CloseStatus::kAlreadyClosed);
    }
  };
  while (books.operations < operations) {
    ++books.operations;
    const std::uint64_t bits = random.bits();
    if (open.size() >= 8 || (bits % 2 == 0 && !open.empty())) {
      close_one(random.below(open.size()));
      continue;
    }
    const Money amount(static_cast<std::int64_t>(random.below(3'000)));
    const ScopeId scopes[] = {keys[random.below(keys.size())], tag};
    const Ask ask{{scopes, (bits >> 4) % 4 == 0 ? 2u : 1u}, amount, amount, kNever};
    const Reservation done = ledger.reserve(ask, kNow);
    if (done.status != ReserveStatus::kReserved) continue;
    open.push_back({done.ticket, amount});
    if ((bits >> 8) % 8 != 0) continue;
    ++books.operations;
    if (ledger.top_up(done.ticket, amount, amount, kNever, kNow).status ==
        ReserveStatus::kReserved) {
      open.back().held += amount;
    }
  }
  while (!open.empty()) close_one(open.size() - 1);
}

TEST(LedgerThreadsTest, SixtyFourThreadsOverspendByExactlyZero) {
  const BudgetConfig configs[] = {big_config(2'500 * kScale), big_config(3'000 * kScale)};
  const auto ledger = ledger_of(configs[0]);
  std::vector<ScopeId> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back(ledger->find("key" + std::to_string(i)));
  std::vector<Books> books(kThreads);
  std::atomic<bool> done = false;
  std::uint64_t negative = 0;
  std::thread watcher([&] {  // No line is negative at any instant; limits only rise.
    for (int turn = 0; !done; ++turn) {
      for (const BudgetReport& line : ledger->report(kNow)) {
        negative += line.free < Money() || line.reserved < Money() ? 1 : 0;
        negative += line.limit != line.settled + line.reserved + line.leased + line.free ? 1 : 0;
      }
      if (turn % 4 == 3) {
        EXPECT_TRUE(ledger->reload(configs[1], kNow));
      }
      EXPECT_EQ(ledger->expire(kNow), 0u);
    }
  });
  {
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < kThreads; ++t) {
      workers.emplace_back([&, t] {
        work(*ledger, keys, ledger->find("tag"), t, kOperations / kThreads, books[t]);
      });
    }
  }
  done = true;
  watcher.join();
  std::uint64_t operations = 0;
  Money charged;
  for (const Books& one : books) {
    operations += one.operations;
    charged += Money(one.charged);
  }
  EXPECT_GE(operations, kOperations);
  EXPECT_EQ(negative, 0u);
  EXPECT_EQ(ledger->open_tickets(), 0u);
  EXPECT_EQ(line_of(*ledger, "org", "m").settled, charged);
  EXPECT_LE(charged, Money(kOrgLimit));
  EXPECT_GE(charged.count(), kOrgLimit / 10 * 9) << "the budgets were not pressed";
  expect_conserves(*ledger, kNow);
}

// Every ticket is closed by exactly one of several threads, whoever is first; sweeps included.
TEST(LedgerThreadsTest, EveryTicketIsClosedOnce) {
  constexpr std::size_t kRacers = 8;
  constexpr std::size_t kTickets = 4'000;
  const auto ledger = ledger_of(config_of({budget_of("m", Money(1'000'000'000))}));
  std::vector<LedgerTicket> tickets;
  for (std::size_t i = 0; i < kTickets; ++i) {
    tickets.push_back(reserve(*ledger, "a", Money(100), kNow, kNow).ticket);
  }
  std::atomic<std::size_t> closed = 0;
  {
    std::vector<std::jthread> racers;
    for (std::size_t r = 0; r < kRacers; ++r) {
      racers.emplace_back([&, r] {
        for (std::size_t i = 0; i < kTickets; ++i) {
          const LedgerTicket ticket = tickets[r % 2 == 0 ? i : kTickets - 1 - i];
          if (r < 6) {
            closed += ledger->settle(ticket, std::nullopt, kNow) == CloseStatus::kClosed ? 1 : 0;
          } else if (i % 500 == 0) {
            closed += ledger->expire(kNow);
          } else {
            (void)ledger->top_up(ticket, Money(), Money(), kNow, kNow);
          }
        }
      });
    }
  }
  EXPECT_EQ(closed, kTickets);
  EXPECT_EQ(line_of(*ledger, "a", "m").settled, Money(100 * kTickets));
  expect_conserves(*ledger, kNow);
}

// Scopes are made by whoever comes first, and by nobody twice.
TEST(LedgerThreadsTest, ScopesAreMadeOnce) {
  BudgetConfig config = config_of({budget_of("m", Money(1'000'000'000))});
  config.scopes.push_back({"u*", ScopeKind::kUser, "a", {budget_of("m", Money(8))}});
  const auto ledger = ledger_of(config);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2'000; ++i) {
          const ScopeId scopes[] = {ledger->find_or_create("u" + std::to_string(i), kNow)};
          EXPECT_EQ(ledger->reserve({scopes, Money(1), Money(1)}, kNow).status,
                    ReserveStatus::kReserved);
        }
      });
    }
  }
  EXPECT_EQ(line_of(*ledger, "a", "m").reserved, Money(16'000));
  EXPECT_EQ(line_of(*ledger, "u1999", "m").free, Money());
  expect_conserves(*ledger, kNow);
}

}  // namespace
}  // namespace fare
