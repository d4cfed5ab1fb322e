#include <fmt/format.h>

#include <set>

#include "fare/price_sheet.h"
#include "pricing/json_layout.h"
#include "pricing/tables.h"

namespace fare {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::local_days;

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu",
                                                       "fri", "sat", "sun"};

std::string day_text(local_days day) {
  return to_rfc3339(Instant(std::chrono::sys_days(day.time_since_epoch()))).substr(0, 10);
}

// A day where the instant is its first, as people write it.
std::string day_or_instant(Instant at) {
  const std::string text = to_rfc3339(at);
  return text.ends_with("T00:00:00Z") ? text.substr(0, 10) : text;
}

// "09:30", up to "24:00".
std::string clock_text(std::chrono::seconds clock) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(clock).count();
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

Json window_json(const PriceWindow& window) {
  Json days = Json::array();
  for (std::size_t i = 0; i < kWeekdays.size(); ++i) {
    if ((window.weekdays >> (i + 1) % kWeekdays.size() & 1u) != 0) days.push_back(kWeekdays[i]);
  }
  Json hours = Json::array();
  for (const auto& [from, until] : window.hours) {
    hours.push_back({clock_text(from), clock_text(until)});
  }
  Json json = {{"zone", window.zone}, {"days", std::move(days)}, {"hours", std::move(hours)}};
  if (!window.calendar.empty()) json["calendar"] = window.calendar;
  return json;
}

// The rates per million or per unit; those that `base` has too are left out.
Json rates_json(const Rates& rates, bool per_million, const Rates* base) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    if (!rates[i] || is_per_million(meter) != per_million) continue;
    if (base != nullptr && meter > Meter::kOutputImage && rates[i] == (*base)[i]) continue;
    json[std::string(to_string(meter))] =
        per_million ? to_usd_per_mtok(*rates[i]) : to_usd(*rates[i] * Tokens(1));
  }
  return json;
}

Json band_json(const PriceBand& band, const Rates& base) {
  // "From 200,000" and "above 272,000": the round one is what the vendor wrote.
  const std::int64_t over = band.input_over.count();
  Json json;
  if ((over + 1) % 1'000 == 0) {
    json["input_at_least"] = over + 1;
  } else {
    json["input_over"] = over;
  }
  json["usd_per_mtok"] = rates_json(band.rates, true, &base);
  return json;
}

// Adds the rates and bands of a cell, whose first band is the base.
void add_rates(const PriceCell& cell, Json& json) {
  const Rates& base = cell.bands.front().rates;
  for (const bool per_million : {true, false}) {
    Json rates = rates_json(base, per_million, nullptr);
    if (rates.empty()) continue;
    json[per_million ? "usd_per_mtok" : "usd_per_unit"] = std::move(rates);
  }
  if (cell.bands.size() < 2) return;
  Json bands = Json::array();
  for (std::size_t i = 1; i < cell.bands.size(); ++i) {
    bands.push_back(band_json(cell.bands[i], base));
  }
  json["bands"] = std::move(bands);
}

template <class Terms>
void add_terms(const Terms& terms, Json& json) {
  if (terms.tier != ServiceTier::kStandard) json["tier"] = to_string(terms.tier);
  if (terms.speed != SpeedMode::kStandard) json["speed"] = to_string(terms.speed);
  if (!terms.region.empty()) json["region"] = terms.region;
}

Json cells_json(const PricePeriod& row) {
  Json cells = Json::array();
  for (std::size_t i = 1; i < row.cells.size(); ++i) {
    Json json;
    add_terms(row.cells[i], json);
    if (!row.cells[i].window.empty()) json["window"] = row.cells[i].window;
    add_rates(row.cells[i], json);
    cells.push_back(std::move(json));
  }
  return cells;
}

Json multipliers_json(const PricePeriod& row) {
  Json list = Json::array();
  for (const PriceMultiplier& by : row.multipliers) {
    Json json;
    add_terms(by, json);
    json["times"] = to_usd_per_mtok(Rate(by.numerator * 1'000'000), by.denominator);
    list.push_back(std::move(json));
  }
  return list;
}

Json row_json(const PricePeriod& row) {
  Json json = {{"from", to_rfc3339(row.from)}};
  if (row.until) json["until"] = to_rfc3339(*row.until);
  if (row.status != PeriodStatus::kActive) json["status"] = to_string(row.status);
  if (row.known_from != row.from) json["announced"] = day_or_instant(row.known_from);
  if (row.known_until) json["withdrawn"] = day_or_instant(*row.known_until);
  json["source"] = row.source;
  json["observed"] = row.observed;
  add_rates(row.cells.front(), json);
  if (row.cells.size() > 1) json["cells"] = cells_json(row);
  if (!row.multipliers.empty()) json["multipliers"] = multipliers_json(row);
  if (!row.note.empty()) json["note"] = row.note;
  return json;
}

Json alias_json(const ModelAlias& alias) {
  if (!alias.from && !alias.until) return alias.id;
  Json json = {{"id", alias.id}};
  if (alias.from) json["from"] = to_rfc3339(*alias.from);
  if (alias.until) json["until"] = to_rfc3339(*alias.until);
  return json;
}

Json model_json(const SheetModel& model) {
  Json json = {{"id", model.id}};
  if (!model.maker.empty()) json["maker"] = model.maker;
  for (const ModelAlias& alias : model.aliases) json["aliases"].push_back(alias_json(alias));
  if (model.context > Tokens(0)) json["context_tokens"] = model.context.count();
  if (model.max_output > Tokens(0)) json["max_output_tokens"] = model.max_output.count();
  if (model.min_cacheable > Tokens(0)) json["min_cacheable_tokens"] = model.min_cacheable.count();
  if (model.retired) json["retired"] = to_rfc3339(*model.retired);
  if (!model.capabilities.empty()) json["capabilities"] = model.capabilities;
  json["prices"] = Json::array();
  for (const PricePeriod& row : model.periods) json["prices"].push_back(row_json(row));
  return json;
}

Json source_json(const PriceSource& source) {
  return {{"title", source.title}, {"where", source.where}, {"observed", source.observed}};
}

PriceWindow window_of(const WeekWindow& from) {
  PriceWindow window{.zone = std::string(from.zone().name()),
                     .weekdays = from.weekdays(),
                     .hours = from.hours(),
                     .calendar = {}};
  if (from.calendar() != nullptr) window.calendar = from.calendar()->name;
  return window;
}

SheetModel model_of(const PricedModel& from) {
  return {.id = from.id,
          .maker = from.maker,
          .aliases = from.aliases,
          .capabilities = from.capabilities,
          .context = from.context,
          .max_output = from.max_output,
          .min_cacheable = from.min_cacheable,
          .retired = from.retired,
          .periods = from.periods};
}

}  // namespace

std::vector<PriceSheet> sheets_of(const PriceBook& book) {
  const PriceTables& tables = book.tables();
  std::map<std::string, PriceSheet> sheets;
  const auto sheet = [&sheets](const std::string& provider) -> PriceSheet& {
    PriceSheet& found = sheets[provider];
    found.provider = provider;
    return found;
  };
  for (const auto& [provider, sources] : tables.sources) sheet(provider).sources = sources;
  for (const auto& [provider, windows] : tables.named_windows) {
    for (const auto& [name, window] : windows) {
      sheet(provider).windows.emplace(name, window_of(window));
    }
  }
  for (const PricedModel& model : tables.models) {
    sheet(model.provider).models.push_back(model_of(model));
  }
  std::vector<PriceSheet> list;
  for (auto& [provider, found] : sheets) list.push_back(std::move(found));
  return list;
}

std::vector<PriceCalendar> calendars_of(const PriceBook& book) {
  std::map<std::string, PriceCalendar> calendars;
  for (const WeekWindow& window : book.tables().windows) {
    const HolidayCalendar* from = window.calendar();
    if (from == nullptr) continue;
    calendars.insert_or_assign(from->name, PriceCalendar{from->name, from->source, from->from,
                                                         from->until, from->holidays});
  }
  std::vector<PriceCalendar> list;
  for (auto& [name, calendar] : calendars) list.push_back(std::move(calendar));
  return list;
}

std::string price_file_text(const PriceSheet& sheet) {
  Json json = {{"format", "fare-prices/1"}, {"vendor", sheet.provider}, {"currency", "USD"}};
  json["sources"] = Json::object();
  for (const auto& [key, source] : sheet.sources) json["sources"][key] = source_json(source);
  for (const auto& [name, window] : sheet.windows) json["windows"][name] = window_json(window);
  json["models"] = Json::array();
  for (const SheetModel& model : sheet.models) json["models"].push_back(model_json(model));
  return laid_out(json);
}

std::string calendar_file_text(const PriceCalendar& calendar) {
  Json json = {{"format", "fare-calendar/1"}, {"name", calendar.name}};
  json.update(source_json(calendar.source));
  json["from"] = day_text(calendar.from);
  json["until"] = day_text(calendar.until);
  json["holidays"] = Json::array();
  for (const local_days day : calendar.holidays) json["holidays"].push_back(day_text(day));
  return laid_out(json);
}

}  // namespace fare
