#include "pricing/import_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "pricing/exact_decimal.h"

namespace fare {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kAliasesMax = 100;
constexpr std::size_t kBandsMax = 16;
constexpr std::size_t kNoteMax = 1'000;
constexpr std::size_t kCellsMax = 64;
constexpr std::size_t kRowsMax = 1'000;
constexpr std::size_t kModelsMax = 10'000;
constexpr std::string_view kSourceKey = "list";
constexpr std::int64_t kTokenRateMax = 1'000'000'000'000;  // A million dollars per million tokens.
constexpr std::int64_t kUnitRateMax = 1'000'000'000'000'000'000 - 1;

bool is_token(std::size_t meter) { return meter <= index_of(Meter::kOutputImage); }

bool is_priced(const PricePeriod& row) {
  return std::any_of(row.cells.begin(), row.cells.end(), [](const PriceCell& cell) {
    const Rates& base = cell.bands.front().rates;
    return std::any_of(base.begin(), base.end(), [](const auto& rate) { return rate.has_value(); });
  });
}

std::string terms_name(const CellTerms& terms) {
  std::string name(to_string(terms.tier));
  if (terms.speed != SpeedMode::kStandard) name += fmt::format(", {}", to_string(terms.speed));
  if (!terms.window.empty()) name += ", " + terms.window;
  return name;
}

}  // namespace

ImportDesk::ImportDesk(const ImportOptions& options, std::string title, std::string where)
    : options_(options), source_{std::move(title), std::move(where), options.observed} {}

void ImportDesk::begin_entry(std::string entry) { entry_ = std::move(entry); }

void ImportDesk::note(ImportRemark remark, std::string_view field, std::string value,
                      std::string why) {
  result_.notes.push_back({remark, entry_, std::string(field), std::move(value), std::move(why)});
}

std::optional<Rate> ImportDesk::rate(Meter meter, std::string_view field, const ForeignValue& value,
                                     int shift) {
  using Status = ScaledDecimal::Status;
  if (value.kind == ForeignValue::Kind::kNull) return std::nullopt;  // Absent, in other words.
  const bool is_text = value.is_number() || value.is_string();
  const ScaledDecimal read = is_text ? scaled(value.text, shift) : ScaledDecimal{};
  const std::int64_t most = is_per_million(meter) ? kTokenRateMax : kUnitRateMax;
  if (read.status == Status::kNotANumber) {
    leave_out(field, value, "is not a decimal number");
  } else if (read.status == Status::kNegative) {
    leave_out(field, value, "is negative: the price is not fixed");
  } else if (read.status == Status::kTooLarge || read.count > most) {
    leave_out(field, value, "is above a million dollars");
  } else if (read.status == Status::kRounded && read.count == 0) {
    leave_out(field, value, "is below half a picodollar a unit, but not zero");
  } else {
    if (read.status == Status::kRounded) {
      note(ImportRemark::kRounded, field, value.text,
           fmt::format("rounded to {} picodollars a unit", read.count));
    }
    return Rate(read.count);
  }
  return std::nullopt;
}

Tokens ImportDesk::tokens(std::string_view field, const ForeignValue* value) {
  if (value == nullptr || value->kind == ForeignValue::Kind::kNull) return Tokens(0);
  const ScaledDecimal read = value->is_number() ? scaled(value->text, 0) : ScaledDecimal{};
  if (read.status == ScaledDecimal::Status::kExact && read.count >= 0 &&
      read.count <= kTokensMax.count()) {
    return Tokens(read.count);
  }
  count_other(field);
  return Tokens(0);
}

std::vector<PriceBand> ImportDesk::bands(const CellTerms& terms,
                                         const std::map<std::int64_t, Rates>& drafts) {
  const auto first = drafts.find(-1);
  std::vector<PriceBand> bands(1);
  if (first != drafts.end()) bands[0].rates = first->second;
  const Rates& base = bands[0].rates;
  std::vector<PriceBand> above;
  for (const auto& [over, rates] : drafts) {
    if (over < 0) continue;
    PriceBand band{.input_over = Tokens(over), .rates = rates};
    bool any = false;
    for (std::size_t i = 0; i < kMeterCount; ++i) {
      if (band.rates[i] && !base[i]) {
        note(ImportRemark::kFieldLeftOut, to_string(static_cast<Meter>(i)),
             to_usd_per_mtok(*band.rates[i]),
             fmt::format("{} has a price above {} tokens of input and none below",
                         terms_name(terms), over));
        band.rates[i].reset();
      }
      any = any || (band.rates[i] && is_token(i));
    }
    if (!any) continue;
    for (std::size_t i = 0; i < kMeterCount; ++i) {
      if (!base[i] || band.rates[i]) continue;
      band.rates[i] = base[i];
      if (!is_token(i)) continue;
      note(ImportRemark::kAssumed, to_string(static_cast<Meter>(i)), to_usd_per_mtok(*base[i]),
           fmt::format("{} has no price above {} tokens of input: the base price stands there",
                       terms_name(terms), over));
    }
    above.push_back(std::move(band));
  }
  if (above.size() > kBandsMax) {
    note(ImportRemark::kFieldLeftOut, "bands", std::to_string(above.size()),
         "more than 16 bands of input");
    above.clear();
  }
  bands.insert(bands.end(), above.begin(), above.end());
  return bands;
}

PricePeriod ImportDesk::row(Instant from, const CellDrafts& cells) {
  PricePeriod row;
  row.from = from;
  row.known_from = from;
  row.source = kSourceKey;
  row.observed = options_.observed;
  row.cells.resize(1);
  row.cells[0].bands.resize(1);
  for (const auto& [terms, drafts] : cells) {
    if (terms == CellTerms()) {
      row.cells[0].bands = bands(terms, drafts);
      continue;
    }
    PriceCell cell{.tier = terms.tier,
                   .speed = terms.speed,
                   .region = {},
                   .window = terms.window,
                   .bands = bands(terms, drafts)};
    const Rates& base = cell.bands.front().rates;
    if (std::none_of(base.begin(), base.end(), [](const auto& rate) { return rate.has_value(); })) {
      note(ImportRemark::kFieldLeftOut, terms_name(terms), "", "has prices for long input only");
      continue;
    }
    if (row.cells.size() == kCellsMax) {
      note(ImportRemark::kFieldLeftOut, terms_name(terms), "", "is a cell more than 64");
      continue;
    }
    if (cell.bands.size() == 1 && row.cells[0].bands.size() > 1) {
      note(ImportRemark::kAssumed, terms_name(terms), "",
           "has no price for long input, which the standard tier has: its own holds throughout");
    }
    row.cells.push_back(std::move(cell));
  }
  return row;
}

std::string ImportDesk::window(const std::string& provider, int from, int until,
                               std::uint8_t weekdays) {
  using std::chrono::minutes;
  std::string name =
      fmt::format("utc_{:02}{:02}_{:02}{:02}", from / 60, from % 60, until / 60, until % 60);
  if (weekdays != kEveryDay) name += fmt::format("_days_{:02x}", weekdays);
  PriceWindow window{.zone = "UTC", .weekdays = weekdays, .hours = {}, .calendar = {}};
  constexpr minutes kDay(24 * 60);
  if (from < until) {
    window.hours = {{minutes(from), minutes(until)}};
  } else {
    if (until > 0) window.hours.emplace_back(minutes(0), minutes(until));
    if (minutes(from) < kDay) window.hours.emplace_back(minutes(from), kDay);
  }
  sheet(provider).windows.try_emplace(name, std::move(window));
  return name;
}

PriceSheet& ImportDesk::sheet(const std::string& provider) {
  PriceSheet& found = sheets_[provider];
  if (found.provider.empty()) {
    found.provider = provider;
    found.sources.emplace(kSourceKey, source_);
  }
  return found;
}

void ImportDesk::add(const std::string& provider, SheetModel model,
                     std::vector<std::string> names) {
  if (provider.empty() || provider.size() > kNameMax) {
    return leave_out_entry("names no provider of 1 to 128 bytes");
  }
  if (model.id.empty() || model.id.size() > kNameMax) {
    return leave_out_entry("its id is empty or longer than 128 bytes");
  }
  if (std::none_of(model.periods.begin(), model.periods.end(), is_priced)) {
    return leave_out_entry("has no price that can be carried");
  }
  if (model.periods.size() > kRowsMax || sheet(provider).models.size() == kModelsMax) {
    return leave_out_entry("is beyond 1,000 rows a model or 10,000 models a provider");
  }
  if (!claimed_.emplace(provider, model.id).second) {
    return leave_out_entry(fmt::format("\"{}\" already names a model of {}", model.id, provider));
  }
  for (PricePeriod& row : model.periods) {
    if (row.note.size() > kNoteMax) row.note.clear();
  }
  std::sort(model.capabilities.begin(), model.capabilities.end());
  PriceSheet& target = sheet(provider);
  namings_.push_back({entry_, provider, target.models.size(), std::move(names)});
  target.models.push_back(std::move(model));
  ++result_.models;
}

PriceImport ImportDesk::finish() {
  for (Naming& naming : namings_) {
    begin_entry(std::move(naming.entry));
    SheetModel& model = sheets_.at(naming.provider).models[naming.model];
    for (std::string& name : naming.names) {
      if (name == model.id) continue;
      if (name.empty() || name.size() > kNameMax || model.aliases.size() == kAliasesMax) {
        note(ImportRemark::kNameLeftOut, "", name.substr(0, kNameMax),
             "is too long, or one of more than 100 names");
      } else if (!claimed_.emplace(naming.provider, name).second) {
        note(ImportRemark::kNameLeftOut, "", name, "already names a model of this provider");
      } else {
        model.aliases.push_back({.id = std::move(name), .from = {}, .until = {}});
      }
    }
  }
  for (auto& [provider, made] : sheets_) {
    if (!made.models.empty()) result_.sheets.push_back(std::move(made));
  }
  return std::move(result_);
}

}  // namespace fare
