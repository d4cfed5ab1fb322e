#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.

#include "fare/ledger_report.h"  // ScopeId, BudgetId.
#include "fare/money.h"          // Money.
#include "fare/time.h"           // Instant.
#include "fare/window.h"         // WindowSpan.

namespace fare {

// Stands for an open reservation.  Zero is none.
enum class LedgerTicket : std::uint64_t {};

inline constexpr std::size_t kBudgetsPerTicketMax = 16;  // Of all its scopes and their ancestors.
inline constexpr Money kReserveMax{1'000'000'000'000'000};  // A million dollars, for one request.
// A billion dollars, for one settlement: what a request did cost is booked whole, however far above
// what was reserved; eight of these still fit into Money.
inline constexpr Money kSettleMax{1'000'000'000'000'000'000};

// What a request asks for.
struct Ask {
  // Who pays: the end of a chain, and any side scopes; ancestors are found by the ledger.
  std::span<const ScopeId> scopes;
  Money worst;     // What it can cost at most, rounded up: for strict and observing budgets.
  Money expected;  // A quantile of what it may cost: for budgets in expected mode.
  Instant deadline = kNever;  // From then on expire() may close the ticket.
};

enum class ReserveStatus : std::uint8_t {
  kReserved,
  kOverBudget,      // Some budget has not so much left.
  kNotOpen,         // Some budget's absolute window has not begun, or is over.
  kUnknownScope,    // A scope that is not of this ledger, or was removed.
  kTooManyBudgets,  // More than kBudgetsPerTicketMax apply.
  kTooManyOpen,     // More tickets are open than Options allow.
  kNoTicket,        // top_up(): the ticket is closed, or never was.
};

[[nodiscard]] std::string_view to_string(ReserveStatus status);

struct Reservation {
  ReserveStatus status = ReserveStatus::kReserved;
  LedgerTicket ticket{};
  BudgetId refused_by{};            // The first budget that refused, from the end of the chain.
  Money free;                       // What it had left.
  std::optional<Instant> retry_at;  // When all that refused will have reset; nothing if that never
                                    // helps: no reset, or a limit below what is asked for.
  std::uint8_t soft_percent = 0;    // The highest soft threshold reached by any budget.
  bool would_refuse = false;        // A budget that only observes would have refused.
};

enum class CloseStatus : std::uint8_t {
  kClosed,
  kAlreadyClosed,  // Closed before; nothing was counted again.
  kUnknownTicket,  // Never given out by this ledger.
  kDraining,       // abort() under AbortPolicy::kDrain: still open.
  kTooMuch,        // settle() above kReserveMax: some budget's books would leave the range of Money
                   // (four billion dollars are spent there): still open, nothing was counted.
};

// What lease_out() gave: money of one window.
struct LedgerLease {
  Money amount;
  WindowSpan window{};
};

}  // namespace fare
