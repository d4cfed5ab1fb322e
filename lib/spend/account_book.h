#pragma once

#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/blocks.h"         // Blocks.
#include "base/names.h"          // NameMap.
#include "fare/burn_rate.h"      // BurnBooks.
#include "fare/ledger_report.h"  // BudgetReport.
#include "spend/account.h"       // Account, AccountRule, Ring.
#include "spend/past_windows.h"  // PastWindows.

namespace fare {

// What happens to the money of one account in one of its windows.
struct Change {
  Money settled;
  Money reserved;
  Money leased;
};

// All accounts, and how their windows follow each other.
//
// What takes an index REQUIRES that account's lock, and any number of threads may work on different
// accounts; add_account() and rule_of() are for one thread at a time and need no lock.
class AccountBook {
 public:
  Account& operator[](std::uint32_t index) const { return accounts_[index]; }
  const AccountRule& rule(std::uint32_t index) const { return *rules_[accounts_[index].rule]; }
  std::uint32_t size() const { return accounts_size_; }  // Indices are 1 to size().

  // The number of the budget's rule: found, or new.  REQUIRES: a valid budget.
  std::uint32_t rule_of(const Budget& budget);
  std::uint32_t add_account(const Budget& budget, std::uint32_t rule, Money debt, Instant now);

  // Sets what is configured and recomputes the limit.
  void configure(std::uint32_t index, const Budget& budget, std::uint32_t rule, Instant now);

  // Brings the account to its window at `now`.  False: its absolute window is not open.
  // `second` is second_of(now).
  bool refresh(std::uint32_t index, Instant now, Second second) {
    return second < accounts_[index].fresh_until || refresh_slowly(index, now);
  }

  // Reserves in the current window, whatever is free.
  void reserve(std::uint32_t index, Money amount, Instant now);

  // Applies a change to the window that began at `window`.
  void apply(std::uint32_t index, Second window, const Change& change);

  // Whether the books can hold a settlement of `cost` in the window that began at `window`: what is
  // spent stays within kBooksMax, and so do debts, of this window and of those it passes them to.
  bool can_settle(std::uint32_t index, Second window, Money cost) const;

  // Whether what was reserved in the window that began at `window` is still in the books.
  bool counts(std::uint32_t index, Second window) const;

  // Reserves more in the window that began at `window` if so much is free there; what counts in a
  // rolling window moves to its current slice, whose beginning is then in `window`.
  bool top_up(std::uint32_t index, Second& window, Money held, Money more, bool must_fit);

  // Notes that a reservation was refused, or would have been.
  void note_refusal(std::uint32_t index, Second now);

  // When a reservation of `amount` may fit again; nothing if never.
  std::optional<Instant> retry_at(std::uint32_t index, Money amount, Instant now) const;

  // The highest soft threshold that is reached, in percent; 0 if none.
  std::uint8_t soft_percent(std::uint32_t index) const;

  // What a share holds for sure: its guarantee, without its debts, up to its limit.
  Money sure_share(std::uint32_t index) const;

  // What may be lent of a budget until its window ends.  REQUIRES: a calendar or absolute window.
  Money lendable(std::uint32_t index) const;

  // What a forecast needs of the current window.
  BurnBooks burn_books(std::uint32_t index) const;

  // Adds the current window and the past ones that are kept; the scope's name is the caller's.
  void report(std::uint32_t index, std::vector<BudgetReport>& out) const;

 private:
  const Window& window_of(const WindowSpec& spec);
  bool refresh_slowly(std::uint32_t index, Instant now);
  void turn_slices(Account& account, const AccountRule& rule, Second now);
  void turn_windows(std::uint32_t index, Instant now);
  void set_limit(Account& account, const AccountRule& rule, Instant now, Second window_end);
  void apply_past(std::uint32_t index, Second window, const Change& change);
  // Recomputes what each past window leaves to the one after it, up to the current one.
  void carry_again(Account& account, std::vector<PastWindow>& windows) const;
  Ring::Slice* live_slice(const Account& account, const AccountRule& rule, Second window) const;

  Blocks<Account, 16> accounts_;
  std::uint32_t accounts_size_ = 0;
  Blocks<Second, 16> refused_;  // By account: the first refusal of its window; 0: none.
  Blocks<const AccountRule*, 16> rules_;
  std::vector<std::unique_ptr<const AccountRule>> rules_owned_;
  NameMap<std::uint32_t> rule_by_content_;
  std::vector<Window> windows_;  // Few: those that rules share.
  Blocks<Ring, 16> rings_;
  std::uint32_t rings_size_ = 0;
  mutable PastWindows past_;
};

}  // namespace fare
