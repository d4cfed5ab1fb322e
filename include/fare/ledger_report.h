#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/budget.h"  // BudgetMode.
#include "fare/money.h"   // Money.
#include "fare/time.h"    // Instant.
#include "fare/window.h"  // WindowKind, WindowSpan.

namespace fare {

// A scope of one ledger; zero is none.  Stays the same as long as the ledger lives.
enum class ScopeId : std::uint32_t {};

// A budget of one ledger; zero is none.
enum class BudgetId : std::uint32_t {};

// The books of one budget in one window:
//
//   limit = settled + reserved + leased + free,  limit = base + carried + raised.
//
// A share's limit is instead what it holds at the moment (fare/fair_share.h), or what it has used.
// free < 0 is a debt, or a limit that was lowered.  The views live as long as the ledger.
struct BudgetReport {
  BudgetId id{};
  std::string_view scope;
  std::string_view budget;
  BudgetMode mode = BudgetMode::kStrict;
  WindowKind kind = WindowKind::kMonth;
  WindowSpan window{};   // Rolling: the current slice.
  bool is_past = false;  // A window that is over, but has tickets open.
  Money limit;
  Money carried;  // Of the limit: what the window before left over, or its debt, negative.
  Money settled;
  Money reserved;  // What open tickets hold.
  Money leased;    // What replicas hold.
  Money free;
  // The first time in this window that it refused a reservation, or would have if it did more than
  // observe: in whole seconds, rounded down.  Nothing for past windows.  A rolling window keeps it
  // for one length.
  std::optional<Instant> refused_at;
};

// What a reload changed.
struct ReloadReport {
  std::size_t scopes_added = 0;
  std::size_t scopes_removed = 0;
  std::size_t budgets_added = 0;
  std::size_t budgets_removed = 0;
  std::size_t budgets_changed = 0;  // Limit, mode, or anything but the window.
  std::size_t windows_changed = 0;
};

}  // namespace fare
