#include "shipped_tables.h"
#include "places.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace fare {
namespace {

namespace fs = std::filesystem;

std::vector<TableFile> read_folder(const fs::path& folder) {
  std::vector<TableFile> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json" || name == "schema.json") continue;
    std::ifstream file(entry.path());
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    Json json = Json::parse(text);
    files.push_back({name, std::move(text), std::move(json)});
  }
  std::sort(files.begin(), files.end(),
            [](const TableFile& a, const TableFile& b) { return a.name < b.name; });
  return files;
}

fs::path pricing() { return fs::path(fare::kSourceDir) / "pricing"; }

// What a cell or a row charges: its rates, and a factor on those of tokens, as a ratio.
struct SlowCell {
  Json rates = Json::object();                       // By meter: of tokens, storage and fees alike.
  std::vector<std::pair<std::int64_t, Json>> bands;  // The most input before each, and its rates.
  Int128 numerator = 1;
  Int128 denominator = 1;
};

bool is_token(std::string_view meter) {
  return meter != "cache_storage" && meter != "request" && meter != "search" &&
         meter != "reserved_hour";
}

SlowCell stated(const Json& row, const Json& cell) {
  SlowCell found;
  // Fees and storage are those of the row, unless the cell has its own.
  for (const char* part : {"usd_per_mtok", "usd_per_unit"}) {
    const Json shared = row.value(part, Json::object());
    for (const auto& [meter, rate] : shared.items()) {
      if (!is_token(meter)) found.rates[meter] = rate;
    }
    const Json own = cell.value(part, Json::object());
    for (const auto& [meter, rate] : own.items()) found.rates[meter] = rate;
  }
  const Json bands = cell.value("bands", Json::array());
  for (const Json& band : bands) {
    const bool over = band.contains("input_over");
    const std::int64_t most = over ? band["input_over"].get<std::int64_t>()
                                   : band["input_at_least"].get<std::int64_t>() - 1;
    found.bands.emplace_back(most, band["usd_per_mtok"]);
  }
  return found;
}

// Removes from `terms` what a multiplier sets; false if it sets something else.
bool divide(SlowTerms& terms, const Json& by) {
  const SlowTerms sets = terms_of(by);
  if ((!sets.tier.empty() && sets.tier != terms.tier) ||
      (!sets.speed.empty() && sets.speed != terms.speed) ||
      (!sets.region.empty() && sets.region != terms.region)) {
    return false;
  }
  if (!sets.tier.empty()) terms.tier.clear();
  if (!sets.speed.empty()) terms.speed.clear();
  if (!sets.region.empty()) terms.region.clear();
  return true;
}

// An explicit cell wins; else any chain of multipliers that leads to one.
std::optional<SlowCell> find_cell(const Json& row, const SlowTerms& terms) {
  if (terms == SlowTerms()) return stated(row, row);
  for (const Json& cell : row.value("cells", Json::array())) {
    if (terms_of(cell) == terms) return stated(row, cell);
  }
  for (const Json& by : row.value("multipliers", Json::array())) {
    SlowTerms rest = terms;
    if (!divide(rest, by)) continue;
    std::optional<SlowCell> found = find_cell(row, rest);
    if (!found) continue;
    found->numerator *= trillionths(by["times"]) / 1'000'000'000;  // Three decimals.
    found->denominator *= 1'000;
    return found;
  }
  return std::nullopt;
}

// Whose rate covers a meter.
std::string covered_by(const Json& rates, const std::string& meter) {
  static const std::map<std::string, std::string> kParents = {
      {"input_audio", "input"},           {"input_image", "input"},
      {"input_video", "input"},           {"cache_read_audio", "cache_read"},
      {"cache_read_image", "cache_read"}, {"cache_read_video", "cache_read"},
      {"output_reasoning", "output"},     {"output_audio", "output"},
      {"output_image", "output"}};
  if (rates.contains(meter) || !kParents.contains(meter)) return meter;
  const std::string modality = meter.starts_with("cache_read_") ? meter.substr(11) : "";
  if (!modality.empty() && rates.contains("input_" + modality)) return meter;
  return kParents.at(meter);
}

Int128 half_even(Int128 numerator, Int128 denominator) {
  const Int128 whole = numerator / denominator;
  const Int128 twice = 2 * (numerator % denominator);
  if (twice < denominator || (twice == denominator && whole % 2 == 0)) return whole;
  return whole + 1;
}

}  // namespace

const std::vector<TableFile>& shipped_tables() {
  static const std::vector<TableFile> files = read_folder(pricing());
  return files;
}

const std::vector<TableFile>& shipped_calendars() {
  static const std::vector<TableFile> files = read_folder(pricing() / "calendars");
  return files;
}

Json shipped_schema() {
  std::ifstream file(pricing() / "schema.json");
  return Json::parse(file);
}

const PriceBook& shipped_book() {
  static const PriceBook book = [] {
    std::vector<PriceBook::Source> sources;
    for (const TableFile& file : shipped_tables()) sources.push_back({file.name, file.text});
    for (const TableFile& file : shipped_calendars()) sources.push_back({file.name, file.text});
    Expected<PriceBook> read = PriceBook::parse(sources);
    if (!read) throw std::runtime_error(to_text(read.error()));
    return *read;
  }();
  return book;
}

Instant at(std::string_view text) { return parse_instant(text).value(); }

Instant moment(const Json& text) {
  const auto string = text.get<std::string>();
  return at(string.size() == 10 ? string + "T00:00:00Z" : string);
}

std::int64_t trillionths(const Json& decimal) {
  const auto text = decimal.get<std::string>();
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string fraction = point == text.size() ? "" : text.substr(point + 1);
  if (fraction.size() > 12) throw std::runtime_error(text + " has too many decimals");
  fraction.resize(12, '0');
  return std::stoll(text.substr(0, point)) * 1'000'000'000'000 + std::stoll(fraction);
}

SlowTerms terms_of(const Json& cell) {
  return {cell.value("tier", ""), cell.value("speed", ""), cell.value("region", ""),
          cell.value("window", "")};
}

std::vector<SlowTerms> stated_terms(const Json& row) {
  std::set<SlowTerms> all = {SlowTerms()};
  for (const Json& cell : row.value("cells", Json::array())) all.insert(terms_of(cell));
  for (const Json& by : row.value("multipliers", Json::array())) {
    const SlowTerms sets = terms_of(by);
    for (SlowTerms terms : std::set<SlowTerms>(all)) {
      if (!sets.tier.empty() && terms.tier.empty()) terms.tier = sets.tier;
      if (!sets.speed.empty() && terms.speed.empty()) terms.speed = sets.speed;
      if (!sets.region.empty() && terms.region.empty()) terms.region = sets.region;
      all.insert(terms);
    }
  }
  return {all.begin(), all.end()};
}

std::optional<Int128> slow_cost(const Json& row, const SlowTerms& terms,
                                const std::map<std::string, std::int64_t>& usage) {
  const std::optional<SlowCell> cell = find_cell(row, terms);
  if (!cell) return std::nullopt;
  std::int64_t input = 0;
  for (const auto& [meter, count] : usage) {
    const bool is_storage = meter == "cache_storage";
    if (!is_storage && (meter.starts_with("input") || meter.starts_with("cache"))) input += count;
  }
  Json rates = cell->rates;
  for (const auto& [most, banded] : cell->bands) {
    if (input <= most) break;
    for (const auto& [meter, rate] : banded.items()) rates[meter] = rate;
  }
  std::map<std::string, std::int64_t> lines;
  for (const auto& [meter, count] : usage) {
    if (count == 0) continue;
    const std::string line = covered_by(rates, meter);
    if (!rates.contains(line)) return std::nullopt;
    lines[line] += count;
  }
  Int128 total = 0;
  for (const auto& [meter, count] : lines) {
    const bool per_unit = meter == "request" || meter == "search" || meter == "reserved_hour";
    Int128 numerator = Int128{trillionths(rates[meter])} * count;
    Int128 denominator = per_unit ? 1 : 1'000'000;
    if (is_token(meter)) {
      numerator *= cell->numerator;
      denominator *= cell->denominator;
    }
    total += half_even(numerator, denominator);
  }
  return total;
}

std::vector<std::int64_t> slow_thresholds(const Json& row, const SlowTerms& terms) {
  std::vector<std::int64_t> thresholds;
  const std::optional<SlowCell> cell = find_cell(row, terms);
  if (!cell) return thresholds;
  for (const auto& [most, rates] : cell->bands) thresholds.push_back(most);
  return thresholds;
}

const Json* slow_row(const Json& model, Instant at, Instant known) {
  const Json* found = nullptr;
  for (const Json& row : model.at("prices")) {
    const Instant announced = moment(row.value("announced", row.at("from").get<std::string>()));
    const bool withdrawn = row.contains("withdrawn") && known >= moment(row["withdrawn"]);
    if (moment(row["from"]) <= at && announced <= known && !withdrawn) found = &row;
  }
  const bool over = found != nullptr && found->contains("until") && at >= moment((*found)["until"]);
  return over ? nullptr : found;
}

SlowAnswer slow_window(const Json& window, Instant at) {
  static const std::map<std::string, int> kHoursEast = {{"UTC", 0}, {"Asia/Shanghai", 8}};
  static constexpr std::array<const char*, 7> kFromThursday = {"thu", "fri", "sat", "sun",
                                                               "mon", "tue", "wed"};
  const std::int64_t east = kHoursEast.at(window.at("zone").get<std::string>());
  const std::int64_t local = at.time_since_epoch().count() + east * 3'600'000'000'000;
  const std::int64_t day = local / 86'400'000'000'000;
  const std::int64_t clock = local % 86'400'000'000'000;
  const Json weekday = kFromThursday[static_cast<std::size_t>(day % 7)];
  const Json& days = window.at("days");
  if (std::find(days.begin(), days.end(), weekday) == days.end()) return SlowAnswer::kOutside;
  const auto nanoseconds = [](const Json& text) {
    const auto hhmm = text.get<std::string>();
    return (std::stoll(hhmm.substr(0, 2)) * 60 + std::stoll(hhmm.substr(3))) * 60'000'000'000;
  };
  bool in_hours = false;
  for (const Json& span : window.at("hours")) {
    in_hours = in_hours || (nanoseconds(span[0]) <= clock && clock < nanoseconds(span[1]));
  }
  if (!in_hours) return SlowAnswer::kOutside;
  if (!window.contains("calendar")) return SlowAnswer::kInside;
  const std::string date = to_rfc3339(Instant(Duration(local))).substr(0, 10);
  for (const TableFile& file : shipped_calendars()) {
    if (file.json.at("name") != window["calendar"]) continue;
    const Json& holidays = file.json.at("holidays");
    if (date < file.json.at("from").get<std::string>()) return SlowAnswer::kUnknown;
    if (date >= file.json.at("until").get<std::string>()) return SlowAnswer::kUnknown;
    const bool off = std::find(holidays.begin(), holidays.end(), Json(date)) != holidays.end();
    return off ? SlowAnswer::kOutside : SlowAnswer::kInside;
  }
  throw std::runtime_error("no such calendar");
}

Usage usage_of(const std::map<std::string, std::int64_t>& counts) {
  Usage usage;
  for (const auto& [meter, count] : counts) usage[meter_named(meter).value()] = Tokens(count);
  return usage;
}

Terms library_terms(const SlowTerms& terms) {
  Terms named;
  if (!terms.tier.empty()) named.tier = service_tier_named(terms.tier).value();
  if (!terms.speed.empty()) named.speed = speed_mode_named(terms.speed).value();
  named.region = terms.region;
  return named;
}

}  // namespace fare
