#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/json_reader.h"
#include "fare/price_period.h"

namespace fare {

// A calendar day such as "2026-11-23", as its first instant in UTC.
Expected<Instant> parse_date(std::string_view text);

// What a row may refer to.
struct RowNames {
  std::set<std::string> sources;
  std::set<std::string> windows;
};

// Reads the rates of one map: those per million, or those per unit.
void read_rates(const JsonNode& node, bool per_million, Rates& rates);

// Reads one price row: its base rates, bands, further cells and multipliers.
std::optional<PricePeriod> read_row(const JsonNode& node, const RowNames& names);

}  // namespace fare
