#pragma once

#include <cstdint>      // std::int64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Expected.
#include "fare/quantity.h"  // Quantity, Int128.
#include "fare/tokens.h"    // Tokens.

namespace fare {

struct NanodollarUnit;
struct PicodollarUnit;
struct RateUnit;

// What a ledger holds: int64 nanodollars, +-9.2 billion dollars.
using Money = Quantity<NanodollarUnit>;

// What a line, a request or a report costs: 128-bit picodollars.  Costs add up to the last digit
// under every grouping; only entering the ledger rounds.
using Cost = Quantity<PicodollarUnit, Int128>;

// A price: picodollars for one unit of a meter.  One micro-dollar per million tokens is one
// picodollar per token, so a price with up to six decimals per million tokens is an exact Rate.
using Rate = Quantity<RateUnit>;

// The cost of `count` units at `rate`.  Exact: 64 x 64 bits always fit in 128.
constexpr Cost operator*(Rate rate, Tokens count) {
  return Cost(static_cast<Int128>(rate.count()) * count.count());
}
constexpr Cost operator*(Tokens count, Rate rate) { return rate * count; }

// The cost of `count` units at `rate` picodollars for `parts` of them; half to even where that
// leaves a remainder.  REQUIRES: parts > 0, count >= 0.
[[nodiscard]] Cost cost_of(Rate rate, std::int64_t parts, Tokens count);

// The one way from a Cost into the ledger: nanodollars, half to even; or upwards, for reservations.
// Nothing if it does not fit into Money.
[[nodiscard]] std::optional<Money> money_half_even(Cost cost);
[[nodiscard]] std::optional<Money> money_rounded_up(Cost cost);

// Reads a decimal number of dollars such as "0.005": digits, at most one point, an optional leading
// minus; no exponent, no blanks, no "+".  Errors: not such a number; more than twelve decimals
// (a picodollar); above a quintillion dollars.
[[nodiscard]] Expected<Cost> parse_usd(std::string_view text);

// Reads a price in dollars per million tokens, such as "0.003625": at most six decimals, not
// negative, at most 1,000,000.
[[nodiscard]] Expected<Rate> parse_usd_per_mtok(std::string_view text);

// Reads a price in dollars per unit (a request, a search): at most twelve decimals, not negative,
// at most 1,000,000.
[[nodiscard]] Expected<Rate> parse_usd_per_unit(std::string_view text);

// The exact decimal text, shortest form: "648", "0.0008", "-1.5".  parse_usd() reads it back.
[[nodiscard]] std::string to_usd(Cost cost);
[[nodiscard]] std::string to_usd(Money money);

// The exact price in dollars per million units, shortest form: "2.5".
[[nodiscard]] std::string to_usd_per_mtok(Rate rate);

// The same for a rate of `parts` units, each whose denominator is finite in decimals: 1.25 for 2.5
// of 2.  REQUIRES: `parts` has no prime factors but 2 and 5.
[[nodiscard]] std::string to_usd_per_mtok(Rate rate, std::int64_t parts);

// For people: dollars with exactly `decimals` (0 to 12) digits after the point, rounded half to
// even, and thousands separated: "1,234.50", "-0.01".  Without a dollar sign.
[[nodiscard]] std::string to_usd_rounded(Cost cost, int decimals);

}  // namespace fare
