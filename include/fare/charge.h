#pragma once

#include <cstdint>      // std::uint8_t, std::int64_t.
#include <string_view>  // std::string_view.

#include "fare/inline_list.h"  // InlineList.
#include "fare/money.h"        // Cost, Rate.
#include "fare/tokens.h"       // Tokens.
#include "fare/usage.h"        // Meter.

namespace fare {

enum class PriceStatus : std::uint8_t {
  kPriced,           // Every token has its price.
  kPartiallyPriced,  // Some meter that was used has no rate: `total` is what is known, not the
                     // cost.
  kUnpriced,         // Nothing has a price.
};

[[nodiscard]] std::string_view to_string(PriceStatus status);

// Why a charge is unpriced as a whole.
enum class PriceGap : std::uint8_t {
  kNone,
  kNoRow,       // The model has no row at that instant, as known then.
  kNoTerms,     // The row does not say what that tier, speed or region costs.
  kNoCalendar,  // Whether that day is a holiday is not known: the calendar ends before it.
};

// One line of a cost: what was used and billed at one rate.
struct CostLine {
  Meter meter;  // Whose rate it is; a modality without its own stands on its parent's line.
  Tokens count;
  // Picodollars for `parts` units: an exact multiplier such as 0.5 may leave a fraction.
  Rate rate;
  std::int64_t parts;
  Cost cost;    // rate * count / parts; half to even where that leaves a remainder.
  bool priced;  // False: the table has no rate for this meter, and `rate` and `cost` mean nothing.
};

// What a usage costs, line by line.  A value; it allocates nothing.
struct Charge {
  PriceStatus status = PriceStatus::kUnpriced;
  PriceGap gap = PriceGap::kNone;
  Cost total;                               // The sum of the priced lines, exactly.
  InlineList<CostLine, kMeterCount> lines;  // In Meter order.
  // Which row, terms and band: "openai/gpt-5.4 from 2026-03-05..., batch x 0.5".  Lives as long as
  // the book.
  std::string_view rule;
};

}  // namespace fare
