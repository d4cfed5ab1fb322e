// Goal: many threads on shared budgets never overspend one of them, and the books add up.
// Method: 64 threads reserve, top up, settle (some twice), release, lose and sweep tickets on 1,000
// scopes whose budgets are nearly spent all the time, while one reloads.  Every thread keeps its
// own books of what it was granted.  The tsan preset runs a shorter one.

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
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

// One thread's work, and its own books.
class Worker {
 public:
  Worker(Ledger& ledger, const std::vector<ScopeId>& keys, std::size_t thread)
      : ledger_(ledger),
        keys_(keys),
        tag_(ledger.find("tag")),
        random_(RandomKey(7, 0, Purpose::kTest), thread) {}

  // At the end every ticket is closed.
  void run(std::uint64_t steps) {
    while (operations < steps) {
      if (open_.size() >= 8 || (random_.below(2) == 0 && !open_.empty())) {
        close(random_.below(open_.size()));
      } else {
        reserve();
      }
    }
    while (!open_.empty()) close(open_.size() - 1);
  }

  std::uint64_t operations = 0;
  Money charged;

 private:
  struct Open {
    LedgerTicket ticket;
    Money held;
  };

  void reserve() {
    ++operations;
    const Money amount(static_cast<std::int64_t>(random_.below(3'000)));
    const ScopeId scopes[] = {keys_[random_.below(keys_.size())], tag_};
    const Ask ask{{scopes, random_.below(4) == 0 ? 2u : 1u}, amount, amount, kNever};
    const Reservation done = ledger_.reserve(ask, kNow);
    if (done.status != ReserveStatus::kReserved) return;
    open_.push_back({done.ticket, amount});
    if (random_.below(8) != 0) return;
    ++operations;
    const Reservation more = ledger_.top_up(done.ticket, amount, amount, kNever, kNow);
    if (more.status == ReserveStatus::kReserved) open_.back().held += amount;
  }

  void close(std::size_t i) {
    ++operations;
    const Open one = open_[i];
    open_[i] = open_.back();
    open_.pop_back();
    const Money cost(
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(one.held.count()) + 1)));
    if (random_.below(16) == 0) {
      EXPECT_EQ(ledger_.release(one.ticket, kNow), CloseStatus::kClosed);
    } else {
      EXPECT_EQ(ledger_.settle(one.ticket, cost, kNow), CloseStatus::kClosed);
      charged += cost;
    }
    if (random_.below(32) == 0) {
      EXPECT_EQ(ledger_.settle(one.ticket, one.held, kNow), CloseStatus::kAlreadyClosed);
    }
  }

  Ledger& ledger_;
  const std::vector<ScopeId>& keys_;
  ScopeId tag_;
  RandomStream random_;
  std::vector<Open> open_;
};

// Until `done`: no line is negative or unbalanced at any instant; limits only rise meanwhile.
void watch(Ledger& ledger, const std::atomic<bool>& done) {
  const BudgetConfig risen = big_config(3'000 * kScale);
  for (int turn = 0; !done; ++turn) {
    std::uint64_t wrong = 0;
    for (const BudgetReport& line : ledger.report(kNow)) {
      wrong += line.free < Money() || line.reserved < Money() ? 1 : 0;
      wrong += line.limit != line.settled + line.reserved + line.leased + line.free ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0u);
    if (turn % 4 == 3) {
      EXPECT_TRUE(ledger.reload(risen, kNow));
    }
    EXPECT_EQ(ledger.expire(kNow), 0u);
  }
}

TEST(LedgerThreadsTest, SixtyFourThreadsOverspendByExactlyZero) {
  const auto ledger = ledger_of(big_config(2'500 * kScale));
  std::vector<ScopeId> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back(ledger->find("key" + std::to_string(i)));
  std::deque<Worker> workers;
  for (std::size_t t = 0; t < kThreads; ++t) workers.emplace_back(*ledger, keys, t);
  std::atomic<bool> done = false;
  std::thread watcher([&] { watch(*ledger, done); });
  {
    std::vector<std::jthread> threads;
    for (Worker& worker : workers) {
      threads.emplace_back([&worker] { worker.run(kOperations / kThreads); });
    }
  }
  done = true;
  watcher.join();
  std::uint64_t operations = 0;
  Money charged;
  for (const Worker& worker : workers) {
    operations += worker.operations;
    charged += worker.charged;
  }
  EXPECT_GE(operations, kOperations);
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

// Windows end while tickets of them are open, late threads and reloads come between.
TEST(LedgerThreadsTest, WindowsTurnUnderThreads) {
  Budget rolling = budget_of("r", Money(40), hours_of(WindowKind::kRolling, 24));
  Budget session = budget_of("s", Money(60), hours_of(WindowKind::kSession, 2));
  Budget day = budget_of("d", Money(50), utc(WindowKind::kDay));
  day.carry_over_max = Money(10);
  BudgetConfig config = config_of({day, rolling, session});
  const auto ledger = ledger_of(config);
  std::atomic<bool> done = false;
  std::thread reloader([&] {
    for (std::int64_t turn = 0; !done; ++turn) {
      config.scopes[0].budgets[0].limit = Money(50 + turn % 20);
      EXPECT_TRUE(ledger->reload(config, kNow));
    }
  });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        std::deque<LedgerTicket> open;
        for (int i = 0; i < 3'000; ++i) {
          const Instant now = kNow + std::chrono::minutes(7 * i - t);
          const Reservation next = reserve(*ledger, "a", Money(1 + i % 3), now);
          if (next.status == ReserveStatus::kReserved) open.push_back(next.ticket);
          if (open.size() < 20) continue;
          (void)ledger->top_up(open.front(), Money(1), Money(1), kNever, now);
          EXPECT_EQ(ledger->settle(open.front(), Money(1), now), CloseStatus::kClosed);
          open.pop_front();
        }
        for (const LedgerTicket ticket : open) ledger->release(ticket, kNow);
      });
    }
  }
  done = true;
  reloader.join();
  EXPECT_EQ(ledger->open_tickets(), 0u);
  expect_conserves(*ledger, kNow + std::chrono::hours(24 * 365));
}

// Goal: however borrowers press, the parent is exceeded by 0 and a guarantee is there when asked
// for. Method: three threads borrow all they can and give most of it back; a fourth takes its
// guarantee, a little at a time, and must never be refused.
TEST(LedgerThreadsTest, BorrowersLeaveGuaranteesAlone) {
  constexpr std::int64_t kGuarantee = kOperations / 400;
  BudgetConfig config = config_of({budget_of("m", Money(4 * kGuarantee))});
  for (int child = 0; child < 4; ++child) {
    Budget part = budget_of("part", kLimitMax);
    part.share = Share{"m", static_cast<std::uint32_t>(1 + child), Money(child * kGuarantee / 3)};
    config.scopes.push_back({std::to_string(child), ScopeKind::kTeam, "a", {part}});
  }
  const auto ledger = ledger_of(config);
  std::atomic<std::uint64_t> borrowed = 0;
  std::atomic<std::int64_t> tried = 0;
  std::atomic<bool> is_over = false;
  const auto borrow = [&](const char* child) {
    std::deque<LedgerTicket> open;
    for (std::int64_t i = 0; !is_over; ++i) {
      const Reservation next = reserve(*ledger, child, Money(1 + i % 50));
      ++tried;
      if (next.status == ReserveStatus::kReserved) {
        open.push_back(next.ticket);
        ++borrowed;
      }
      if (open.size() < 20 && next.status == ReserveStatus::kReserved) continue;
      if (open.empty()) continue;
      ledger->settle(open.front(), Money(i % 100 == 0 ? 1 : 0), kNow);
      open.pop_front();
    }
    for (const LedgerTicket ticket : open) ledger->release(ticket, kNow);
  };
  {
    std::vector<std::jthread> threads;
    for (const char* child : {"0", "1", "2"}) threads.emplace_back(borrow, child);
    std::int64_t refused = 0;
    for (std::int64_t i = 0; i < kGuarantee; ++i) {
      // In step with the borrowers, or on a busy machine it would be over before they begin.
      while (tried < i) std::this_thread::yield();
      refused += reserve(*ledger, "3", Money(1)).status == ReserveStatus::kReserved ? 0 : 1;
      EXPECT_GE(line_of(*ledger, "a", "m").free, Money());
    }
    EXPECT_EQ(refused, 0);
    is_over = true;
  }
  EXPECT_GT(borrowed, 1'000u);
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
