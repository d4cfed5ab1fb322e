// Reads OpenRouter's listing: models with prices in dollars a unit, as text.

#include <fmt/format.h>

#include <array>

#include "pricing/exact_decimal.h"
#include "pricing/import_desk.h"

namespace fare {
namespace {

constexpr int kPerUnit = 12;  // Dollars a unit to picodollars.
constexpr std::string_view kProvider = "openrouter";

struct PriceKey {
  std::string_view key;
  Meter meter;
};

constexpr std::array<PriceKey, 13> kPriceKeys = {{
    {"prompt", Meter::kInput},
    {"audio", Meter::kInputAudio},
    {"image", Meter::kInputImage},
    {"input_cache_read", Meter::kCacheRead},
    {"input_audio_cache", Meter::kCacheReadAudio},
    {"input_cache_write", Meter::kCacheWrite5m},
    {"input_cache_write_1h", Meter::kCacheWrite1h},
    {"completion", Meter::kOutput},
    {"internal_reasoning", Meter::kOutputReasoning},
    {"audio_output", Meter::kOutputAudio},
    {"image_output", Meter::kOutputImage},
    {"web_search", Meter::kSearch},
    {"request", Meter::kRequest},
}};

// A tenth of a cent for an image token would be 1,000 dollars per million: such a price is for a
// whole image.
constexpr Rate kImageTokenMax = Rate(1'000'000'000);

class Entry {
 public:
  Entry(const ForeignValue& value, ImportDesk& desk) : value_(value), desk_(desk) {
    model_.id = value.string_of("id");
  }

  void read() {
    const ForeignValue* pricing = value_.find("pricing");
    if (pricing == nullptr || !pricing->is_object()) {
      return desk_.leave_out_entry("has no pricing");
    }
    read_rates(*pricing, {}, -1);
    if (const ForeignValue* overrides = pricing->find("overrides")) {
      for (const ForeignValue& item : overrides->items) read_override(item);
    }
    complete_windows();
    read_facts();
    model_.periods.push_back(desk_.row(desk_.options().from, cells_));
    std::vector<std::string> names;
    if (value_.find("alias_target") == nullptr) {
      names.emplace_back(value_.string_of("canonical_slug"));
    }
    desk_.add(std::string(kProvider), std::move(model_), std::move(names));
  }

 private:
  void read_rates(const ForeignValue& pricing, const CellTerms& terms, std::int64_t over) {
    for (std::size_t i = 0; i < pricing.keys.size(); ++i) {
      const std::string& key = pricing.keys[i];
      if (key == "overrides" || key == "min_prompt_tokens" || key.starts_with("utc_")) continue;
      const auto* known = std::find_if(kPriceKeys.begin(), kPriceKeys.end(),
                                       [&key](const PriceKey& it) { return it.key == key; });
      if (known == kPriceKeys.end()) {
        desk_.leave_out(key, pricing.items[i], "no meter counts it");
        continue;
      }
      const auto rate = desk_.rate(known->meter, key, pricing.items[i], kPerUnit);
      if (!rate) continue;
      if (known->meter == Meter::kInputImage && *rate > kImageTokenMax) {
        desk_.leave_out(key, pricing.items[i], "no meter counts whole images");
        continue;
      }
      cells_[terms][over][index_of(known->meter)] = *rate;
    }
  }

  // {"min_prompt_tokens": 272000, ...} or {"utc_start": 100, "utc_end": 400, ...}: HHMM.
  void read_override(const ForeignValue& value) {
    const ForeignValue* least = value.find("min_prompt_tokens");
    const ForeignValue* start = value.find("utc_start");
    const ForeignValue* end = value.find("utc_end");
    if (least != nullptr && start == nullptr && end == nullptr) {
      const ScaledDecimal from = scaled(least->text, 0);
      if (from.status == ScaledDecimal::Status::kExact && from.count > 0 &&
          from.count <= kTokensMax.count()) {
        return read_rates(value, {}, from.count - 1);
      }
    }
    const auto begin = minutes(start);
    const auto until = minutes(end);
    if (least != nullptr || !begin || !until) {
      return desk_.leave_out("overrides", value, "is neither a minimum of input nor hours in UTC");
    }
    const CellTerms terms{.window =
                              desk_.window(std::string(kProvider), *begin, *until, kEveryDay)};
    read_rates(value, terms, -1);
  }

  static std::optional<int> minutes(const ForeignValue* clock) {
    if (clock == nullptr) return std::nullopt;
    const ScaledDecimal read = scaled(clock->text, 0);
    if (read.status != ScaledDecimal::Status::kExact || read.count > 2'400) return std::nullopt;
    const auto hour = static_cast<int>(read.count / 100);
    const auto minute = static_cast<int>(read.count % 100);
    return minute < 60 ? std::optional((hour * 60 + minute) % (24 * 60)) : std::nullopt;
  }

  // An override replaces what it names.
  void complete_windows() {
    const Rates base = cells_[{}][-1];
    for (auto& [terms, drafts] : cells_) {
      for (auto& [over, rates] : drafts) {
        for (std::size_t i = 0; i <= index_of(Meter::kOutputImage); ++i) {
          if (!rates[i]) rates[i] = base[i];
        }
      }
    }
  }

  void read_facts() {
    for (std::size_t i = 0; i < value_.keys.size(); ++i) {
      const std::string& key = value_.keys[i];
      const ForeignValue& item = value_.items[i];
      if (key == "context_length") {
        model_.context = desk_.tokens(key, &item);
      } else if (key == "top_provider") {
        model_.max_output = desk_.tokens(key, item.find("max_completion_tokens"));
      } else if (key == "expiration_date") {
        const auto day = parse_instant(item.text + "T00:00:00Z");
        if (day) model_.retired = *day;
      } else if (key != "id" && key != "pricing" && key != "canonical_slug") {
        desk_.count_other(key);
      }
    }
  }

  const ForeignValue& value_;
  ImportDesk& desk_;
  SheetModel model_;
  CellDrafts cells_;
};

}  // namespace

void import_open_router(const ForeignValue& root, ImportDesk& desk) {
  for (const ForeignValue& model : root.find("data")->items) {
    desk.count_entry();
    desk.begin_entry(std::string(model.string_of("id")));
    Entry(model, desk).read();
  }
}

}  // namespace fare
