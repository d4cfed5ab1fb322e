#include "fare/price_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "fare/price_sheet.h"

namespace fare {
namespace {

std::string rate_text(Meter meter, const std::optional<Rate>& rate) {
  if (!rate) return "";
  return is_per_million(meter) ? to_usd_per_mtok(*rate) : to_usd(*rate * Tokens(1));
}

std::string instant_text(const std::optional<Instant>& at) { return at ? to_rfc3339(*at) : ""; }

std::string tokens_text(Tokens count) {
  return count == Tokens(0) ? std::string() : std::to_string(count.count());
}

std::optional<double> percent(const std::optional<Rate>& before, const std::optional<Rate>& after) {
  if (!before || !after || *before == Rate(0)) return std::nullopt;
  const auto from = static_cast<double>(before->count());
  return 100 * (static_cast<double>(after->count()) - from) / from;
}

// The terms of a cell or multiplier as text: "batch, eu"; empty for the base.
template <class Terms>
std::string terms_text(const Terms& terms) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += ", ";
    text += part;
  };
  if (terms.tier != ServiceTier::kStandard) add(to_string(terms.tier));
  if (terms.speed != SpeedMode::kStandard) add(to_string(terms.speed));
  add(terms.region);
  if constexpr (requires { terms.window; }) add(terms.window);
  return text;
}

// (terms, band, meter): rates come in the order of the table.
using RateKey = std::tuple<std::string, std::int64_t, Meter>;

std::map<RateKey, Rate> rates_of(const PricePeriod& row) {
  std::map<RateKey, Rate> rates;
  for (const PriceCell& cell : row.cells) {
    for (const PriceBand& band : cell.bands) {
      for (std::size_t i = 0; i < kMeterCount; ++i) {
        if (!band.rates[i]) continue;
        // A fee that a band has from the base is no price of its own.
        const bool is_fee = i > static_cast<std::size_t>(Meter::kOutputImage);
        if (is_fee && band.input_over >= Tokens(0)) continue;
        const auto meter = static_cast<Meter>(i);
        rates.emplace(RateKey(terms_text(cell), band.input_over.count(), meter), *band.rates[i]);
      }
    }
  }
  return rates;
}

std::map<std::string, std::string> multipliers_of(const PricePeriod& row) {
  std::map<std::string, std::string> times;
  for (const PriceMultiplier& by : row.multipliers) {
    times.emplace(terms_text(by) + ", multiplier",
                  to_usd_per_mtok(Rate(by.numerator * 1'000'000), by.denominator));
  }
  return times;
}

std::string place_text(const RateKey& key) {
  const auto& [terms, over, meter] = key;
  std::string text = terms.empty() ? "" : terms + ", ";
  if (over >= 0) text += fmt::format("input over {}, ", over);
  return text + std::string(to_string(meter));
}

// Calls `change(key, before or null, after or null)` for every key whose values differ.
template <class Key, class Value, class Change>
void compare(const std::map<Key, Value>& before, const std::map<Key, Value>& after,
             const Change& change) {
  std::set<Key> keys;
  for (const auto& [key, value] : before) keys.insert(key);
  for (const auto& [key, value] : after) keys.insert(key);
  for (const Key& key : keys) {
    const auto old = before.find(key);
    const auto now = after.find(key);
    const Value* was = old == before.end() ? nullptr : &old->second;
    const Value* is = now == after.end() ? nullptr : &now->second;
    if (was == nullptr || is == nullptr || !(*was == *is)) change(key, was, is);
  }
}

// A map of pointers to models, compared by their contents elsewhere.
using Models = std::map<std::pair<std::string, std::string>, const SheetModel*>;

Models models_of(const std::vector<PriceSheet>& sheets) {
  Models models;
  for (const PriceSheet& sheet : sheets) {
    for (const SheetModel& model : sheet.models) models[{sheet.provider, model.id}] = &model;
  }
  return models;
}

class Differ {
 public:
  explicit Differ(Instant now) : now_(now) {}

  PriceDiff run(const PriceBook& before, const PriceBook& after) {
    const std::vector<PriceSheet> old_sheets = sheets_of(before);
    const std::vector<PriceSheet> new_sheets = sheets_of(after);
    compare(models_of(old_sheets), models_of(new_sheets),
            [this](const auto& key, const auto* was, const auto* is) {
              provider_ = key.first;
              model_ = key.second;
              if (was == nullptr) return add_model(**is);
              if (is == nullptr) return remove_model(**was);
              compare_models(**was, **is);
            });
    model_.clear();
    compare_windows(old_sheets, new_sheets);
    compare_calendars(calendars_of(before), calendars_of(after));
    return finish();
  }

 private:
  void add(ChangeKind kind, PastEffect past, std::string place, std::string before,
           std::string after, std::optional<double> by = std::nullopt) {
    diff_.changes.push_back(
        {kind, past, provider_, model_, std::move(place), std::move(before), std::move(after), by});
  }

  PastEffect rewritten_if(bool past) const {
    return past ? PastEffect::kRewritten : PastEffect::kNone;
  }

  bool is_past(const PricePeriod& row) const { return row.from < now_; }

  static std::string row_place(const PricePeriod& row) {
    return fmt::format("from {}", to_rfc3339(row.from));
  }

  // The prices of a row in a few words: "input 1, output 2".
  static std::string row_text(const PricePeriod& row) {
    std::string text;
    for (const auto& [key, rate] : rates_of(row)) {
      const auto& [terms, over, meter] = key;
      if (!terms.empty() || over >= 0) continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(meter),
                          rate_text(meter, rate));
    }
    return text.empty() ? "prices" : text;
  }

  void add_model(const SheetModel& model) {
    add(ChangeKind::kModelAdded, PastEffect::kNone, "", "",
        model.periods.empty() ? "" : row_text(model.periods.back()));
  }

  void remove_model(const SheetModel& model) {
    const bool past = std::any_of(model.periods.begin(), model.periods.end(),
                                  [this](const PricePeriod& row) { return is_past(row); });
    add(ChangeKind::kModelRemoved, rewritten_if(past), "",
        model.periods.empty() ? "" : row_text(model.periods.back()), "");
  }

  void compare_models(const SheetModel& before, const SheetModel& after) {
    compare_rows(before.periods, after.periods);
    compare_names(before.aliases, after.aliases);
    const auto fact = [this](std::string place, std::string was, std::string is) {
      if (was == is) return;
      add(ChangeKind::kFactChanged, PastEffect::kNone, std::move(place), std::move(was),
          std::move(is));
    };
    fact("maker", before.maker, after.maker);
    fact("context_tokens", tokens_text(before.context), tokens_text(after.context));
    fact("max_output_tokens", tokens_text(before.max_output), tokens_text(after.max_output));
    fact("min_cacheable_tokens", tokens_text(before.min_cacheable),
         tokens_text(after.min_cacheable));
    fact("retired", instant_text(before.retired), instant_text(after.retired));
    fact("capabilities", fmt::format("{}", fmt::join(before.capabilities, " ")),
         fmt::format("{}", fmt::join(after.capabilities, " ")));
  }

  // Rows are the same row if they begin, and were known, at the same instants.
  using RowKey = std::pair<Instant, Instant>;

  static std::map<RowKey, const PricePeriod*> rows_by_key(const std::vector<PricePeriod>& rows) {
    std::map<RowKey, const PricePeriod*> by_key;
    for (const PricePeriod& row : rows) by_key[{row.from, row.known_from}] = &row;
    return by_key;
  }

  void compare_rows(const std::vector<PricePeriod>& before, const std::vector<PricePeriod>& after) {
    compare(rows_by_key(before), rows_by_key(after),
            [this](const RowKey&, const auto* was, const auto* is) {
              if (was == nullptr) return add_row(**is);
              if (is == nullptr) {
                return add(ChangeKind::kRowRemoved, rewritten_if(is_past(**was)), row_place(**was),
                           row_text(**was), "");
              }
              compare_row(**was, **is);
            });
  }

  void add_row(const PricePeriod& row) {
    add(ChangeKind::kRowAdded, is_past(row) ? PastEffect::kBackdated : PastEffect::kNone,
        row_place(row), "", row_text(row));
  }

  void compare_row(const PricePeriod& before, const PricePeriod& after) {
    const std::string place = row_place(after);
    const PastEffect past = rewritten_if(is_past(after));
    if (!before.known_until && after.known_until) {
      add(ChangeKind::kRowWithdrawn, PastEffect::kNone, place,
          std::string(to_string(before.status)),
          fmt::format("{} since {}", to_string(after.status), to_rfc3339(*after.known_until)));
    } else if (before.known_until != after.known_until) {
      add(ChangeKind::kPeriodChanged, past, place + ", withdrawn", instant_text(before.known_until),
          instant_text(after.known_until));
    } else if (before.status != after.status) {
      add(ChangeKind::kFactChanged, PastEffect::kNone, place + ", status",
          std::string(to_string(before.status)), std::string(to_string(after.status)));
    }
    if (before.until != after.until) {
      const Instant first =
          std::min(before.until.value_or(Instant::max()), after.until.value_or(Instant::max()));
      add(ChangeKind::kPeriodChanged, rewritten_if(first < now_), place + ", until",
          instant_text(before.until), instant_text(after.until));
    }
    compare(rates_of(before), rates_of(after),
            [&](const RateKey& key, const Rate* was, const Rate* is) {
              const auto rate = [](const Rate* it) {
                return it ? std::optional(*it) : std::nullopt;
              };
              const Meter meter = std::get<Meter>(key);
              add(ChangeKind::kRateChanged, past, place + ", " + place_text(key),
                  rate_text(meter, rate(was)), rate_text(meter, rate(is)),
                  percent(rate(was), rate(is)));
            });
    compare(multipliers_of(before), multipliers_of(after),
            [&](const std::string& key, const std::string* was, const std::string* is) {
              add(ChangeKind::kRateChanged, past, place + ", " + key, was ? *was : "",
                  is ? *is : "");
            });
    compare_provenance(before, after, place);
  }

  void compare_provenance(const PricePeriod& before, const PricePeriod& after,
                          const std::string& place) {
    const std::pair<std::string_view, std::string PricePeriod::*> fields[] = {
        {"source", &PricePeriod::source},
        {"observed", &PricePeriod::observed},
        {"note", &PricePeriod::note}};
    for (const auto& [name, field] : fields) {
      if (before.*field == after.*field) continue;
      add(ChangeKind::kFactChanged, PastEffect::kNone, fmt::format("{}, {}", place, name),
          before.*field, after.*field);
    }
  }

  void compare_names(const std::vector<ModelAlias>& before, const std::vector<ModelAlias>& after) {
    const auto spans = [](const std::vector<ModelAlias>& aliases) {
      std::map<std::pair<std::string, Instant>, Instant> all;
      for (const ModelAlias& alias : aliases) {
        all[{alias.id, alias.from.value_or(Instant::min())}] = alias.until.value_or(Instant::max());
      }
      return all;
    };
    const auto text = [](const Instant* until) -> std::string {
      if (until == nullptr) return "";
      return *until == Instant::max() ? "means it" : "means it until " + to_rfc3339(*until);
    };
    compare(spans(before), spans(after),
            [&](const auto& key, const Instant* was, const Instant* is) {
              // A new name resolves what did not resolve; one that went, or moved its end, may not
              // now.
              const Instant moved = std::min(was ? *was : Instant::max(), is ? *is : key.second);
              const bool past = was != nullptr && (is == nullptr ? key.second : moved) < now_;
              std::string place = "alias " + key.first;
              if (key.second != Instant::min()) place += " from " + to_rfc3339(key.second);
              add(ChangeKind::kNameChanged, rewritten_if(past), place, text(was), text(is));
            });
  }

  static std::map<std::pair<std::string, std::string>, PriceWindow> windows_of(
      const std::vector<PriceSheet>& sheets) {
    std::map<std::pair<std::string, std::string>, PriceWindow> windows;
    for (const PriceSheet& sheet : sheets) {
      for (const auto& [name, window] : sheet.windows) windows[{sheet.provider, name}] = window;
    }
    return windows;
  }

  static std::string window_text(const PriceWindow* window) {
    if (window == nullptr) return "";
    std::string text = fmt::format("{} days {:07b}", window->zone, window->weekdays);
    for (const auto& [from, until] : window->hours) {
      text += fmt::format(" {}-{} min", from.count() / 60, until.count() / 60);
    }
    return window->calendar.empty() ? text : text + " but " + window->calendar;
  }

  // Whether a row that began before now uses the window.
  bool is_used_before(const std::vector<PriceSheet>& sheets, const std::string& provider,
                      const std::string& window) const {
    for (const PriceSheet& sheet : sheets) {
      if (sheet.provider != provider) continue;
      for (const SheetModel& model : sheet.models) {
        for (const PricePeriod& row : model.periods) {
          if (!is_past(row)) continue;
          for (const PriceCell& cell : row.cells) {
            if (cell.window == window) return true;
          }
        }
      }
    }
    return false;
  }

  void compare_windows(const std::vector<PriceSheet>& before,
                       const std::vector<PriceSheet>& after) {
    compare(windows_of(before), windows_of(after),
            [&](const auto& key, const PriceWindow* was, const PriceWindow* is) {
              provider_ = key.first;
              const bool past =
                  was != nullptr && is != nullptr && is_used_before(before, key.first, key.second);
              add(ChangeKind::kWindowChanged, rewritten_if(past), "window " + key.second,
                  window_text(was), window_text(is));
            });
  }

  void compare_calendars(const std::vector<PriceCalendar>& before,
                         const std::vector<PriceCalendar>& after) {
    provider_.clear();
    const auto texts = [](const std::vector<PriceCalendar>& calendars, Instant until) {
      std::map<std::string, std::vector<std::int64_t>> days;
      for (const PriceCalendar& calendar : calendars) {
        std::vector<std::int64_t>& list = days[calendar.name];
        const auto add_day = [&](std::chrono::local_days day) {
          const Instant at = std::chrono::sys_days(day.time_since_epoch());
          if (at < until) list.push_back(day.time_since_epoch().count());
        };
        add_day(calendar.from);
        add_day(calendar.until);
        for (const auto day : calendar.holidays) add_day(day);
      }
      return days;
    };
    const auto old_past = texts(before, now_);
    const auto new_past = texts(after, now_);
    compare(texts(before, Instant::max()), texts(after, Instant::max()),
            [&](const std::string& name, const auto* was, const auto* is) {
              const bool past =
                  was != nullptr && is != nullptr && old_past.at(name) != new_past.at(name);
              const auto count = [](const auto* days) {
                return days ? fmt::format("{} days", days->size() - 2) : std::string();
              };
              add(ChangeKind::kWindowChanged, rewritten_if(past), "calendar " + name, count(was),
                  count(is));
            });
  }

  PriceDiff finish() {
    std::stable_sort(diff_.changes.begin(), diff_.changes.end(), [](const auto& a, const auto& b) {
      return std::tie(a.provider, a.model) < std::tie(b.provider, b.model);
    });
    std::set<std::pair<std::string, std::string>> models;
    for (const PriceChange& change : diff_.changes) {
      const bool read_again =
          change.kind == ChangeKind::kFactChanged && change.place.ends_with(", observed");
      if (!change.model.empty() && !read_again) models.emplace(change.provider, change.model);
      diff_.past = std::max(diff_.past, change.past);
    }
    diff_.models = models.size();
    return std::move(diff_);
  }

  Instant now_;
  std::string provider_;
  std::string model_;
  PriceDiff diff_;
};

}  // namespace

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kModelAdded:
      return "model added";
    case ChangeKind::kModelRemoved:
      return "model removed";
    case ChangeKind::kRowAdded:
      return "row added";
    case ChangeKind::kRowRemoved:
      return "row removed";
    case ChangeKind::kRowWithdrawn:
      return "row withdrawn";
    case ChangeKind::kRateChanged:
      return "rate changed";
    case ChangeKind::kPeriodChanged:
      return "period changed";
    case ChangeKind::kNameChanged:
      return "name changed";
    case ChangeKind::kWindowChanged:
      return "window changed";
    case ChangeKind::kFactChanged:
      return "fact changed";
  }
  return "unknown";
}

std::string_view to_string(PastEffect effect) {
  switch (effect) {
    case PastEffect::kNone:
      return "none";
    case PastEffect::kBackdated:
      return "backdated";
    case PastEffect::kRewritten:
      return "rewritten";
  }
  return "unknown";
}

PriceDiff diff_prices(const PriceBook& before, const PriceBook& after, Instant now) {
  return Differ(now).run(before, after);
}

}  // namespace fare
