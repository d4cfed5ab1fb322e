// Goal: whatever happens to Redis or on the way there, the answer is a typed one, comes in time,
// and no money is lost or made.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "fare/redis/redis_ledger.h"
#include "redis/lease_call.h"
#include "redis/redis_server.h"
#include "redis/replica.h"

namespace fare {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace fs = std::filesystem;

// Answers the first message of every connection with the same bytes, and may hang up then.
class Peer {
 public:
  Peer(std::string answer, bool hangs_up) : answer_(std::move(answer)), hangs_up_(hangs_up) {
    folder_ = (fs::temp_directory_path() / "fare_peer_XXXXXX").string();
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.number(), 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Peer() {
    ::shutdown(listener_.number(), SHUT_RDWR);
    thread_.join();
    fs::remove_all(folder_);
  }

  std::string socket() const { return folder_ + "/socket"; }

 private:
  void serve() {
    std::vector<Descriptor> open;
    for (;;) {
      Descriptor connection(::accept(listener_.number(), nullptr, nullptr));
      if (!connection.is_open()) return;
      char byte = 0;
      (void)!::recv(connection.number(), &byte, 1, 0);
      (void)!::send(connection.number(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (!hangs_up_) open.push_back(std::move(connection));
    }
  }

  std::string answer_;
  bool hangs_up_;
  std::string folder_;
  Descriptor listener_;
  std::thread thread_;
};

// One request, and its answer.
RedisAnswer ask(RedisLedger ledger) {
  Replica replica(1, std::move(ledger));
  return replica.ledger.exchange(endless(Money(100)), replica.holder.poll(replica.now).value());
}

TEST(RedisFaultsTest, WhateverAPeerAnswersTheAnswerIsTyped) {
  const std::string head = "*9\r\n$2\r\nok\r\n";
  const auto texts = [&head](const std::vector<std::string>& values) {
    std::string bytes = head;
    for (const std::string& value : values) {
      bytes += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    }
    return bytes;
  };
  const struct {
    std::string answer;
    bool hangs_up;
    RedisStatus status;
  } cases[] = {
      {texts({"7", "5", "5", "9", "100", "20", "5", "0"}), false, RedisStatus::kAnswered},
      {texts({"7", "5", "5", "9", "100", "20", "5"}), false, RedisStatus::kTimedOut},
      {texts({"7", "-5", "5", "9", "100", "20", "5", "0"}), false, RedisStatus::kGarbled},
      {texts({"0", "5", "5", "9", "100", "20", "5", "0"}), false, RedisStatus::kGarbled},
      {texts({"7", "5.0", "5", "9", "100", "20", "5", "0"}), false, RedisStatus::kGarbled},
      {texts({"7", "5", "5", "", "100", "20", "5", "0"}), false, RedisStatus::kGarbled},
      {texts({"7", "5", "5", "9223372036854775807", "1", "1", "1", "0"}), false,
       RedisStatus::kGarbled},
      {texts({"7", "9223372036854775808", "5", "9", "100", "20", "5", "0"}), false,
       RedisStatus::kGarbled},
      {texts({"7", "5", "5", "9", "-9223372036854775808", "1", "0", "0"}), false,
       RedisStatus::kGarbled},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", false, RedisStatus::kGarbled},
      {"+OK\r\n", false, RedisStatus::kGarbled},
      {":5\r\n", false, RedisStatus::kGarbled},
      {"$-1\r\n", false, RedisStatus::kGarbled},
      {"*0\r\n", false, RedisStatus::kGarbled},
      {"*-1\r\n", false, RedisStatus::kGarbled},
      {"*2147483647\r\n", false, RedisStatus::kGarbled},
      {"*1\r\n*1\r\n*1\r\n$2\r\nok\r\n", false, RedisStatus::kGarbled},
      {"*1\r\n$8\r\nnot open\r\n", false, RedisStatus::kNotOpen},
      {"*1\r\n$8\r\nnot open\r\n+OK\r\n", false, RedisStatus::kGarbled},
      {"$2147483647\r\n" + std::string(100'000, 'x'), false, RedisStatus::kGarbled},
      {"-MOVED 3999 10.0.0.7:6379\r\n", false, RedisStatus::kElsewhere},
      {"-READONLY You can't write against a read only replica.\r\n", false,
       RedisStatus::kElsewhere},
      {"-NOAUTH Authentication required.\r\n", false, RedisStatus::kDenied},
      {"-LOADING Redis is loading the dataset in memory\r\n", false, RedisStatus::kRefused},
      {"-\r\n", false, RedisStatus::kRefused},
      {"", false, RedisStatus::kTimedOut},
      {"", true, RedisStatus::kUnreachable},
      {head, true, RedisStatus::kUnreachable},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.answer.substr(0, 60));
    const Peer peer(one.answer, one.hangs_up);
    const bool is_late = one.status == RedisStatus::kTimedOut;
    const RedisAnswer answer = ask(doubtful_ledger_at(
        peer.socket(), is_late ? milliseconds(20) : Duration(milliseconds(60'000))));
    EXPECT_EQ(to_string(answer.status), to_string(one.status)) << answer.detail;
    EXPECT_EQ(answer.detail.empty(), one.status == RedisStatus::kAnswered || one.answer == "-\r\n");
  }
}

// A port of the loopback address, taken as long as this lives, with nobody listening.
class Port {
 public:
  Port() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.number(), any, size), 0);
    EXPECT_EQ(::getsockname(socket_.number(), any, &size), 0);
    number_ = ntohs(address.sin_port);
  }
  std::uint16_t number() const { return number_; }

 private:
  Descriptor socket_{::socket(AF_INET, SOCK_STREAM, 0)};
  std::uint16_t number_ = 0;
};

RedisLedger ledger_on(std::uint16_t port) {
  return RedisLedger::create(
             {.address = "127.0.0.1", .port = port, .timeout = std::chrono::seconds(60)})
      .value();
}

TEST(RedisFaultsTest, WhereNobodyListensItIsUnreachable) {
  EXPECT_EQ(ask(ledger_at("/nonexistent/socket")).status, RedisStatus::kUnreachable);
  const Port port;
  EXPECT_EQ(ask(ledger_on(port.number())).status, RedisStatus::kUnreachable);
}

TEST(RedisFaultsTest, OverTcpItAnswersToo) {
  SKIP_WITHOUT_REDIS();
  const std::uint16_t port = Port().number();
  RedisServer server({"--bind", "127.0.0.1", "--port", std::to_string(port)});
  EXPECT_EQ(ask(ledger_on(port)).status, RedisStatus::kAnswered);
}

TEST(RedisFaultsTest, ARedisThatStandsStillTimesOutAndCountsOnce) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(100));
  Replica replica(1, ledger_at(server.socket(), milliseconds(50)));
  // A connection to be late on; on a busy machine the first may be late itself.
  while (replica.exchange(budget).status == RedisStatus::kTimedOut) {
  }
  server.pause();
  EXPECT_EQ(replica.refill(budget, Money(60)).status, RedisStatus::kTimedOut);
  server.resume();
  // The late answer must not be taken for the next one's.
  RedisAnswer answer;
  do {
    answer = replica.refill(budget, Money(80));
  } while (answer.status == RedisStatus::kTimedOut);
  EXPECT_EQ(answer.status, RedisStatus::kAnswered) << answer.detail;
  EXPECT_EQ(answer.book.leased, Money(80));
  EXPECT_EQ(replica.holder.headroom(), Money(80));
}

TEST(RedisFaultsTest, AConnectionThatWasCutIsMadeAgain) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(100));
  Replica replica(1, ledger_at(server.socket()));
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kAnswered);
  server.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kAnswered);
}

TEST(RedisFaultsTest, WhoMayNotEnterIsDenied) {
  SKIP_WITHOUT_REDIS();
  RedisServer server({"--requirepass", "secret"});
  const auto with = [&server](std::string user, std::string password) {
    return ask(RedisLedger::create({.address = server.socket(),
                                    .user = std::move(user),
                                    .password = std::move(password),
                                    .timeout = std::chrono::seconds(60)})
                   .value())
        .status;
  };
  EXPECT_EQ(with("", ""), RedisStatus::kDenied);
  EXPECT_EQ(with("", "wrong"), RedisStatus::kDenied);
  EXPECT_EQ(with("nobody", "secret"), RedisStatus::kDenied);
  EXPECT_EQ(with("", "secret"), RedisStatus::kAnswered);
  EXPECT_EQ(with("default", "secret"), RedisStatus::kAnswered);
}

TEST(RedisFaultsTest, ARedisThatDoesNotKeepEveryWriteIsNotTakenForOneThatDoes) {
  SKIP_WITHOUT_REDIS();
  for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
           {},
           {"--appendonly", "yes"},
           {"--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "yes"},
           {"--appendonly", "yes", "--appendfsync", "always", "--rename-command", "CONFIG", ""}}) {
    RedisServer server(settings);
    const RedisAnswer answer = ask(ledger_at(server.socket()));
    EXPECT_EQ(to_string(answer.status), "not_durable") << answer.detail;
    EXPECT_EQ(server.text({"DBSIZE"}), "0");
  }
  RedisServer server;
  EXPECT_EQ(ask(ledger_at(server.socket())).status, RedisStatus::kAnswered);
}

TEST(RedisFaultsTest, ARefusedStepChangesNothing) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(100));
  Replica replica(1, ledger_at(server.socket()));
  replica.refill(budget, Money(60));
  const std::string before = server.text({"HGET", lease_keys(budget)[0], "leased"});
  ASSERT_TRUE(replica.spend(Money(60)));
  server.text({"CONFIG", "SET", "maxmemory", "1"});  // Full.
  EXPECT_EQ(replica.refill(budget, Money(30)).status, RedisStatus::kRefused);
  EXPECT_EQ(server.text({"HGET", lease_keys(budget)[0], "leased"}), before);
  server.text({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(replica.refill(budget, Money(30)).book.leased, Money(30));
  // Somebody else's key.
  server.text({"SET", lease_keys(budget)[2], "x"});
  EXPECT_EQ(replica.exchange(budget).status, RedisStatus::kRefused);
}

// Goal: with every write kept, kill -9 loses nothing.
// Method: replicas spend through their connections in a thread each while Redis is killed under
// them and started again, over and over.  In between all report, and the book must say what they
// do, to the nanodollar.
TEST(RedisFaultsTest, KilledAndRestartedItHasLostNothing) {
  SKIP_WITHOUT_REDIS();
  RedisServer server;
  const RedisBudget budget = endless(Money(1'000'000));
  std::vector<Replica> replicas;
  for (std::uint32_t i = 0; i < 3; ++i) replicas.emplace_back(i, ledger_at(server.socket()));
  for (std::uint64_t round = 0; round < 12; ++round) {
    std::latch busy(static_cast<std::ptrdiff_t>(replicas.size()));
    std::vector<std::thread> threads;
    for (Replica& replica : replicas) {
      threads.emplace_back([&replica, &budget, &busy, round] {
        RandomStream random(RandomKey(round, 0, Purpose::kTest), replica.holder.sequence());
        std::uint64_t left = 4 + random.below(8);  // Until it may be killed.
        for (;;) {
          const Money worst(static_cast<std::int64_t>(1 + random.below(500)));
          if (replica.spend(worst) && random.below(4) != 0) continue;
          const bool is_answered = replica.exchange(budget).status == RedisStatus::kAnswered;
          if (left > 0 && (--left == 0 || !is_answered)) {
            left = 0;
            busy.count_down();
          }
          if (!is_answered) return;
        }
      });
    }
    busy.wait();
    server.kill();
    for (std::thread& thread : threads) thread.join();
    server.start();
    Money settled;
    Money held;
    RedisAnswer answer;
    for (Replica& replica : replicas) {
      answer = replica.exchange(budget);
      ASSERT_EQ(answer.status, RedisStatus::kAnswered) << answer.detail;
      EXPECT_FALSE(answer.book.is_learning);
      settled += replica.holder.settled();
      held += replica.holder.headroom();
    }
    EXPECT_EQ(answer.book.settled, settled);
    EXPECT_EQ(answer.book.leased, held);
    ASSERT_LE(settled + held, budget.limit);
  }
  EXPECT_GT(replicas[0].holder.settled(), Money());
}

// Goal: a Redis that forgot its last grants, as after a loss of power without appendfsync always,
// does not give the same money twice.
TEST(RedisFaultsTest, ALostTailIsPresumedSpent) {
  SKIP_WITHOUT_REDIS();
  RedisServer server({"--appendonly", "yes", "--appendfsync", "no"});
  RedisBudget budget = endless(Money(1'000));
  budget.lease = microseconds(1);  // It has listened by the next message.
  Replica one(1, doubtful_ledger_at(server.socket()));
  Replica other(2, doubtful_ledger_at(server.socket()));
  one.exchange(budget);
  one.refill(budget, Money(100));
  const fs::path file = server.folder() + "/appendonlydir/appendonly.aof.1.incr.aof";
  const std::uintmax_t size = fs::file_size(file);
  one.refill(budget, Money(900));
  ASSERT_EQ(one.holder.headroom(), Money(900));
  server.kill();
  ASSERT_GT(fs::file_size(file), size);
  fs::resize_file(file, size);
  server.start();
  EXPECT_EQ(other.refill(budget, Money(200)).book.free, Money());
  EXPECT_EQ(other.holder.headroom(), Money());
  // The one that holds it is heard; what it gives back is free again.
  ASSERT_TRUE(one.spend(Money(50)));
  one.exchange(budget);
  EXPECT_EQ(one.holder.headroom(), Money(850));
  one.holder.give_back();
  one.exchange(budget);
  other.refill(budget, Money(200));
  EXPECT_GE(other.holder.headroom(), Money(200));
}

TEST(RedisFaultsTest, ARedisThatForgotEverythingGivesNothingTwice) {
  SKIP_WITHOUT_REDIS();
  RedisServer server(RedisServer::forgetful());
  RedisBudget budget = endless(Money(1'000));
  budget.lease = microseconds(1);
  Replica one(1, doubtful_ledger_at(server.socket()));
  Replica other(2, doubtful_ledger_at(server.socket()));
  one.exchange(budget);  // It begins with listening.
  one.refill(budget, Money(900));
  ASSERT_EQ(one.holder.headroom(), Money(900));
  server.kill();
  server.start();
  budget.lease = std::chrono::hours(1);
  EXPECT_TRUE(other.refill(budget, Money(200)).book.is_learning);
  one.refill(budget, Money(901));
  const RedisAnswer answer = other.refill(budget, Money(200));
  EXPECT_EQ(answer.book.free, Money());
  EXPECT_EQ(other.holder.headroom(), Money());
  EXPECT_EQ(one.holder.headroom(), Money(900));
}

}  // namespace
}  // namespace fare
