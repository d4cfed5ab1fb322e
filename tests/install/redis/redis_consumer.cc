// Links fare::redis as installed; without a Redis, it must say so.

#include "fare/lease.h"
#include "fare/redis/redis_ledger.h"

int main() {
  auto ledger = fare::RedisLedger::create({.address = "/nonexistent/socket"});
  if (!ledger) return 1;
  fare::LeaseHolder holder({.replica = 1, .incarnation = 1, .safe = fare::Money()});
  const fare::RedisBudget budget{
      .name = "team", .window = {fare::kWindowsFirst, fare::kNever}, .limit = fare::Money(1)};
  const fare::RedisAnswer answer = ledger->exchange(budget, *holder.poll(fare::Instant()));
  return answer.status == fare::RedisStatus::kUnreachable ? 0 : 1;
}
