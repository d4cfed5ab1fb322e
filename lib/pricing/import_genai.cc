// Reads the data of genai-prices: providers with models, in dollars per million, with dated and
// timed alternatives.

#include <fmt/format.h>

#include <array>

#include "pricing/exact_decimal.h"
#include "pricing/import_desk.h"

namespace fare {
namespace {

constexpr int kPerMillion = 6;   // Dollars per million units to picodollars a unit.
constexpr int kPerThousand = 9;  // Dollars per thousand units to picodollars a unit.

struct PriceKey {
  std::string_view key;
  Meter meter;
  int shift;
};

constexpr std::array<PriceKey, 17> kPriceKeys = {{
    {"input_mtok", Meter::kInput, kPerMillion},
    {"input_audio_mtok", Meter::kInputAudio, kPerMillion},
    {"input_image_mtok", Meter::kInputImage, kPerMillion},
    {"input_video_mtok", Meter::kInputVideo, kPerMillion},
    {"cache_read_mtok", Meter::kCacheRead, kPerMillion},
    {"cache_audio_read_mtok", Meter::kCacheReadAudio, kPerMillion},
    {"cache_image_read_mtok", Meter::kCacheReadImage, kPerMillion},
    {"cache_video_read_mtok", Meter::kCacheReadVideo, kPerMillion},
    {"cache_write_mtok", Meter::kCacheWrite5m, kPerMillion},
    {"cache_write_5m_mtok", Meter::kCacheWrite5m, kPerMillion},
    {"cache_write_1h_mtok", Meter::kCacheWrite1h, kPerMillion},
    {"output_mtok", Meter::kOutput, kPerMillion},
    {"output_reasoning_mtok", Meter::kOutputReasoning, kPerMillion},
    {"output_audio_mtok", Meter::kOutputAudio, kPerMillion},
    {"output_image_mtok", Meter::kOutputImage, kPerMillion},
    {"web_searches_kcount", Meter::kSearch, kPerThousand},
    {"requests_kcount", Meter::kRequest, kPerThousand},
}};

const PriceKey* price_key(std::string_view key) {
  for (const PriceKey& known : kPriceKeys) {
    if (known.key == key) return &known;
  }
  return nullptr;
}

// "00:30:00Z" as minutes of the day.
std::optional<int> utc_minutes(std::string_view text) {
  if (text.size() != 9 || text[2] != ':' || text.substr(5) != ":00Z") return std::nullopt;
  const ScaledDecimal hour = scaled(text.substr(0, 2), 0);
  const ScaledDecimal minute = scaled(text.substr(3, 2), 0);
  const bool ok = hour.status == ScaledDecimal::Status::kExact &&
                  minute.status == ScaledDecimal::Status::kExact && hour.count < 24 &&
                  minute.count < 60;
  return ok ? std::optional(static_cast<int>(hour.count * 60 + minute.count)) : std::nullopt;
}

class Entry {
 public:
  Entry(const std::string& provider, const ForeignValue& value, ImportDesk& desk)
      : provider_(provider), value_(value), desk_(desk) {}

  void read() {
    model_.id = value_.string_of("id");
    const ForeignValue* prices = value_.find("prices");
    if (prices == nullptr) return desk_.leave_out_entry("has no prices");
    if (prices->is_array()) {
      read_alternatives(*prices);
    } else {
      CellDrafts cells;
      read_prices(*prices, {}, cells);
      model_.periods.push_back(desk_.row(desk_.options().from, cells));
    }
    std::erase_if(model_.periods, [](const PricePeriod& row) {
      const Rates& base = row.cells.front().bands.front().rates;
      return std::none_of(base.begin(), base.end(), [](const auto& rate) { return bool(rate); });
    });
    model_.context = desk_.tokens("context_window", value_.find("context_window"));
    for (const std::string& key : value_.keys) count_fact(key);
    std::vector<std::string> names;
    if (const ForeignValue* match = value_.find("match")) read_names(*match, names);
    desk_.add(provider_, std::move(model_), std::move(names));
  }

 private:
  void count_fact(const std::string& key) {
    for (const std::string_view read : {"id", "prices", "match", "context_window"}) {
      if (key == read) return;
    }
    desk_.count_other(key);
  }

  // One set of prices; each is a number or {"base", "tiers": [{"start", "price"}]}.
  void read_prices(const ForeignValue& prices, const CellTerms& terms, CellDrafts& cells) {
    std::map<std::int64_t, Rates>& drafts = cells[terms];
    // Every threshold of any price first: above it, each has the price of its own tier.
    for (const ForeignValue& price : prices.items) {
      const ForeignValue* tiers = price.find("tiers");
      for (std::size_t i = 0; tiers != nullptr && i < tiers->items.size(); ++i) {
        if (const auto start = start_of(tiers->items[i])) drafts[*start];
      }
    }
    drafts[-1];
    for (std::size_t i = 0; i < prices.keys.size(); ++i) {
      const PriceKey* known = price_key(prices.keys[i]);
      if (known == nullptr) {
        desk_.leave_out(prices.keys[i], prices.items[i], "no meter counts it");
        continue;
      }
      read_price(*known, prices.items[i], drafts);
    }
  }

  static std::optional<std::int64_t> start_of(const ForeignValue& tier) {
    const ForeignValue* start = tier.find("start");
    if (start == nullptr) return std::nullopt;
    const ScaledDecimal read = scaled(start->text, 0);
    const bool ok = read.status == ScaledDecimal::Status::kExact && read.count > 0 &&
                    read.count <= kTokensMax.count();
    return ok ? std::optional(read.count) : std::nullopt;
  }

  void read_price(const PriceKey& known, const ForeignValue& price,
                  std::map<std::int64_t, Rates>& drafts) {
    const std::size_t meter = index_of(known.meter);
    const ForeignValue* base = price.is_object() ? price.find("base") : &price;
    if (base == nullptr) return desk_.leave_out(known.key, price, "has no base price");
    const auto rate = desk_.rate(known.meter, known.key, *base, known.shift);
    if (!rate) return;
    for (auto& [over, rates] : drafts) rates[meter] = *rate;
    const ForeignValue* tiers = price.find("tiers");
    for (std::size_t i = 0; tiers != nullptr && i < tiers->items.size(); ++i) {
      const ForeignValue& tier = tiers->items[i];
      const auto start = start_of(tier);
      const ForeignValue* at = tier.find("price");
      const auto above = start && at != nullptr
                             ? desk_.rate(known.meter, known.key, *at, known.shift)
                             : std::nullopt;
      if (!above) {
        desk_.leave_out(known.key, tier, "is not a tier with a start and a price");
        continue;
      }
      for (auto& [over, rates] : drafts) {
        if (over >= *start) rates[meter] = *above;
      }
    }
  }

  // [{"prices"}, {"constraint": {"type": "start_date"...}, "prices"}, ...]: the last that matches.
  void read_alternatives(const ForeignValue& list) {
    Instant from = desk_.options().from;
    CellDrafts cells;
    for (const ForeignValue& item : list.items) {
      const ForeignValue* prices = item.find("prices");
      if (prices == nullptr) continue;
      const ForeignValue* constraint = item.find("constraint");
      if (constraint == nullptr || constraint->kind == ForeignValue::Kind::kNull) {
        cells.clear();
        read_prices(*prices, {}, cells);
      } else if (constraint->string_of("type") == "start_date") {
        const auto start =
            parse_instant(std::string(constraint->string_of("start_date")) + "T00:00:00Z");
        if (!start) {
          desk_.leave_out("prices", *constraint, "its start is not a date");
          continue;
        }
        begin_row(from, *start, cells);
        read_prices(*prices, {}, cells);
      } else {
        read_timed(*constraint, *prices, cells);
      }
    }
    model_.periods.push_back(desk_.row(from, cells));
  }

  // Ends the row so far and begins one at `start`; one that ends before all began is dropped.
  void begin_row(Instant& from, Instant start, CellDrafts& cells) {
    if (start > from) {
      model_.periods.push_back(desk_.row(from, cells));
      from = start;
    } else {
      desk_.note(ImportRemark::kAssumed, "prices", to_rfc3339(start),
                 "an earlier price ended before the instant that this import begins at");
    }
    cells.clear();
  }

  void read_timed(const ForeignValue& constraint, const ForeignValue& prices, CellDrafts& cells) {
    const auto begin = utc_minutes(constraint.string_of("start_time"));
    const auto end = utc_minutes(constraint.string_of("end_time"));
    if (constraint.string_of("type") != "time_of_date" || !begin || !end) {
      return desk_.leave_out("prices", constraint, "is not a span of a UTC day in whole minutes");
    }
    if (!model_.periods.empty()) {
      desk_.note(ImportRemark::kAssumed, "prices", "time_of_date",
                 "holds with the dated price before it, not at every date");
    }
    const CellTerms terms{.window = desk_.window(provider_, *begin, *end, kEveryDay)};
    read_prices(prices, terms, cells);
  }

  // Exact names only: "equals", and "or" of them.  Other patterns match more than a list can say.
  void read_names(const ForeignValue& match, std::vector<std::string>& names) {
    for (std::size_t i = 0; i < match.keys.size(); ++i) {
      const ForeignValue& rule = match.items[i];
      if (match.keys[i] == "equals") {
        names.push_back(rule.text);
      } else if (match.keys[i] == "or") {
        for (const ForeignValue& item : rule.items) read_names(item, names);
      } else {
        desk_.note(ImportRemark::kNameLeftOut, match.keys[i], rule.shown(),
                   "is a pattern, not a name");
      }
    }
  }

  const std::string& provider_;
  const ForeignValue& value_;
  ImportDesk& desk_;
  SheetModel model_;
};

}  // namespace

void import_genai_prices(const ForeignValue& root, ImportDesk& desk) {
  for (const ForeignValue& provider : root.items) {
    const std::string id(provider.string_of("id"));
    const ForeignValue* models = provider.find("models");
    for (std::size_t i = 0; models != nullptr && i < models->items.size(); ++i) {
      const ForeignValue& model = models->items[i];
      desk.count_entry();
      desk.begin_entry(fmt::format("{}/{}", id, model.string_of("id")));
      Entry(id, model, desk).read();
    }
  }
}

}  // namespace fare
