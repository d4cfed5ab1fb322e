#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant.

namespace fare {

// What changed between two states of the price tables.

enum class ChangeKind : std::uint8_t {
  kModelAdded,
  kModelRemoved,
  kRowAdded,
  kRowRemoved,
  kRowWithdrawn,   // Corrected or cancelled: it stays, as what was once known.
  kRateChanged,    // A rate or a multiplier.
  kPeriodChanged,  // When a row holds, or since when it is known.
  kNameChanged,    // What an alias means.
  kWindowChanged,  // A time-of-week window or a calendar.
  kFactChanged,    // What has no price: limits, capabilities, sources, notes.
};

[[nodiscard]] std::string_view to_string(ChangeKind kind);  // "model added", ...

// What a change does to bills of the past.
enum class PastEffect : std::uint8_t {
  kNone,
  kBackdated,  // A row was added that began before now: what was unknown or carried on is repriced.
  kRewritten,  // A row, name or window that held before now was edited or removed, not withdrawn.
};

[[nodiscard]] std::string_view to_string(PastEffect effect);  // "none", "backdated", "rewritten".

struct PriceChange {
  ChangeKind kind;
  PastEffect past = PastEffect::kNone;
  std::string provider;
  std::string model;              // Empty: of the provider as a whole.
  std::string place;              // "from 2026-01-01T00:00:00Z, batch, input over 200000, output".
  std::string before;             // Empty: there was none.  Rates in dollars, as tables have them.
  std::string after;              // Empty: there is none.
  std::optional<double> percent;  // Of a rate that was above zero.
};

struct PriceDiff {
  std::vector<PriceChange> changes;  // By provider and model; then in the order of time and meters.
  std::size_t models = 0;            // How many have changes; facts about observation aside.
  PastEffect past = PastEffect::kNone;  // The worst of any.
};

// Compares two books; `now` tells the past from what is still to come.  Two books of the same hash
// differ at most in facts.
[[nodiscard]] PriceDiff diff_prices(const PriceBook& before, const PriceBook& after, Instant now);

}  // namespace fare
