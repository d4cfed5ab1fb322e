#pragma once

#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"    // Expected.
#include "fare/fair_share.h"  // Share.
#include "fare/money.h"       // Money.
#include "fare/time.h"        // Instant.
#include "fare/window.h"      // WindowSpec.

namespace fare {

// Who pays.  The first five form chains, each under one of an earlier kind; the others stand beside
// them, only a model may be under a provider.
enum class ScopeKind : std::uint8_t {
  kOrg,
  kTeam,
  kUser,
  kKey,
  kSession,
  kTag,
  kProvider,
  kModel,
};

// How much of a request a budget reserves, and so how far it may be exceeded.
enum class BudgetMode : std::uint8_t {
  kStrict,    // The upper bound: exceeded by exactly 0, as long as no request exceeds its bound.
  kExpected,  // A quantile: exceeded by at most what fare/overspend.h states.
  kObserve,   // The upper bound, but nothing is refused; what would have been is reported.
};

// What becomes of a ticket whose deadline passed.
enum class ExpiryPolicy : std::uint8_t {
  kChargeReserved,  // Everything that was reserved.
  kChargeCounted,   // What was counted so far, if anything was; else everything reserved.
  kRelease,         // Nothing: only for callers who know that such requests are never billed.
};

// What becomes of a ticket whose stream was cut off.
enum class AbortPolicy : std::uint8_t {
  kChargeReserved,
  kChargeCounted,
  kDrain,  // The caller reads on to the usage; the ticket stays open until settled or expired.
};

[[nodiscard]] std::string_view to_string(ScopeKind kind);
[[nodiscard]] std::string_view to_string(BudgetMode mode);

inline constexpr Money kLimitMax{1'000'000'000'000'000'000};  // A billion dollars.
inline constexpr std::size_t kBudgetsMax = 6;                 // Of one scope.
inline constexpr std::size_t kSoftMax = 4;                    // Soft thresholds of one budget.

// More money for a while: the limit is higher by `amount` from `from` until `until`.
struct Raise {
  Money amount;     // 0 to kLimitMax.
  Instant from{};   // Whole seconds, 1970 to 2100.
  Instant until{};  // Likewise, later.

  friend bool operator==(const Raise&, const Raise&) = default;
};

// What one scope may spend in one kind of window.
struct Budget {
  std::string id;  // Unique within its scope, and stable: state survives a reload by it.
  Money limit;     // 0 to kLimitMax.
  WindowSpec window;
  BudgetMode mode = BudgetMode::kStrict;
  std::vector<int> soft_percent;  // Ascending, 1 to 99: told when reached, nothing is refused.
  Money carry_over_max;           // Of what is left, at most this much comes on top next time.
  bool keep_debt = true;          // What was spent beyond the limit is taken off next time.
  std::vector<Raise> raises;      // At most 16; they add up.
  // Of a budget of the parent scope: see fare/fair_share.h.  Calendar and absolute windows only, no
  // raises, no carry-over.
  std::optional<Share> share = {};

  friend bool operator==(const Budget&, const Budget&) = default;
};

// An id that ends in "*" is a template: it stands for every scope whose id begins like it and that
// is not listed itself; such a scope comes into being when it is first used.
struct Scope {
  std::string id;  // Unique, at most 255 bytes, and stable.
  ScopeKind kind = ScopeKind::kOrg;
  std::string parent;           // An id; empty if it has none.
  std::vector<Budget> budgets;  // At most kBudgetsMax; none is fine.
};

// All budgets, as data.
struct BudgetConfig {
  std::string name;
  ExpiryPolicy on_expiry = ExpiryPolicy::kChargeReserved;
  AbortPolicy on_abort = AbortPolicy::kChargeReserved;
  // What the static checks hold the limits to, where given: the upper bound of one attempt, and how
  // many attempts a request may take.
  std::optional<Money> attempt_max;
  int attempts_max = 1;
  std::vector<Scope> scopes;
};

// Reads a configuration; `file` stands for it in messages.  Errors: everything wrong, each with its
// place, validate() included.
//
//   {"format": "fare-budgets/1", "name": "acme", "on_expiry": "charge_reserved",
//    "on_abort": "drain", "attempt_usd_max": "0.75", "attempts_max": 3,
//    "scopes": [
//      {"id": "acme", "kind": "org", "budgets": [
//        {"id": "month", "limit_usd": "10000", "mode": "strict", "soft_percent": [50, 80],
//         "window": {"kind": "month", "zone": "Europe/Berlin", "first_day": 26},
//         "carry_over_usd_max": "500", "keep_debt": true,
//         "raises": [{"usd": "2000", "from": "2026-12-01T00:00:00Z",
//                     "until": "2027-01-01T00:00:00Z"}]}]},
//      {"id": "search", "kind": "team", "parent": "acme", "budgets": [
//        {"id": "part", "limit_usd": "8000",
//         "window": {"kind": "month", "zone": "Europe/Berlin", "first_day": 26},
//         "share": {"of": "month", "weight": 3, "guarantee_usd": "1000", "borrow": true}}]},
//      {"id": "user:*", "kind": "user", "parent": "acme", "budgets": [
//        {"id": "hour", "limit_usd": "5", "window": {"kind": "rolling", "length_s": 3600}}]}]}
[[nodiscard]] Expected<BudgetConfig> parse_budgets(std::string_view file, std::string_view text);

// Everything that keeps a configuration from being loaded: an id that stands twice, an unknown
// parent, a cycle, a parent of a later kind, a window that is none, a value out of range,
// carry-over where no window follows, a share of a budget that has another window or mode.  `where`
// is "FILE#/scopes/0/...".  Empty if there is nothing. O(n log n).
[[nodiscard]] Errors validate(const BudgetConfig& config, std::string_view file);

// What loads but will hardly be meant.
struct BudgetFinding {
  std::string code;     // Stable: "child_above_parent", "never_resets", ...
  std::string where;    // "/scopes/0/budgets/1".
  std::string message;  // A sentence.
};

// Findings of a valid configuration, in its order: a budget that its ancestor's always undercuts
// (child_above_parent); a window that never resets (never_resets); a limit below what one request
// may reserve (request_above_limit); a limit of zero (zero_limit); a scope that no budget limits
// (unlimited_scope); a raise that outlasts no window (raise_never_holds); expiry that releases
// under a strict budget (release_breaks_strict); guarantees above what is shared
// (guarantees_above_parent) or above the child's own limit (guarantee_above_limit); a share that
// holds nothing (empty_share); a child that spends past its siblings' shares (unshared_child).
[[nodiscard]] std::vector<BudgetFinding> check(const BudgetConfig& config);

}  // namespace fare
