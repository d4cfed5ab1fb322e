#pragma once

#include <cstdint>  // std::uint64_t.

#include "fare/money.h"  // Money.

namespace fare {

// What is open when a budget in expected mode is exhausted.
struct OpenReservations {
  std::uint64_t count = 0;  // At most so many tickets are open at a time.
  double quantile = 0.9;    // Each costs more than reserved with a probability of at most
                            // 1 - quantile, whatever the others cost.
  Money excess_max;         // By at most this: the largest worst - expected of an Ask.
};

// How far a budget in BudgetMode::kExpected can be exceeded: with a probability of at least
// `confidence`, what is settled in a window is at most limit + overspend_bound().
//
// A closed ticket counts with what it cost, and nothing is reserved that does not fit, so only
// those open at the last reservation can exceed the limit, each by at most its excess.  How many of
// them do is at most binomial(count, 1 - quantile); Bernstein's inequality bounds it: with m =
// count * (1 - quantile), v = m * quantile and c = ln(1 / (1 - confidence)) it is more than m + c /
// 3 + sqrt(c * c / 9 + 2 * c * v) with a probability of at most 1 - confidence. (Boucheron, Lugosi,
// Massart: "Concentration Inequalities", 2013, section 2.8.)  Never more than count * excess_max,
// which holds for certain. REQUIRES: 0 <= quantile <= 1; 0 < confidence < 1; 0 <= excess_max; the
// certain bound fits Money.
[[nodiscard]] Money overspend_bound(const OpenReservations& open, double confidence);

}  // namespace fare
