#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint8_t, std::int64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/money.h"   // Rate.
#include "fare/terms.h"   // ServiceTier, SpeedMode.
#include "fare/time.h"    // Instant.
#include "fare/tokens.h"  // Tokens.
#include "fare/usage.h"   // kMeterCount.

namespace fare {

// A price row as its table has it: for those who show, compare, check and write tables.  Nothing of
// this is on the way of a decision.

// What each meter costs; nothing where the table has no rate of its own.
using Rates = std::array<std::optional<Rate>, kMeterCount>;

// Rates of one context band: all tokens of a request whose total input exceeds `input_over`, up to
// the next band's.  The base band's is -1.
struct PriceBand {
  Tokens input_over{-1};
  Rates rates;
};

// Absolute rates under one set of terms.
struct PriceCell {
  ServiceTier tier = ServiceTier::kStandard;
  SpeedMode speed = SpeedMode::kStandard;
  std::string region;            // Empty: none named.
  std::string window;            // The time-of-week window it holds in; empty: any time.
  std::vector<PriceBand> bands;  // Ascending; the base first.
};

// A multiplier that the vendor documents, on one axis: it fills the cells that the row does not
// state, for tokens only.  `times` is an exact ratio in lowest terms.
struct PriceMultiplier {
  ServiceTier tier = ServiceTier::kStandard;
  SpeedMode speed = SpeedMode::kStandard;
  std::string region;
  std::int64_t numerator = 1;
  std::int64_t denominator = 1;
};

enum class PeriodStatus : std::uint8_t {
  kAnnounced,  // Published by the vendor, not yet in force when it was observed.
  kActive,
  kCorrected,  // Was wrong; another row replaces it since `known_until`.
  kCancelled,  // Announced, and withdrawn at `known_until` before it came into force.
};

[[nodiscard]] std::string_view to_string(PeriodStatus status);

// One row: prices that hold in [from, until), as was known in [known_from, known_until).
struct PricePeriod {
  Instant from;
  std::optional<Instant> until;  // Else until the next row that is known.
  Instant known_from;
  std::optional<Instant> known_until;  // Else it still stands.
  PeriodStatus status = PeriodStatus::kActive;
  std::vector<PriceCell> cells;  // The base first: standard, anywhere, any time.
  std::vector<PriceMultiplier> multipliers;
  std::string source;    // The key of the source.
  std::string observed;  // The day it was read, "2026-11-23".
  std::string note;
};

// A name that means this model in [from, until).
struct ModelAlias {
  std::string id;
  std::optional<Instant> from{};
  std::optional<Instant> until{};
};

}  // namespace fare
