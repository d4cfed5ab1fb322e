#pragma once

#include <gtest/gtest.h>

#include <string>   // std::string.
#include <utility>  // std::move.

#include "fare/lease.h"               // LeaseHolder.
#include "fare/redis/redis_ledger.h"  // RedisLedger.
#include "redis/redis_server.h"       // RedisServer.

namespace fare {

// Opens in the past and never ends; leases outlast any test.
inline RedisBudget endless(Money limit) {
  return {.name = "team",
          .window = {kWindowsFirst, kNever},
          .limit = limit,
          .lease = std::chrono::hours(1)};
}

// To a Redis that keeps every write.
inline RedisLedger ledger_at(std::string address, Duration timeout = std::chrono::seconds(60)) {
  return RedisLedger::create(
             {.address = std::move(address), .timeout = timeout, .keeps_every_write = true})
      .value();
}

// To one that may lose some, or is none.
inline RedisLedger doubtful_ledger_at(std::string address,
                                      Duration timeout = std::chrono::seconds(60)) {
  return RedisLedger::create({.address = std::move(address), .timeout = timeout}).value();
}

// A replica as a gateway has it: its holder, its connection, its own idea of the time.
struct Replica {
  Replica(std::uint32_t number, RedisLedger connection)
      : holder({.replica = number, .incarnation = 1, .safe = Money()}),
        ledger(std::move(connection)) {}

  // A request that is due; and the next one, if a new generation wants to hear more.
  RedisAnswer exchange(const RedisBudget& budget) {
    now += std::chrono::seconds(1);
    RedisAnswer answer;
    for (int round = 0; round < 3; ++round) {
      const auto request = holder.poll(now);
      if (!request) break;
      answer = ledger.exchange(budget, *request);
      if (answer.status != RedisStatus::kAnswered) return answer;
      EXPECT_EQ(answer.book.limit, answer.book.settled + answer.book.leased + answer.book.free);
      holder.receive(answer.reply, now);
    }
    return answer;
  }

  // The same, wanting `amount` if it has not so much.
  RedisAnswer refill(const RedisBudget& budget, Money amount) {
    if (holder.headroom() < amount) {
      EXPECT_FALSE(holder.reserve(amount, now));
    }
    return exchange(budget);
  }

  bool spend(Money amount) {
    if (!holder.reserve(amount, now)) return false;
    holder.settle(amount, amount);
    return true;
  }

  LeaseHolder holder;
  RedisLedger ledger;
  Instant now{};
};

}  // namespace fare
