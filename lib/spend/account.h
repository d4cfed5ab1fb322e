#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint32_t.
#include <limits>    // std::numeric_limits.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/budget.h"      // Budget, BudgetMode.
#include "fare/money.h"       // Money.
#include "fare/window.h"      // Window.
#include "spend/spin_lock.h"  // SpinLock.

namespace fare {

// Whole seconds since 1970: enough until 2106, and windows end in 2100.
using Second = std::uint32_t;
inline constexpr Second kNeverSecond = std::numeric_limits<Second>::max();

Second second_of(Instant at);  // Rounded down; kNever becomes kNeverSecond.
Instant instant_of(Second second);

// What a budget can have spent, or owe, at most: so sums of a few such amounts fit into Money.
inline constexpr Money kBooksMax{4'000'000'000'000'000'000};

// All of a budget but its limit; budgets that differ in nothing else share one.  Immutable.
struct AccountRule {
  std::string id;
  Window window;
  std::vector<int> soft_percent;
  Money carry_over_max;
  bool keep_debt = true;
  std::vector<Raise> raises;
  std::optional<Share> share;
};

// The money of one budget in its current window: one cache line, under its own lock.
struct alignas(64) Account {
  SpinLock lock;
  std::uint32_t rule : 24 = 0;  // Its index.
  std::uint32_t mode : 2 = 0;   // A BudgetMode.
  std::uint32_t has_soft : 1 = 0;
  std::uint32_t has_past : 1 = 0;    // Past windows have tickets open: see past_windows.h.
  std::uint32_t is_rolling : 1 = 0;  // `carried` is the index of its ring.
  std::uint32_t is_session : 1 = 0;
  std::uint32_t is_removed : 1 = 0;
  std::uint32_t is_share : 1 = 0;  // `limit` is what it holds: see share_groups.h.
  Second begin = 0;        // Of the window; names it in tickets.  Rolling: of the current slice.
  Second fresh_until = 0;  // From then on the window, the raises or the slice are others.
  Money base;              // The configured limit.
  Money carried;
  Money limit;  // base + carried + raised.
  Money settled;
  Money reserved;
  Money leased;

  Money free() const { return limit - settled - reserved - leased; }
};

static_assert(sizeof(Account) == 64);

// What a rolling window's slices hold; slice s stands at s % size.
struct Ring {
  struct Slice {
    Money settled;
    Money reserved;
    Money leased;
  };
  std::array<Slice, Window::kSlices + 1> slice;
};

}  // namespace fare
