// Reads LiteLLM's map: key → object, in dollars a token, with the tier and the context band in the
// name of the field: "cache_creation_input_token_cost_above_1hr_above_200k_tokens_flex".

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "pricing/exact_decimal.h"
#include "pricing/import_desk.h"

namespace fare {
namespace {

constexpr int kPerUnit = 12;  // Dollars a unit to picodollars.
constexpr std::size_t kRegionMax = 128;
constexpr std::size_t kMultipliersMax = 4;  // Their product still fits the largest rate.

struct FieldMeter {
  std::string_view field;
  Meter meter;
};

constexpr std::array<FieldMeter, 13> kTokenFields = {{
    {"input_cost_per_token", Meter::kInput},
    {"input_cost_per_audio_token", Meter::kInputAudio},
    {"input_cost_per_image_token", Meter::kInputImage},
    {"cache_read_input_token_cost", Meter::kCacheRead},
    {"cache_read_input_audio_token_cost", Meter::kCacheReadAudio},
    {"cache_read_input_image_token_cost", Meter::kCacheReadImage},
    {"cache_creation_input_token_cost", Meter::kCacheWrite5m},
    {"cache_creation_input_token_cost_above_1hr", Meter::kCacheWrite1h},
    {"output_cost_per_token", Meter::kOutput},
    {"output_cost_per_reasoning_token", Meter::kOutputReasoning},
    {"output_cost_per_audio_token", Meter::kOutputAudio},
    {"output_cost_per_image_token", Meter::kOutputImage},
    {"input_cost_per_token_cache_hit", Meter::kCacheRead},
}};

struct Capability {
  std::string_view field;
  std::string_view name;
};

constexpr std::array<Capability, 11> kCapabilities = {{
    {"supports_function_calling", "tools"},
    {"supports_vision", "image_input"},
    {"supports_audio_input", "audio_input"},
    {"supports_audio_output", "audio_output"},
    {"supports_video_input", "video_input"},
    {"supports_pdf_input", "pdf_input"},
    {"supports_reasoning", "reasoning"},
    {"supports_response_schema", "structured_output"},
    {"supports_prompt_caching", "prompt_cache"},
    {"supports_web_search", "web_search"},
    {"supports_computer_use", "computer_use"},
}};

// What the name of a field says: whose rate it is, from which input on, for which tier.
struct FieldName {
  Meter meter = Meter::kInput;
  std::int64_t over = -1;
  CellTerms terms;
};

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

// Takes "_above_200k_tokens" off; leaves -1 if there is none.
std::int64_t take_band(std::string_view& name) {
  const std::size_t at = name.rfind("_above_");
  if (at == std::string_view::npos) return -1;
  std::string_view count = name.substr(at + 7);
  const bool thousands = take_suffix(count, "k_tokens");
  if (!thousands && !take_suffix(count, "_tokens")) return -1;
  std::int64_t value = 0;
  const auto read = std::from_chars(count.data(), count.data() + count.size(), value);
  const bool is_number = read.ec == std::errc() && read.ptr == count.data() + count.size();
  if (!is_number || value <= 0 || value > kTokensMax.count() / 1'000) return -1;
  name = name.substr(0, at);
  return thousands ? value * 1'000 : value;
}

std::optional<FieldName> parse_field(std::string_view name) {
  FieldName field;
  if (take_suffix(name, "_flex")) {
    field.terms.tier = ServiceTier::kFlex;
  } else if (take_suffix(name, "_priority")) {
    field.terms.tier = ServiceTier::kPriority;
  } else if (take_suffix(name, "_batches")) {
    field.terms.tier = ServiceTier::kBatch;
  } else if (take_suffix(name, "_ultrafast")) {
    field.terms.speed = SpeedMode::kFast;
  }
  field.over = take_band(name);
  for (const FieldMeter& known : kTokenFields) {
    if (known.field != name) continue;
    field.meter = known.meter;
    return field;
  }
  return std::nullopt;
}

// Whether it is a price at all, and not a fact.
bool is_price(std::string_view field) {
  return field.find("cost") != std::string_view::npos ||
         field.find("pric") != std::string_view::npos;
}

// Why a price that is not by the token is left out.
std::string_view reason(std::string_view field) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kReasons = {{
      {"per_second", "no meter counts seconds"},
      {"per_video", "no meter counts video"},
      {"per_character", "no meter counts characters"},
      {"per_pixel", "no meter counts pixels"},
      {"per_image", "no meter counts whole images"},
      {"page", "no meter counts pages"},
      {"per_credit", "no meter counts credits"},
      {"per_session", "no meter counts sessions"},
      {"per_gb", "no meter counts stored bytes"},
      {"dbu", "is in Databricks units, not dollars"},
      {"per_query", "no meter counts queries that are no searches"},
      {"cache_creation_input_audio", "no meter counts audio written to a cache"},
      {"citation", "no meter counts citations"},
  }};
  for (const auto& [word, why] : kReasons) {
    if (field.find(word) != std::string_view::npos) return why;
  }
  return "no meter counts it";
}

// Reads one entry of the map.
class Entry {
 public:
  Entry(const std::string& key, const ForeignValue& value, ImportDesk& desk)
      : value_(value), desk_(desk), provider_(value.string_of("litellm_provider")) {
    model_.id = key;
  }

  void read(const std::set<std::string>& keys) {
    if (!value_.is_object()) return desk_.leave_out_entry("is not an object");
    if (provider_.empty()) return desk_.leave_out_entry("names no litellm_provider");
    if (provider_.starts_with("one of ")) {
      return desk_.leave_out_entry("is the list's own example");
    }
    for (std::size_t i = 0; i < value_.keys.size(); ++i) {
      if (value_.find(value_.keys[i]) == &value_.items[i]) {
        read_field(value_.keys[i], value_.items[i]);
      }
    }
    fill_off_peak();
    if (would_be_free()) {
      return desk_.leave_out_entry(cells_.empty()
                                       ? "is sold only by what no meter counts"
                                       : "is zero by the token, and sold by what no meter counts");
    }
    PricePeriod row = desk_.row(desk_.options().from, cells_);
    row.multipliers = std::move(multipliers_);
    const std::string_view cited = value_.string_of("source");
    if (!cited.empty()) row.note = fmt::format("Cites {}", cited);
    model_.periods.push_back(std::move(row));
    std::vector<std::string> names = {model_.id};
    strip_provider(keys);
    desk_.add(provider_, std::move(model_), std::move(names));
  }

 private:
  void read_field(std::string_view field, const ForeignValue& value) {
    if (const auto name = parse_field(field)) return read_token_rate(field, value, *name);
    if (field == "search_context_cost_per_query") return read_search(field, value);
    if (field == "input_cost_per_request") return set_base(Meter::kRequest, field, value);
    if (field == "input_cost_per_query" && value_.string_of("mode") == "search") {
      return set_base(Meter::kSearch, field, value);
    }
    if (field == "tiered_pricing") return read_tiers(field, value);
    if (field == "off_peak_pricing") return read_off_peak(field, value);
    if (field == "provider_specific_entry") return read_specific(field, value);
    if (field.starts_with("regional_processing_uplift_multiplier_")) {
      return read_multiplier(field, value, ServiceTier::kStandard, SpeedMode::kStandard,
                             field.substr(field.rfind('_') + 1));
    }
    if (is_price(field) || field.find("multiplier") != std::string_view::npos) {
      if (value.is_number() && scaled(value.text, kPerUnit).count != 0) sold_otherwise_ = true;
      return desk_.leave_out(field, value, std::string(reason(field)));
    }
    read_fact(field, value);
  }

  void read_fact(std::string_view field, const ForeignValue& value) {
    if (field == "max_input_tokens") {
      model_.context = desk_.tokens(field, &value);
    } else if (field == "max_output_tokens") {
      model_.max_output = desk_.tokens(field, &value);
    } else if (field == "prompt_cache_min_tokens") {
      model_.min_cacheable = desk_.tokens(field, &value);
    } else if (field == "deprecation_date") {
      const auto day = parse_instant(value.text + "T00:00:00Z");
      if (day) model_.retired = *day;
      if (!day) desk_.count_other(field);
    } else if (field != "litellm_provider" && field != "source" && !read_capability(field, value)) {
      desk_.count_other(field);
    }
  }

  bool read_capability(std::string_view field, const ForeignValue& value) {
    for (const Capability& known : kCapabilities) {
      if (known.field != field) continue;
      if (value.is_true()) model_.capabilities.emplace_back(known.name);
      return true;
    }
    return false;
  }

  void read_token_rate(std::string_view field, const ForeignValue& value, const FieldName& name) {
    const auto rate = desk_.rate(name.meter, field, value, kPerUnit);
    if (!rate) return;
    // "At least 200k" at xAI, "above" elsewhere, as LiteLLM's engine has it.
    const std::int64_t over = name.over > 0 && provider_ == "xai" ? name.over - 1 : name.over;
    auto& slot = cells_[name.terms][over][index_of(name.meter)];
    if (slot && *slot != *rate) {
      desk_.leave_out(field, value, "another field gives this meter another price");
      return;
    }
    slot = *rate;
  }

  void set_base(Meter meter, std::string_view field, const ForeignValue& value) {
    if (const auto rate = desk_.rate(meter, field, value, kPerUnit)) {
      cells_[{}][-1][index_of(meter)] = *rate;
    }
  }

  // One price a search, if it is the same for every size of context.
  void read_search(std::string_view field, const ForeignValue& value) {
    const bool same = value.is_object() && !value.items.empty() &&
                      std::all_of(value.items.begin(), value.items.end(), [&](const auto& item) {
                        return item.is_number() && item.text == value.items[0].text;
                      });
    if (same) return set_base(Meter::kSearch, field, value.items[0]);
    desk_.leave_out(field, value, "the price of a search depends on its context size");
  }

  // [{"range": [0, 32000], "input_cost_per_token": ...}, ...].
  void read_tiers(std::string_view field, const ForeignValue& value) {
    if (!value.is_array()) return desk_.leave_out(field, value, "is not an array");
    std::int64_t end = 0;
    for (const ForeignValue& tier : value.items) {
      const ForeignValue* range = tier.find("range");
      if (range == nullptr || range->items.size() != 2) {
        return desk_.leave_out(field, tier, "a tier without a range of input tokens");
      }
      const ScaledDecimal low = scaled(range->items[0].text, 0);
      const ScaledDecimal high = scaled(range->items[1].text, 0);
      if (low.status != ScaledDecimal::Status::kExact || low.count != end) {
        return desk_.leave_out(field, tier, "the ranges do not follow each other");
      }
      end = high.count;
      const std::int64_t over = low.count == 0 ? -1 : low.count;
      for (std::size_t i = 0; i < tier.keys.size(); ++i) {
        if (tier.keys[i] == "range") continue;
        auto name = parse_field(tier.keys[i]);
        if (!name || name->over != -1) {
          desk_.leave_out(tier.keys[i], tier.items[i], std::string(reason(tier.keys[i])));
          continue;
        }
        name->over = over;
        read_token_rate(tier.keys[i], tier.items[i], *name);
      }
    }
    desk_.note(ImportRemark::kAssumed, field, "",
               "a range holds for the whole request whose input lies in it");
  }

  static std::optional<int> clock(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const ScaledDecimal hour = scaled(text.substr(0, 2), 0);
    const ScaledDecimal minute = scaled(text.substr(3), 0);
    const bool ok = hour.status == ScaledDecimal::Status::kExact &&
                    minute.status == ScaledDecimal::Status::kExact && hour.count < 24 &&
                    minute.count < 60;
    return ok ? std::optional(static_cast<int>(hour.count * 60 + minute.count)) : std::nullopt;
  }

  // "16:30-00:30", on some days of the week (1 is Monday, 7 Sunday).
  bool add_hours(const ForeignValue& hours, std::uint8_t weekdays, std::vector<std::string>& out) {
    const std::string_view text = hours.text;
    if (!hours.is_string() || text.size() != 11 || text[5] != '-') return false;
    const auto from = clock(text.substr(0, 5));
    const auto until = clock(text.substr(6));
    if (!from || !until) return false;
    // Past midnight it is the next day, which a set of weekdays does not say.
    if (*until <= *from && *until > 0 && weekdays != kEveryDay) return false;
    out.push_back(desk_.window(provider_, *from, *until, weekdays));
    return true;
  }

  static std::optional<std::uint8_t> weekdays_of(const ForeignValue* days) {
    if (days == nullptr) return kEveryDay;
    unsigned mask = 0;
    for (const ForeignValue& day : days->items) {
      const ScaledDecimal number = day.is_number() ? scaled(day.text, 0) : ScaledDecimal{};
      if (number.count < 1 || number.count > 7) return std::nullopt;
      mask |= 1u << number.count % 7;
    }
    return mask == 0 ? std::nullopt : std::optional(static_cast<std::uint8_t>(mask));
  }

  // {"hours_utc": "16:30-00:30" or a list, "windows": [{"hours_utc", "weekdays"}], rates...}.
  void read_off_peak(std::string_view field, const ForeignValue& value) {
    std::vector<std::string> windows;
    bool clear = value.is_object();
    const auto add = [&](const ForeignValue* hours, std::optional<std::uint8_t> days) {
      if (hours == nullptr) return;
      clear = clear && days.has_value();
      const std::uint8_t mask = days.value_or(kEveryDay);
      if (hours->is_array()) {
        for (const auto& item : hours->items) clear = clear && add_hours(item, mask, windows);
      } else {
        clear = clear && add_hours(*hours, mask, windows);
      }
    };
    add(value.find("hours_utc"), kEveryDay);
    if (const ForeignValue* list = value.find("windows")) {
      for (const ForeignValue& item : list->items) {
        add(item.find("hours_utc"), weekdays_of(item.find("weekdays")));
      }
    }
    const std::string_view zone = value.string_of("weekday_timezone");
    if (!clear || windows.empty() || (!zone.empty() && zone != "UTC")) {
      return desk_.leave_out(field, value, "its hours are not whole spans of UTC days");
    }
    for (const std::string& window : windows) {
      for (std::size_t i = 0; i < value.keys.size(); ++i) {
        auto name = parse_field(value.keys[i]);
        if (!name) continue;
        name->terms.window = window;
        read_token_rate(value.keys[i], value.items[i], *name);
      }
    }
  }

  // Off peak, a price that is not named is the ordinary one.
  void fill_off_peak() {
    for (auto& [terms, drafts] : cells_) {
      if (terms.window.empty()) continue;
      CellTerms ordinary = terms;
      ordinary.window.clear();
      const auto found = cells_.find(ordinary);
      if (found == cells_.end() || !found->second.contains(-1)) continue;
      const Rates& base = found->second.at(-1);
      for (std::size_t i = 0; i <= index_of(Meter::kOutputImage); ++i) {
        if (!drafts[-1][i]) drafts[-1][i] = base[i];
      }
    }
  }

  // {"us": 1.1, "fast": 2.0}: for tokens served in the US, or in fast mode.
  void read_specific(std::string_view field, const ForeignValue& value) {
    for (std::size_t i = 0; i < value.keys.size(); ++i) {
      const std::string& key = value.keys[i];
      if (key == "fast") {
        read_multiplier(key, value.items[i], ServiceTier::kStandard, SpeedMode::kFast, "");
      } else if (value.items[i].is_number()) {
        read_multiplier(key, value.items[i], ServiceTier::kStandard, SpeedMode::kStandard, key);
      } else {
        desk_.count_other(fmt::format("{}.{}", field, key));
      }
    }
  }

  void read_multiplier(std::string_view field, const ForeignValue& value, ServiceTier tier,
                       SpeedMode speed, std::string_view region) {
    const ScaledDecimal read = value.is_number() ? scaled(value.text, 3) : ScaledDecimal{};
    if (read.status != ScaledDecimal::Status::kExact || read.count <= 0 || read.count > 10'000) {
      return desk_.leave_out(field, value, "is not a multiplier up to 10 of three decimals");
    }
    const bool has_axis =
        tier != ServiceTier::kStandard || speed != SpeedMode::kStandard || !region.empty();
    if (!has_axis || region.size() > kRegionMax || multipliers_.size() == kMultipliersMax) {
      return desk_.leave_out(field, value, "is a multiplier too many, or of no region");
    }
    PriceMultiplier by{.tier = tier, .speed = speed, .region = std::string(region)};
    const std::int64_t divisor = std::gcd(read.count, std::int64_t{1'000});
    by.numerator = read.count / divisor;
    by.denominator = 1'000 / divisor;
    const bool taken = std::any_of(multipliers_.begin(), multipliers_.end(), [&by](const auto& it) {
      return it.tier == by.tier && it.speed == by.speed && it.region == by.region;
    });
    if (taken) return desk_.leave_out(field, value, "another field gives this multiplier");
    multipliers_.push_back(std::move(by));
  }

  // Whether every price that is carried is zero, although the entry is not free.
  bool would_be_free() const {
    if (!sold_otherwise_) return false;
    for (const auto& [terms, drafts] : cells_) {
      for (const auto& [over, rates] : drafts) {
        for (const auto& rate : rates) {
          if (rate && *rate != Rate(0)) return false;
        }
      }
    }
    return true;
  }

  // "xai/grok-4.5" of xai is grok-4.5, unless that is another key.
  void strip_provider(const std::set<std::string>& keys) {
    const std::size_t slash = model_.id.find('/');
    if (slash == std::string::npos || slash + 1 == model_.id.size()) return;
    const auto plain = [](std::string_view name) {
      std::string text(name);
      std::replace(text.begin(), text.end(), '_', '-');
      return text;
    };
    const std::string prefix = plain(std::string_view(model_.id).substr(0, slash));
    const std::string provider = plain(provider_);
    if (provider != prefix && !provider.starts_with(prefix + "-")) return;
    std::string rest = model_.id.substr(slash + 1);
    if (!keys.contains(rest)) model_.id = std::move(rest);
  }

  const ForeignValue& value_;
  ImportDesk& desk_;
  std::string provider_;
  SheetModel model_;
  CellDrafts cells_;
  std::vector<PriceMultiplier> multipliers_;
  bool sold_otherwise_ = false;  // It has another price that is not zero.
};

}  // namespace

void import_litellm(const ForeignValue& root, ImportDesk& desk) {
  const std::set<std::string> keys(root.keys.begin(), root.keys.end());
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    desk.count_entry();
    desk.begin_entry(root.keys[i]);
    if (root.find(root.keys[i]) != &root.items[i]) {
      desk.leave_out_entry("stands twice: the last one counts");
      continue;
    }
    Entry(root.keys[i], root.items[i], desk).read(keys);
  }
}

}  // namespace fare
