#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <memory>       // std::unique_ptr.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/budget.h"         // BudgetConfig.
#include "fare/burn_rate.h"      // BurnBooks.
#include "fare/expected.h"       // Expected.
#include "fare/inline_list.h"    // InlineList.
#include "fare/ledger_report.h"  // BudgetReport, ReloadReport, ScopeId.
#include "fare/money.h"          // Money.
#include "fare/reservation.h"    // Ask, Reservation, LedgerTicket.
#include "fare/time.h"           // Instant.

namespace fare {

// Who may spend how much, and who did.
//
// A reservation takes its amount from every budget of its scopes and of all their ancestors, or
// from none.  In every budget and window, at every instant and to the nanodollar,
//
//   limit = settled + reserved + leased + free,
//
// and a strict budget's free is never made negative by a reservation: it is exceeded by exactly 0,
// whatever the threads do, as long as no request costs more than its `worst`.  What does cost more
// is a debt: it is counted in full, makes free negative, and by `keep_debt` lowers the next limit.
// A ticket stays with the windows it was reserved in, however late it is settled; one that reserved
// nothing and costs something settles in the current window once its own is gone.
//
// Thread-safe: any number of threads may call any function at the same time; one function at a
// time restructures (create_scope, reload), and the others do not wait for it.  There is no common
// lock: each budget has its own, and a reservation holds those of its chain for some ten
// nanoseconds each, always in the same order, a chain's root last and shortest.
// Money: every amount is in [0, kReserveMax], a settlement in [0, kSettleMax].  Time: kWindowsFirst
// <= now < kWindowsEnd; a `now` before a budget's current window counts in that window.
class Ledger {
 public:
  struct Options {
    std::uint32_t tickets_max = 16'000'000;  // Open at a time; 192 bytes each.  At least 16.
    std::uint32_t scopes_max = 16'000'000;   // About 150 bytes each, with one budget.
  };

  // Errors: validate()'s, all of them.
  [[nodiscard]] static Expected<std::unique_ptr<Ledger>> create(const BudgetConfig& config,
                                                                Instant now, Options options);
  [[nodiscard]] static Expected<std::unique_ptr<Ledger>> create(const BudgetConfig& config,
                                                                Instant now);

  // The scope of that id; ScopeId{} if there is none.  About 30 ns; allocates nothing.
  [[nodiscard]] ScopeId find(std::string_view id) const;

  // Likewise, but a scope that only a template stands for is made; the longest template wins.
  // ScopeId{} if none does, or scopes_max are there.
  ScopeId find_or_create(std::string_view id, Instant now);

  // Reserves.  About 80 ns for four budgets.  Allocates nothing, except that ticket slots grow, by
  // doubling, when more tickets are open than ever before, that a window which ends while tickets
  // of it are open is kept until they are closed, and that a share that holds too little while its
  // parent has enough is shared out anew, in O(n log n) of its siblings (fare/fair_share.h).
  [[nodiscard]] Reservation reserve(const Ask& ask, Instant now);

  // Reserves more for the same ticket, in the windows it has: before every further attempt, or when
  // a stream passes its bound.  If refused, the ticket stays as it was.
  [[nodiscard]] Reservation top_up(LedgerTicket ticket, Money worst, Money expected,
                                   Instant deadline, Instant now);

  // Closes a ticket with what it cost; nothing, if that is unknown: then with all that was
  // reserved.  Idempotent and exact: only the first of settle(), release(), a charging abort() and
  // expire() counts.  About 50 ns for four budgets.  Allocates nothing.  Above kReserveMax all of
  // its budgets are held at once, and all of them take it or none: see CloseStatus::kTooMuch.
  CloseStatus settle(LedgerTicket ticket, std::optional<Money> cost, Instant now);

  // Closes a ticket that cost nothing.
  CloseStatus release(LedgerTicket ticket, Instant now);

  // Notes what a stream has cost so far, for AbortPolicy and ExpiryPolicy::kChargeCounted.
  void count(LedgerTicket ticket, Money so_far);

  // Closes the ticket of a stream that was cut off, by the AbortPolicy.
  CloseStatus abort(LedgerTicket ticket, Instant now);

  // Closes every ticket whose deadline is at or before `now`, by the ExpiryPolicy; returns how
  // many.  Cheap if there is nothing to do; else O(open tickets), without stopping others.
  std::size_t expire(Instant now);

  // Gives a part of what a budget has free to a replica (see fare/lease.h): up to `amount`.
  // take_back() ends a lease or a part of it: of `amount`, `spent` was.  REQUIRES: not more than
  // is leased in that window; 0 <= spent.  What was spent beyond `amount` is a debt.
  [[nodiscard]] LedgerLease lease_out(BudgetId budget, Money amount, Instant now);
  void take_back(BudgetId budget, Instant window_begin, Money amount, Money spent, Instant now);

  // Books what one budget had spent in the window of `now` already: in another process, or before a
  // restart.  It counts as settled.  False: no such scope or budget; a template's scope is made.
  // REQUIRES: 0 <= spent <= kLimitMax.
  bool adopt(std::string_view scope, std::string_view budget, Money spent, Instant now);

  // Takes a new configuration, by the ids of scopes and budgets: what was spent stays spent, open
  // tickets settle where they were reserved.  A limit below what is spent blocks.  A budget whose
  // window changed starts afresh (a debt is kept), a removed scope refuses; one that comes back
  // finds its money as it was.  Each budget changes at one instant, not all at the same; others
  // wait for none of it.  Errors: validate()'s, and then nothing changed.
  [[nodiscard]] Expected<ReloadReport> reload(const BudgetConfig& config, Instant now);

  // What is in the books: of all budgets, or one scope's; past windows that still have open tickets
  // included.  Each line is one instant's.
  [[nodiscard]] std::vector<BudgetReport> report(Instant now) const;
  [[nodiscard]] std::vector<BudgetReport> report(ScopeId scope, Instant now) const;

  // The budgets that a reservation of these scopes would take from, ancestors' included; none if
  // it would be kUnknownScope or kTooManyBudgets.  And what a forecast needs of one of them, at one
  // instant.  Below a microsecond; they allocate nothing.
  [[nodiscard]] InlineList<BudgetId, kBudgetsPerTicketMax> budgets_of(
      std::span<const ScopeId> scopes) const;
  [[nodiscard]] BurnBooks burn_books(BudgetId budget, Instant now) const;

  [[nodiscard]] std::uint64_t open_tickets() const;
  [[nodiscard]] std::string_view name(ScopeId scope) const;  // As long as the ledger lives.

  // Adds up all open tickets and compares them with the books, budget by budget: one line for each
  // difference, so empty.  REQUIRES: nobody else calls anything meanwhile.
  [[nodiscard]] std::vector<std::string> audit() const;

  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

 private:
  struct State;
  explicit Ledger(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fare
