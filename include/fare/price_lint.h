#pragma once

#include <cstdint>      // std::uint8_t.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant, Duration.

namespace fare {

// Finds in price tables what reads well and is wrong all the same: a rate in the wrong unit, a band
// that falls, a snapshot that drifted from its alias.  What does not even read, such as a name that
// stands twice or periods that overlap, PriceBook::parse() refuses already.

enum class LintLevel : std::uint8_t {
  kInfo,     // Worth a look.
  kWarning,  // Probably wrong, or a vendor's exception that deserves a note.
  kError,    // Wrong: no vendor sells like that.
};

[[nodiscard]] std::string_view to_string(LintLevel level);  // "info", ...

struct LintFinding {
  LintLevel level;
  std::string_view rule;  // One of lint_rules().
  std::string provider;
  std::string model;
  std::string place;       // "from 2026-01-01T00:00:00Z, batch, input over 200000, cache_write_1h".
  std::string value;       // "6".
  std::string must;        // The rule broken: "must be 2 x input, 0.5".
  std::string suggestion;  // What to do.
};

struct LintOptions {
  Instant now;                                 // Which rows are in force, late or old.
  Duration stale = std::chrono::hours(4'320);  // How long an observation stays fresh: 180 days.
};

// Everything found, errors first, then by provider and model.  O(rows log rows).
[[nodiscard]] std::vector<LintFinding> lint_prices(const PriceBook& book,
                                                   const LintOptions& options);

struct LintRule {
  std::string_view id;
  std::string_view what;
};

// Every rule, by id.
[[nodiscard]] std::span<const LintRule> lint_rules();

// The row in force at an instant as far as is known by now: what PriceBook::charge() uses; null if
// there is none.
[[nodiscard]] const PricePeriod* row_in_force(std::span<const PricePeriod> rows, Instant at);

}  // namespace fare
