#pragma once

#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.
#include <string>   // std::string.

#include "fare/money.h"  // Money.
#include "fare/time.h"   // Duration.

namespace fare {

// What a budget may have of one of its parent scope's.
//
// Each child holds a part of the parent's money, and spends no more than it holds; all that is held
// is never more than the parent's limit.  So, at every instant:
//   - The parent's limit is a limit, as without shares.
//   - A child's guarantee is never lent: it holds at least that, or all it has used if that is
//   more.
//   - When a reservation needs more than its child holds, the parent is shared out anew, at that
//     instant: by weighted max-min (fair_shares()), where each child gets at least what is above,
//     and at most what it claims.  The asking one claims up to its own limit, if it may borrow;
//     every other one what it will have used when the window ends, if it goes on as since it began
//     (of a window without an end: after as long again), or what it holds, if it asked itself
//     within kShareHold.  Only the asking one gets more; others may get less than they hold.
//     A new window begins with guarantees alone; a reload takes unused loans back.
// So unused money of siblings can be borrowed, an unused loan goes back as soon as a sibling has
// the better right to it, what is used is never taken back, and children that press at the same
// time exhaust their parent at the weighted max-min of what was left when they all had begun to.
//
// What can keep a child from its guarantee: its own limit and debts; a limit above the parent, or a
// parent that is a share itself and holds less; guarantees that are together above the parent's
// limit (check() finds that); what siblings had used when a reload first promised it; and what is
// spent of the parent's outside of all shares: by requests of the parent scope itself, or of a
// child without a share (check() finds it), or by a debt.  A raise that ends before the window is
// not lent.  What Ledger::lease_out() takes comes out of what the child holds.
struct Share {
  std::string of;            // The id of the parent scope's budget: of equal window and mode.
  std::uint32_t weight = 1;  // 1 to 1,000,000.
  Money guarantee;           // 0 to kLimitMax; 0 for a template.
  bool borrow = true;        // Else it never holds more than its guarantee.

  friend bool operator==(const Share&, const Share&) = default;
};

inline constexpr std::uint32_t kShareWeightMax = 1'000'000;
inline constexpr Duration kShareHold = std::chrono::minutes(1);

// What one child claims of a capacity.
struct ShareClaim {
  std::uint32_t weight = 1;  // 1 to kShareWeightMax.
  Money least;               // At least 0.
  Money most;                // At least `least`.
};

// Shares a capacity out by weighted max-min: a level rises from 0, each claim gets weight * level,
// but at least `least` and at most `most`, until the capacity is used up.  (Bertsekas, Gallager:
// "Data Networks", 1992, section 6.5.2.)  `shares` add up to the capacity exactly; or to all
// that is claimed at most, if that is less; or at least, if that is more.  Where a level is no
// whole nanodollar for every claim, the largest remainders get one more, earlier claims first.
// O(n log n).  REQUIRES: as many shares as claims.
void fair_shares(Money capacity, std::span<const ShareClaim> claims, std::span<Money> shares);

}  // namespace fare
