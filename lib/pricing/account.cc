#include "fare/account.h"

#include <algorithm>

#include "fare/check.h"

namespace fare {

Account::Account(std::vector<Credit> credits, std::vector<Commitment> commitments) {
  for (const Credit& credit : credits) {
    FARE_CHECK(credit.amount >= Cost() && credit.from < credit.expires);
    credits_.push_back({credit.amount, credit.from, credit.expires});
  }
  for (const Commitment& commitment : commitments) {
    FARE_CHECK(commitment.amount >= Cost() && commitment.from < commitment.until);
    commitments_.push_back({commitment.amount, commitment.from, commitment.until});
  }
  const auto by_end = [](const Pot& a, const Pot& b) { return a.until < b.until; };
  std::stable_sort(credits_.begin(), credits_.end(), by_end);
  std::stable_sort(commitments_.begin(), commitments_.end(), by_end);
}

// Takes up to `amount` out of the pots that are open at `at`, in order; how much it was.
Cost Account::draw(std::vector<Pot>& pots, Cost amount, Instant at) {
  Cost drawn;
  for (Pot& pot : pots) {
    if (at < pot.from || at >= pot.until) continue;
    const Cost part = std::min(pot.left, amount - drawn);
    pot.left -= part;
    drawn += part;
  }
  return drawn;
}

Payment Account::pay(Cost amount, Instant at) {
  FARE_CHECK(amount >= Cost());
  FARE_CHECK(at >= last_);
  last_ = at;
  Payment payment;
  payment.credited = draw(credits_, amount, at);
  payment.committed = draw(commitments_, amount - payment.credited, at);
  payment.billed = amount - payment.credited - payment.committed;
  sums_.credited += payment.credited;
  sums_.committed += payment.committed;
  sums_.billed += payment.billed;
  return payment;
}

Settling Account::settled(Instant at) const {
  Settling settling = sums_;
  for (const Pot& pot : credits_) {
    if (pot.until <= at) settling.expired += pot.left;
  }
  for (const Pot& pot : commitments_) {
    if (pot.until <= at) settling.shortfall += pot.left;
  }
  return settling;
}

Cost Account::credit_left(Instant at) const { return left(credits_, at); }
Cost Account::commitment_left(Instant at) const { return left(commitments_, at); }

Cost Account::left(const std::vector<Pot>& pots, Instant at) {
  Cost left;
  for (const Pot& pot : pots) {
    if (at >= pot.from && at < pot.until) left += pot.left;
  }
  return left;
}

Cost reserved_cost(const ReservedCapacity& reserved, Instant from, Instant until) {
  const Instant begin = std::max(from, reserved.from);
  const Instant end = std::min(until, reserved.until);
  if (begin >= end) return Cost();
  constexpr std::int64_t kHour = Duration(std::chrono::hours(1)).count();
  const std::int64_t hours = (end - begin).count() / kHour;
  const std::int64_t rest = (end - begin).count() % kHour;
  const Cost whole(reserved.usd_per_hour.count() * reserved.units * hours);
  const Int128 twice = 2 * (reserved.usd_per_hour.count() * reserved.units % kHour) * rest;
  Int128 part = reserved.usd_per_hour.count() * reserved.units / kHour * rest + twice / (2 * kHour);
  const Int128 left = twice % (2 * kHour);
  if (left > kHour || (left == kHour && part % 2 != 0)) ++part;
  return whole + Cost(part);
}

}  // namespace fare
