#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fare/price_book.h"

namespace fare {

// The price tables of the source tree: as text, as JSON, as one book; and a second, slow reading of
// the JSON to hold the book against, which shares nothing with the library but the names of meters.

using Json = nlohmann::json;

// One file of pricing/ or pricing/calendars/.
struct TableFile {
  std::string name;  // "openai.json".
  std::string text;
  Json json;
};

const std::vector<TableFile>& shipped_tables();
const std::vector<TableFile>& shipped_calendars();
Json shipped_schema();

// All tables and calendars together.
const PriceBook& shipped_book();

Instant at(std::string_view text);

// A day or an instant of a table.
Instant moment(const Json& text);

// A decimal of a table in millionths of a millionth, digit by digit.
std::int64_t trillionths(const Json& decimal);

// Terms by their names in JSON; "" is the default.
struct SlowTerms {
  std::string tier;
  std::string speed;
  std::string region;
  std::string window;

  friend auto operator<=>(const SlowTerms&, const SlowTerms&) = default;
};

SlowTerms terms_of(const Json& cell);

// Every set of terms that a row states, or reaches by its multipliers from one it states.
std::vector<SlowTerms> stated_terms(const Json& row);

// The total of a usage under a row as the documentation says it is computed; nothing if the row
// does not say.  Each line is rounded by itself, half to even.
std::optional<Int128> slow_cost(const Json& row, const SlowTerms& terms,
                                const std::map<std::string, std::int64_t>& usage);

// The thresholds of a row under some terms: the most input that still belongs to the band before.
std::vector<std::int64_t> slow_thresholds(const Json& row, const SlowTerms& terms);

// The row of a model in force at an instant, as was known at another; null if there is none.
const Json* slow_row(const Json& model, Instant at, Instant known);

enum class SlowAnswer : std::uint8_t { kOutside, kInside, kUnknown };

// Whether an instant lies in a window of a table.
SlowAnswer slow_window(const Json& window, Instant at);

// The same usage and terms as the library has them.
Usage usage_of(const std::map<std::string, std::int64_t>& counts);
Terms library_terms(const SlowTerms& terms);  // Its region is a view of `terms`.

}  // namespace fare
