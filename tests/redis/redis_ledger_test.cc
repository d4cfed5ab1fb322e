#include "fare/redis/redis_ledger.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "redis/lease_call.h"
#include "redis/redis_server.h"
#include "redis/replica.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

Instant time_of(RedisServer& server) {
  const RedisReply reply = server.run({"TIME"});
  return Instant(seconds(std::stoll(reply.texts.at(0))) +
                 microseconds(std::stoll(reply.texts.at(1))));
}

TEST(RedisLedgerTest, AReplicaAdmitsAgainstALeaseFromRedis) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(1'000));
  Replica replica(1, ledger_at(server.socket()));
  EXPECT_FALSE(replica.spend(Money(10)));
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kAnswered);
  EXPECT_TRUE(replica.spend(Money(10)));
  for (int i = 0; i < 30; ++i) replica.exchange(budget);  // Nobody asks: all else comes back.
  const RedisAnswer answer = replica.exchange(budget);
  EXPECT_EQ(answer.book.settled, Money(10));
  EXPECT_EQ(answer.book.leased, Money());
  EXPECT_EQ(answer.book.free, Money(990));
}

TEST(RedisLedgerTest, BudgetsAndWindowsAreApart) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  RedisLedger ledger = ledger_at(server.socket());
  RedisBudget other = endless(Money(1'000));
  other.name = "team}:{@é ";
  RedisBudget next = endless(Money(1'000));
  next.window.begin += hours(24);
  std::uint32_t number = 0;
  for (const RedisBudget& budget : {endless(Money(1'000)), other, next}) {
    Replica replica(++number, ledger_at(server.socket()));
    EXPECT_EQ(replica.refill(budget, Money(1'000)).book.leased, Money(1'000));
    EXPECT_EQ(replica.holder.headroom(), Money(1'000));
  }
}

// Goal: no nanodollar is lost where doubles lose some: above 2^53 of them.
TEST(RedisLedgerTest, AmountsAreExactUpToTheLastNanodollar) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const std::int64_t two_53 = std::int64_t{1} << 53;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t limit :
       {two_53 + 1, two_53 * 4 + 3, std::int64_t{1'000'000'000'000'000'001}, kMost - 1, kMost}) {
    SCOPED_TRACE(limit);
    RedisBudget budget = endless(Money(limit));
    budget.name = std::to_string(limit);
    RedisLedger ledger = ledger_at(server.socket());
    // Not a LeaseHolder: what it likes to hold would not fit into Money twice.
    LeaseRequest request{.replica = 1,
                         .incarnation = 1,
                         .generation = 0,
                         .sequence = 1,
                         .granted = {},
                         .returned = {},
                         .settled = {},
                         .reserved = {},
                         .wanted = {},
                         .needed = Money(limit - 1)};
    RedisAnswer answer = ledger.exchange(budget, request);
    EXPECT_EQ(answer.reply.granted, Money(limit - 1));
    EXPECT_EQ(answer.book.free, Money(1));
    request.granted = answer.reply.granted;
    request.generation = answer.reply.generation;
    request.sequence = 2;
    request.settled = Money(limit - 2);
    request.needed = Money(2);
    answer = ledger.exchange(budget, request);
    EXPECT_EQ(answer.reply.granted, Money(limit));
    EXPECT_EQ(answer.book.free, Money());
    EXPECT_EQ(answer.book.settled, Money(limit - 2));
    EXPECT_EQ(answer.book.leased, Money(2));
    EXPECT_EQ(answer.reply.hold_max, Money(2));
  }
}

TEST(RedisLedgerTest, ADebtIsKept) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(100));
  Replica replica(1, ledger_at(server.socket()));
  replica.refill(budget, Money(100));
  ASSERT_TRUE(replica.holder.reserve(Money(100), replica.now));
  replica.holder.settle(Money(100), Money(130));
  EXPECT_EQ(replica.exchange(budget).book.free, Money(-30));
}

TEST(RedisLedgerTest, TheHighestVersionsLimitHolds) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  RedisBudget old = endless(Money(100));
  RedisBudget raised = endless(Money(150));
  raised.version = 1;
  RedisBudget lowered = endless(Money(60));
  lowered.version = std::numeric_limits<std::uint64_t>::max();
  Replica one(1, ledger_at(server.socket()));
  Replica other(2, ledger_at(server.socket()));
  one.refill(old, Money(100));
  EXPECT_EQ(other.refill(raised, Money(50)).book.free, Money());
  EXPECT_EQ(one.exchange(old).book.limit, Money(150));
  EXPECT_LT(one.exchange(lowered).book.free, Money());
  EXPECT_EQ(one.exchange(raised).book.limit, Money(60));
}

TEST(RedisLedgerTest, ALeaseThatRanOutIsSpentUntilItsHolderComesBack) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  RedisBudget budget = endless(Money(100));
  budget.lease = microseconds(1);
  Replica lost(1, ledger_at(server.socket()));
  Replica other(2, ledger_at(server.socket()));
  EXPECT_EQ(lost.refill(budget, Money(70)).book.leased, Money(70));
  RedisAnswer answer = other.refill(budget, Money(50));
  EXPECT_EQ(answer.book.settled, Money(70));
  EXPECT_EQ(answer.book.leased, Money(30));
  lost.holder.give_back();
  answer = lost.exchange(budget);
  EXPECT_EQ(answer.book.free, Money(70));
  EXPECT_EQ(answer.book.settled, Money(30));  // The other one's, which ran out meanwhile.
}

TEST(RedisLedgerTest, AllKeysOfAWindowAreInOneSlotAndGoADayAfterIt) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const Instant now = time_of(server);
  RedisBudget budget = endless(Money(100));
  budget.window = {now - hours(5), now + hours(7)};
  Replica(1, ledger_at(server.socket())).exchange(budget);
  const Instant gone = budget.window.end + hours(24);
  const std::string text = std::to_string(gone.time_since_epoch() / std::chrono::milliseconds(1));
  for (const std::string& key : lease_keys(budget)) {
    EXPECT_EQ(server.text({"PEXPIRETIME", key}), text) << key;
  }
  EXPECT_EQ(server.text({"DBSIZE"}), "3");

  RedisServer node({"--cluster-enabled", "yes"});
  for (const char* name : {"", "team", "{}", "}{", "a{b}c", "org/team:key"}) {
    budget.name = name;
    const std::vector<std::string> keys = lease_keys(budget);
    const std::string slot = node.text({"CLUSTER", "KEYSLOT", keys[0]});
    EXPECT_EQ(node.text({"CLUSTER", "KEYSLOT", keys[1]}), slot);
    EXPECT_EQ(node.text({"CLUSTER", "KEYSLOT", keys[2]}), slot);
  }
  // A node without slots says so.
  EXPECT_EQ(Replica(1, doubtful_ledger_at(node.socket())).exchange(budget).status,
            RedisStatus::kRefused);
}

TEST(RedisLedgerTest, AWindowThatIsNotOpenLeavesNoTrace) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const Instant now = time_of(server);
  RedisBudget budget = endless(Money(100));
  Replica replica(1, ledger_at(server.socket()));
  budget.window = {now + hours(1), now + hours(2)};
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kNotOpen);
  // So a late message cannot bring back, as if new, a window whose keys are gone.
  budget.window = {now - hours(50), now - hours(24)};
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kNotOpen);
  EXPECT_EQ(server.text({"DBSIZE"}), "0");
}

TEST(RedisLedgerTest, AWindowThatIsOverTakesReportsAndGrantsNothing) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const Instant now = time_of(server);
  RedisBudget open = endless(Money(100));
  open.window = {now - hours(2), now + hours(1)};
  Replica replica(1, ledger_at(server.socket()));
  replica.refill(open, Money(60));
  ASSERT_TRUE(replica.spend(Money(20)));
  // The same keys; what passes is the window, not the time.
  RedisBudget over = open;
  over.window.end = now - hours(1);
  (void)replica.holder.reserve(Money(90), replica.now);
  const RedisAnswer answer = replica.exchange(over);
  EXPECT_EQ(answer.book.settled, Money(20));
  EXPECT_EQ(answer.book.leased, Money(40));
  EXPECT_EQ(replica.holder.granted(), Money(60));
  EXPECT_EQ(answer.reply.valid_for, Duration(0));
}

TEST(RedisLedgerTest, NoLeaseOutlastsItsWindow) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const Instant now = time_of(server);
  RedisBudget budget = endless(Money(100));
  budget.window = {now - hours(2), now + std::chrono::minutes(30)};
  Replica replica(1, ledger_at(server.socket()));
  const RedisAnswer answer = replica.exchange(budget);
  EXPECT_GT(answer.reply.valid_for, Duration(0));
  EXPECT_LE(answer.reply.valid_for, std::chrono::minutes(30));
}

// Goal: strict overspend is 0 and nothing is lost when many hammer one budget.
// Method: threads with a replica and a connection each spend what they get until none gets any.
TEST(RedisLedgerTest, ThreadsThatHammerOneBudgetSpendItAndNoMore) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  constexpr std::uint32_t kThreads = 4;
  const RedisBudget budget = endless(Money(200'000));
  std::vector<Replica> replicas;
  for (std::uint32_t i = 0; i < kThreads; ++i) replicas.emplace_back(i, ledger_at(server.socket()));
  std::vector<std::thread> threads;
  for (Replica& replica : replicas) {
    threads.emplace_back([&replica, &budget] {
      RandomStream random(RandomKey(7, 0, Purpose::kTest), replica.holder.sequence());
      for (int refused = 0; refused < 20;) {
        const Money worst(static_cast<std::int64_t>(1 + random.below(100)));
        if (replica.holder.reserve(worst, replica.now)) {
          refused = 0;
          const Money cost(static_cast<std::int64_t>(
              random.below(static_cast<std::uint64_t>(worst.count()) + 1)));
          replica.holder.settle(worst, cost);
          if (random.below(8) != 0) continue;
        } else {
          ++refused;
        }
        ASSERT_EQ(replica.exchange(budget).status, RedisStatus::kAnswered);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Money settled;
  for (Replica& replica : replicas) {
    replica.holder.give_back();
    replica.exchange(budget);
    settled += replica.holder.settled();
  }
  const RedisAnswer answer = replicas[0].exchange(budget);
  EXPECT_LE(settled, budget.limit);
  EXPECT_GE(settled, Money(198'000));  // At most 1 % is stranded.
  EXPECT_EQ(answer.book.settled, settled);
}

TEST(RedisLedgerTest, OptionsThatCannotBeMeantAreErrors) {
  const struct {
    RedisLedger::Options options;
    std::size_t errors;
  } cases[] = {
      {{.address = "127.0.0.1"}, 0},
      {{.address = "::1"}, 0},
      {{.address = "/run/redis.sock"}, 0},
      {{.address = ""}, 1},
      {{.address = "redis.example.com"}, 1},
      {{.address = "/" + std::string(107, 'x')}, 1},
      {{.address = "127.0.0.1", .timeout = Duration(0)}, 1},
      {{.address = "127.0.0.1", .timeout = hours(2)}, 1},
      {{.address = "127.0.0.1", .user = "fare"}, 1},
      {{.address = "127.0.0.1", .user = "fare", .password = "x"}, 0},
      {{.address = "localhost", .user = "fare", .timeout = -seconds(1)}, 3},
  };
  for (const auto& one : cases) {
    const auto ledger = RedisLedger::create(one.options);
    EXPECT_EQ(ledger ? 0 : ledger.error().size(), one.errors) << one.options.address;
  }
}

}  // namespace
}  // namespace fare
