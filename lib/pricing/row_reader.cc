#include "pricing/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace fare {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kBandsMax = 16;
constexpr std::size_t kCellsMax = 64;
constexpr std::int64_t kTimesMax = 10;
constexpr std::int64_t kTimesParts = 1'000;  // Three decimals.

template <class T>
JsonParser<T> named(std::optional<T> (*find)(std::string_view), std::string_view rule) {
  return [find, rule](const JsonNode& node) -> std::optional<T> {
    const std::optional<std::string> name = json::text(kNameMax)(node);
    if (!name) return std::nullopt;
    const std::optional<T> found = find(*name);
    if (!found) node.must_be(ErrorCode::kUnknownName, rule);
    return found;
  };
}

// Which axes of the terms an object names; whether all that it names could be read.
template <class T>
bool read_terms(ObjectReader& reader, T& out) {
  const bool tier = reader.optional(
      "tier", out.tier,
      named(&service_tier_named, "\"standard\", \"batch\", \"flex\" or \"priority\""));
  const bool speed =
      reader.optional("speed", out.speed, named(&speed_mode_named, "\"standard\" or \"fast\""));
  const bool region = reader.optional("region", out.region, json::text(kNameMax));
  const JsonNode& node = reader.node();
  const auto is_read = [&](const char* key, bool read) { return !node.has(key) || read; };
  return reader.ok() && is_read("tier", tier) && is_read("speed", speed) &&
         is_read("region", region);
}

// {"input_over": N, "usd_per_mtok": {...}}, or "input_at_least".
std::optional<PriceBand> read_band(const JsonNode& node) {
  ObjectReader reader(node);
  const auto threshold = json::integer(1, kTokensMax.count());
  std::int64_t over = 0;
  std::int64_t at_least = 0;
  const bool has_over = reader.optional("input_over", over, threshold);
  const bool has_at_least = reader.optional("input_at_least", at_least, threshold);
  PriceBand band;
  const std::optional<JsonNode> rates = reader.member("usd_per_mtok", true);
  if (rates) read_rates(*rates, true, band.rates);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (node.has("input_over") == node.has("input_at_least")) {
    node.problem(ErrorCode::kConflict,
                 "needs exactly one of \"input_over\" and \"input_at_least\"");
    return std::nullopt;
  }
  if (!rates || has_over == has_at_least) return std::nullopt;
  band.input_over = Tokens(has_over ? over : at_least - 1);
  return band;
}

bool same_token_meters(const Rates& a, const Rates& b) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    if (is_per_million(static_cast<Meter>(i)) &&
        i <= static_cast<std::size_t>(Meter::kOutputImage) &&
        a[i].has_value() != b[i].has_value()) {
      return false;
    }
  }
  return true;
}

// Joins the base and its bands.  A band may not know less than the base, or a long prompt would be
// cheaper for lack of a price.
std::vector<PriceBand> join_bands(const JsonNode& node, const Rates& base,
                                  std::vector<PriceBand> bands) {
  std::vector<PriceBand> joined = {{.rates = base}};
  for (PriceBand& band : bands) {
    const std::size_t index = joined.size() - 1;
    if (!same_token_meters(band.rates, base)) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("band {} must price the same meters as the base", index));
    }
    if (band.input_over <= joined.back().input_over) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("band {} must start above the one before it", index));
    }
    for (std::size_t i = 0; i < kMeterCount; ++i) {
      if (!band.rates[i]) band.rates[i] = base[i];  // Fees and storage.
    }
    joined.push_back(std::move(band));
  }
  return joined;
}

// The rates and bands of a row or of one of its cells.
void read_bands(ObjectReader& reader, bool required, PriceCell& cell) {
  const JsonNode& node = reader.node();
  Rates base;
  const std::optional<JsonNode> tokens = reader.member("usd_per_mtok", false);
  const std::optional<JsonNode> units = reader.member("usd_per_unit", false);
  if (tokens) read_rates(*tokens, true, base);
  if (units) read_rates(*units, false, base);
  std::vector<PriceBand> bands;
  reader.optional("bands", bands, json::list(read_band, 1, kBandsMax));
  if (!reader.ok()) return;
  if (!tokens && !units && required) {
    node.problem(ErrorCode::kMissingKey, "needs \"usd_per_mtok\" or \"usd_per_unit\"");
  }
  if (tokens && !tokens->is_object()) bands.clear();  // Nothing to compare them with.
  cell.bands = join_bands(node, base, std::move(bands));
}

std::optional<PriceCell> read_cell(const JsonNode& node, const RowNames& names) {
  PriceCell cell;
  ObjectReader reader(node);
  const bool has_terms = read_terms(reader, cell);
  if (reader.optional("window", cell.window, json::text(kNameMax)) &&
      !names.windows.contains(cell.window)) {
    node.member("window").must_be(ErrorCode::kUnknownName, "a key of \"windows\"");
  }
  read_bands(reader, true, cell);
  reader.finish();
  if (!has_terms) return std::nullopt;
  if (cell.tier == ServiceTier::kStandard && cell.speed == SpeedMode::kStandard &&
      cell.region.empty() && cell.window.empty()) {
    node.problem(ErrorCode::kMissingKey,
                 "needs a \"tier\", \"speed\", \"region\" or \"window\" other than the default");
  }
  return cell;
}

// "0.5": a decimal above 0, up to 10, with at most three digits after the point.
std::optional<PriceMultiplier> read_multiplier(const JsonNode& node) {
  PriceMultiplier by;
  ObjectReader reader(node);
  const bool has_terms = read_terms(reader, by);
  Cost times;
  const bool has_times = reader.required("times", times, json::read_with(&parse_usd));
  reader.finish();
  if (!has_terms || !has_times) return std::nullopt;
  constexpr Int128 kOne = 1'000'000'000'000;
  constexpr Int128 kStep = kOne / kTimesParts;
  if (times.count() <= 0 || times.count() > kTimesMax * kOne || times.count() % kStep != 0) {
    node.member("times").must_be(ErrorCode::kOutOfRange,
                                 "a number above 0, up to 10, with at most 3 decimals");
    return std::nullopt;
  }
  const auto thousandths = static_cast<std::int64_t>(times.count() / kStep);
  const std::int64_t divisor = std::gcd(thousandths, kTimesParts);
  by.numerator = thousandths / divisor;
  by.denominator = kTimesParts / divisor;
  const int axes = (by.tier != ServiceTier::kStandard ? 1 : 0) +
                   (by.speed != SpeedMode::kStandard ? 1 : 0) + (by.region.empty() ? 0 : 1);
  if (axes != 1) {
    node.problem(ErrorCode::kConflict,
                 "needs exactly one of \"tier\", \"speed\" and \"region\" other than the default");
  }
  return by;
}

// Fees stand per million of what they count, so that one test fits all.
bool fits(const PricePeriod& row) {
  Int128 most = 1;
  for (const PriceCell& cell : row.cells) {
    for (const PriceBand& band : cell.bands) {
      for (const std::optional<Rate>& rate : band.rates) {
        if (rate) most = std::max<Int128>(most, rate->count());
      }
    }
  }
  constexpr Int128 kMost = std::numeric_limits<std::int64_t>::max();
  Int128 factor = 1;
  for (const PriceMultiplier& by : row.multipliers) {
    factor *= std::max(by.numerator, by.denominator);
    if (factor > kMost) return false;
  }
  return most <= kMost / factor;
}

void check_cells(const JsonNode& node, const PricePeriod& row) {
  const auto key = [](const auto& terms) {
    return std::tie(terms.tier, terms.speed, terms.region);
  };
  for (std::size_t i = 1; i < row.cells.size(); ++i) {
    for (std::size_t j = 1; j < i; ++j) {
      if (key(row.cells[i]) == key(row.cells[j]) && row.cells[i].window == row.cells[j].window) {
        node.problem(ErrorCode::kDuplicateKey,
                     fmt::format("cells {} and {} are for the same terms", j - 1, i - 1));
      }
    }
  }
  for (std::size_t i = 1; i < row.multipliers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (key(row.multipliers[i]) != key(row.multipliers[j])) continue;
      node.problem(ErrorCode::kDuplicateKey,
                   fmt::format("multipliers {} and {} are for the same terms", j, i));
    }
  }
  if (!fits(row)) {
    node.problem(ErrorCode::kOutOfRange, "has multipliers too fine or too large for its rates");
  }
}

std::optional<PeriodStatus> status_named(std::string_view name) {
  for (const PeriodStatus status : {PeriodStatus::kAnnounced, PeriodStatus::kActive,
                                    PeriodStatus::kCorrected, PeriodStatus::kCancelled}) {
    if (to_string(status) == name) return status;
  }
  return std::nullopt;
}

// An instant, or a day that stands for its first instant.
Expected<Instant> parse_day_or_instant(std::string_view text) {
  return text.size() <= 10 ? parse_date(text) : parse_instant(text);
}

void read_validity(ObjectReader& reader, PricePeriod& row) {
  const JsonNode& node = reader.node();
  const auto instant = json::read_with(&parse_day_or_instant);
  const bool has_from = reader.required("from", row.from, json::read_with(&parse_instant));
  Instant at{};
  if (reader.optional("until", at, json::read_with(&parse_instant))) row.until = at;
  row.known_from = row.from;
  reader.optional("announced", row.known_from, instant);
  if (reader.optional("withdrawn", at, instant)) row.known_until = at;
  reader.optional(
      "status", row.status,
      named(&status_named, "\"announced\", \"active\", \"corrected\" or \"cancelled\""));
  if (!reader.ok() || !has_from) return;
  if (row.until && *row.until <= row.from) {
    node.problem(ErrorCode::kConflict, "\"until\" must be after \"from\"");
  }
  if (row.known_until && *row.known_until <= row.known_from) {
    node.problem(ErrorCode::kConflict,
                 "\"withdrawn\" must be after \"announced\" (by default, \"from\")");
  }
  const bool is_over =
      row.status == PeriodStatus::kCorrected || row.status == PeriodStatus::kCancelled;
  if (is_over != node.has("withdrawn")) {
    node.problem(ErrorCode::kConflict,
                 "needs \"withdrawn\" exactly if its status is \"corrected\" or \"cancelled\"");
  }
}

}  // namespace

Expected<Instant> parse_date(std::string_view text) {
  Expected<Instant> midnight = parse_instant(std::string(text) + "T00:00:00Z");
  if (midnight) return midnight;
  return fail(
      ErrorCode::kSyntax, "",
      fmt::format("must be a date such as \"2026-11-23\", but is \"{}\"", text.substr(0, 64)));
}

void read_rates(const JsonNode& node, bool per_million, Rates& rates) {
  ObjectReader reader(node);
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    if (is_per_million(meter) != per_million) continue;
    Rate rate;
    const auto parse = json::read_with(per_million ? &parse_usd_per_mtok : &parse_usd_per_unit);
    const std::string_view name = to_string(meter);
    // One that could not be read is a problem already, but it is there.
    if (reader.optional(name, rate, parse) || (reader.ok() && node.has(std::string(name)))) {
      rates[i] = rate;
    }
  }
  reader.finish();
  if (reader.ok() && node.size() == 0) {
    node.problem(ErrorCode::kMissingKey, "needs at least one price");
  }
}

std::optional<PricePeriod> read_row(const JsonNode& node, const RowNames& names) {
  PricePeriod row;
  row.from = Instant::min();  // Until it is read.
  ObjectReader reader(node);
  read_validity(reader, row);
  if (reader.required("source", row.source, json::text(kNameMax)) &&
      !names.sources.contains(row.source)) {
    node.member("source").must_be(ErrorCode::kUnknownName, "a key of \"sources\"");
  }
  Instant observed{};
  if (reader.required("observed", observed, json::read_with(&parse_date))) {
    row.observed = to_rfc3339(observed).substr(0, 10);
  }
  reader.optional("note", row.note, json::text(1'000));
  PriceCell base;
  read_bands(reader, !(reader.ok() && node.has("cells")), base);
  row.cells.push_back(std::move(base));
  std::vector<PriceCell> cells;
  const auto cell = [&names](const JsonNode& item) { return read_cell(item, names); };
  reader.optional("cells", cells, json::list(cell, 1, kCellsMax));
  row.cells.insert(row.cells.end(), cells.begin(), cells.end());
  reader.optional("multipliers", row.multipliers, json::list(read_multiplier, 1, kCellsMax));
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  check_cells(node, row);
  return row;
}

}  // namespace fare
