#pragma once

#include <cstdint>  // std::int64_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "fare/money.h"  // Cost.
#include "fare/time.h"   // Instant.

namespace fare {

// Money given in advance, until it expires.
struct Credit {
  std::string name;
  Cost amount;
  Instant from;
  Instant expires;  // The first instant at which it is gone.
};

// A promise to spend at least so much in [from, until): what is not spent is paid all the same.
struct Commitment {
  std::string name;
  Cost amount;
  Instant from;
  Instant until;
};

// Capacity paid by the hour, used or not: provisioned throughput units, GPU hours.
struct ReservedCapacity {
  std::string name;
  std::int64_t units = 1;
  Cost usd_per_hour;  // Of one unit.
  Instant from;
  Instant until;
};

// How one expense was paid.  The parts add up to the expense.
struct Payment {
  Cost credited;   // From credits.
  Cost committed;  // Drawn from commitments.
  Cost billed;     // The rest: on the invoice beyond all commitments.
};

// What an account comes to at the end of its commitments.
struct Settling {
  Cost credited;
  Cost expired;  // Credits that nobody used in time.
  Cost committed;
  Cost shortfall;  // Of all commitments that have ended: due though nothing was used.
  Cost billed;
};

// Credits and commitments being used up, expense by expense, in order of time.  Credits go first,
// the one that expires first before the others; then commitments, the one that ends first.  Not
// thread-safe.
class Account {
 public:
  Account(std::vector<Credit> credits, std::vector<Commitment> commitments);

  // REQUIRES: amount is not negative; `at` is not before that of the expense before it.
  Payment pay(Cost amount, Instant at);

  // The state of everything at `at`: what has expired or ended by then counts as lost or due.
  [[nodiscard]] Settling settled(Instant at) const;

  [[nodiscard]] Cost credit_left(Instant at) const;
  [[nodiscard]] Cost commitment_left(Instant at) const;  // Of commitments running at `at`.

 private:
  struct Pot {
    Cost left;
    Instant from;
    Instant until;
  };

  static Cost draw(std::vector<Pot>& pots, Cost amount, Instant at);
  static Cost left(const std::vector<Pot>& pots, Instant at);

  std::vector<Pot> credits_;      // By expiry.
  std::vector<Pot> commitments_;  // By end.
  Instant last_ = Instant::min();
  Settling sums_;
};

// What reserved capacity costs in [from, until), to the nanosecond; half to even.
[[nodiscard]] Cost reserved_cost(const ReservedCapacity& reserved, Instant from, Instant until);

}  // namespace fare
