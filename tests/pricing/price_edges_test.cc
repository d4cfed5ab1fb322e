// The edges of everything that selects a price in the shipped tables: bands, windows, holidays,
// rows, names, and what was known when; each against the slow reading of the JSON.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "pricing/tables.h"
#include "shipped_tables.h"

namespace fare {
namespace {

using Counts = std::map<std::string, std::int64_t>;

constexpr Duration kTick{1};
constexpr std::int64_t kDay = 86'400'000'000'000;

// Calls `check(table, model in JSON, id in the book)` for every model of every table.
template <class Check>
void for_all_models(const Check& check) {
  for (const TableFile& file : shipped_tables()) {
    const auto vendor = file.json.at("vendor").get<std::string>();
    for (const Json& model : file.json.at("models")) {
      const auto name = model.at("id").get<std::string>();
      SCOPED_TRACE(vendor + "/" + name);
      const ModelMatch match = shipped_book().find(vendor, name, at("2026-11-23T00:00:00Z"));
      ASSERT_EQ(match.status, LookUp::kFound);
      check(file, model, match.model);
    }
  }
}

// The total of a charge if all of it is priced.
std::optional<Int128> total(const Charge& charge) {
  if (charge.status != PriceStatus::kPriced) return std::nullopt;
  return charge.total.count();
}

std::string shown(const std::optional<Int128>& picodollars) {
  return picodollars ? to_usd(Cost(*picodollars)) : "nothing";
}

// A usage of all meters that the row knows, whose input is `input` tokens in all.
Counts usage_with_input(const Json& row, std::int64_t input) {
  Counts counts;
  std::int64_t left = input;
  const Json rates = row.value("usd_per_mtok", Json::object());
  for (const auto& [meter, rate] : rates.items()) {
    const bool is_input = meter.starts_with("input") || meter.starts_with("cache");
    if (meter == "input" || meter == "cache_storage") continue;
    counts[meter] = is_input ? std::min<std::int64_t>(left, 11) : 777;
    if (is_input) left -= counts[meter];
  }
  if (rates.contains("cache_storage")) counts["cache_storage"] = 13;
  counts["input"] = left;
  const Json fees = row.value("usd_per_unit", Json::object());
  for (const auto& [meter, fee] : fees.items()) counts[meter] = 3;
  return counts;
}

// An instant at which the row is in force and these terms' window holds; nothing within a week.
std::optional<Instant> instant_in(const TableFile& file, const Json& model, const Json& row,
                                  const std::string& window) {
  std::set<std::string> named;
  for (const Json& cell : row.value("cells", Json::array())) named.insert(cell.value("window", ""));
  for (int half_hours = 0; half_hours < 7 * 48; ++half_hours) {
    const Instant now = moment(row["from"]) + std::chrono::minutes(30) * half_hours;
    if (slow_row(model, now, Instant::max()) != &row) continue;
    bool fits = true;
    for (const std::string& name : named) {
      if (name.empty()) continue;
      const SlowAnswer answer = slow_window(file.json.at("windows").at(name), now);
      fits = fits && answer == (name == window ? SlowAnswer::kInside : SlowAnswer::kOutside);
    }
    if (fits) return now;
  }
  return std::nullopt;
}

// Goal: every band starts exactly above its threshold, under all terms that the table knows.
// Method: one token less, the same, one more; thresholds and rates from the JSON.
TEST(PriceEdgesTest, EveryBandOfEveryTable) {
  int thresholds = 0;
  int cells = 0;
  for_all_models([&](const TableFile& file, const Json& model, ModelId id) {
    for (const Json& row : model.at("prices")) {
      for (const SlowTerms& terms : stated_terms(row)) {
        const std::optional<Instant> now = instant_in(file, model, row, terms.window);
        if (!now) continue;
        ++cells;
        std::vector<std::int64_t> inputs = {1'000};
        for (const std::int64_t most : slow_thresholds(row, terms)) {
          inputs.insert(inputs.end(), {most - 1, most, most + 1, most + 2});
          ++thresholds;
        }
        for (const std::int64_t input : inputs) {
          const Counts counts = usage_with_input(row, input);
          const Charge charge =
              shipped_book().charge(id, usage_of(counts), *now, library_terms(terms));
          EXPECT_EQ(shown(total(charge)), shown(slow_cost(row, terms, counts)))
              << row["from"] << " " << terms.tier << terms.speed << terms.region << terms.window
              << " with " << input << " input tokens";
        }
      }
    }
  });
  EXPECT_GT(cells, 1'000);
  EXPECT_GT(thresholds, 200);
}

TEST(PriceEdgesTest, TheBookHasTheBandsOfTheTables) {
  int bands = 0;
  for_all_models([&](const TableFile&, const Json& model, ModelId id) {
    const auto periods = shipped_book().periods(id);
    ASSERT_EQ(periods.size(), model.at("prices").size());
    for (std::size_t i = 0; i < periods.size(); ++i) {
      const Json& row = model["prices"][i];
      EXPECT_EQ(periods[i].from, moment(row["from"]));
      EXPECT_EQ(periods[i].cells.size(), 1 + row.value("cells", Json::array()).size());
      EXPECT_EQ(periods[i].multipliers.size(), row.value("multipliers", Json::array()).size());
      std::vector<std::int64_t> thresholds;
      for (const PriceBand& band : periods[i].cells.front().bands) {
        thresholds.push_back(band.input_over.count());
      }
      thresholds.erase(thresholds.begin());  // The base's -1.
      EXPECT_EQ(thresholds, slow_thresholds(row, SlowTerms()));
      bands += static_cast<int>(thresholds.size());
    }
  });
  EXPECT_GT(bands, 50);
}

// Goal: a price holds from the very instant its row starts up to, not including, its end.
TEST(PriceEdgesTest, EveryRowOfEveryModel) {
  for_all_models([](const TableFile&, const Json& model, ModelId id) {
    std::set<Instant> edges;
    for (const Json& row : model.at("prices")) {
      edges.insert(moment(row["from"]));
      if (row.contains("until")) edges.insert(moment(row["until"]));
    }
    const Instant first = moment(model["prices"][0].at("from"));
    const Charge before = shipped_book().charge(id, Usage(), first - kTick);
    EXPECT_EQ(before.status, PriceStatus::kUnpriced);
    EXPECT_EQ(before.gap, PriceGap::kNoRow);
    for (const Instant edge : edges) {
      for (const Instant now : {edge - kTick, edge, edge + kTick}) {
        const Json* row = slow_row(model, now, Instant::max());
        EXPECT_EQ(shipped_book().has_price(id, now), row != nullptr) << to_rfc3339(now);
        if (row == nullptr || row->contains("cells")) continue;
        const Counts counts = usage_with_input(*row, 1'000);
        EXPECT_EQ(shown(total(shipped_book().charge(id, usage_of(counts), now))),
                  shown(slow_cost(*row, SlowTerms(), counts)))
            << to_rfc3339(now);
      }
    }
  });
}

// Goal: whenever a model was looked up, its costs at any other instant are those of the instant.
TEST(PriceEdgesTest, APlaceIsOnlyAMemory) {
  int compared = 0;
  for_all_models([&](const TableFile&, const Json& model, ModelId id) {
    std::set<Instant> instants;
    for (const PricePeriod& period : shipped_book().periods(id)) {
      for (const Instant edge : {period.from, period.until.value_or(period.from)}) {
        for (const Instant now : {edge - kTick, edge, edge + kTick}) instants.insert(now);
      }
    }
    const PriceTables& tables = shipped_book().tables();
    const Counts counts = usage_with_input(model["prices"].back(), 300'000);
    const Usage usage = usage_of(counts);
    for (const Terms& terms : {Terms(), Terms{.tier = ServiceTier::kBatch}}) {
      for (const Instant looked_up : instants) {
        const PricePlace place = tables.place_at(id, terms, looked_up);
        for (const Instant now : instants) {
          const auto cost = tables.cost(place, usage, usage.total_input(), now);
          const auto exact = total(shipped_book().charge(id, usage, now, terms));
          ++compared;
          EXPECT_EQ(cost ? std::optional(cost->count()) : std::nullopt, exact)
              << "looked up at " << to_rfc3339(looked_up) << " for " << to_rfc3339(now);
        }
      }
    }
  });
  EXPECT_GT(compared, 10'000);
}

// Goal: a row counts from the day it was announced until the day it was withdrawn.
TEST(PriceEdgesTest, EveryDayThatKnowledgeChanged) {
  int changes = 0;
  for_all_models([&](const TableFile&, const Json& model, ModelId id) {
    for (const Json& row : model.at("prices")) {
      for (const char* key : {"announced", "withdrawn"}) {
        if (!row.contains(key)) continue;
        ++changes;
        const Instant learnt = moment(row[key]);
        for (const Instant known : {learnt - kTick, learnt, learnt + kTick}) {
          // At midnight in Beijing no window of any table holds.
          const Instant now = moment(row["from"]) + std::chrono::hours(40);
          const Instant midnight = std::chrono::floor<std::chrono::days>(now) -
                                   std::chrono::hours(8) + std::chrono::minutes(1);
          const Json* expected = slow_row(model, midnight, known);
          const Counts counts = {{"input", 1'000'000}, {"output", 1'000'000}};
          const Charge charge =
              shipped_book().charge(id, usage_of(counts), midnight, Terms(), known);
          EXPECT_EQ(shown(total(charge)), expected == nullptr
                                              ? "nothing"
                                              : shown(slow_cost(*expected, SlowTerms(), counts)))
              << key << " as known at " << to_rfc3339(known);
        }
      }
    }
  });
  EXPECT_GT(changes, 8);
}

// Goal: an alias with dates means its model in them, and nothing or another outside.
TEST(PriceEdgesTest, EveryDatedAlias) {
  int edges = 0;
  for_all_models([&](const TableFile& file, const Json& model, ModelId id) {
    for (const Json& alias : model.value("aliases", Json::array())) {
      if (alias.is_string()) continue;
      const auto vendor = file.json.at("vendor").get<std::string>();
      const auto name = alias.at("id").get<std::string>();
      const auto means = [&](Instant now) {
        const ModelMatch match = shipped_book().find(vendor, name, now);
        return match.status == LookUp::kFound && match.model == id;
      };
      if (alias.contains("from")) {
        EXPECT_FALSE(means(moment(alias["from"]) - kTick)) << alias;
        EXPECT_TRUE(means(moment(alias["from"]))) << alias;
        ++edges;
      }
      if (alias.contains("until")) {
        EXPECT_TRUE(means(moment(alias["until"]) - kTick)) << alias;
        EXPECT_FALSE(means(moment(alias["until"]))) << alias;
        ++edges;
      }
    }
  });
  EXPECT_GT(edges, 15);
}

// What was looked at, so that no kind of edge is missing.
struct Seen {
  std::set<std::int64_t> weekdays;
  std::map<SlowAnswer, int> answers;
};

// Compares the charge of a model with windows at one instant.
void check_window(const TableFile& file, const Json& model, ModelId id, Instant now, Seen& seen) {
  const Json* row = slow_row(model, now, Instant::max());
  if (row == nullptr) return;
  SlowTerms terms;
  SlowAnswer answer = SlowAnswer::kOutside;
  for (const Json& cell : row->value("cells", Json::array())) {
    if (!cell.contains("window") || answer != SlowAnswer::kOutside) continue;
    answer = slow_window(file.json.at("windows").at(cell["window"].get<std::string>()), now);
    if (answer == SlowAnswer::kInside) terms.window = cell["window"].get<std::string>();
  }
  ++seen.answers[answer];
  const Counts counts = {{"input", 1'000'000}, {"cache_read", 1'000'000}, {"output", 1'000'000}};
  const Charge charge = shipped_book().charge(id, usage_of(counts), now);
  if (answer == SlowAnswer::kUnknown) {
    EXPECT_EQ(charge.gap, PriceGap::kNoCalendar) << to_rfc3339(now);
    EXPECT_EQ(charge.status, PriceStatus::kUnpriced) << to_rfc3339(now);
  } else {
    EXPECT_EQ(shown(total(charge)), shown(slow_cost(*row, terms, counts))) << to_rfc3339(now);
  }
}

// Goal: every edge of every window, to the nanosecond, on every day it may hold: each weekday, each
// holiday and the days around it, the ends of months and years, and past the end of the calendar.
TEST(PriceEdgesTest, EveryWindowOnEveryDay) {
  const Instant last = at("2027-02-01T00:00:00Z");
  std::map<std::string, Seen> windows;
  for_all_models([&](const TableFile& file, const Json& model, ModelId id) {
    for (const Json& row : model.at("prices")) {
      for (const Json& cell : row.value("cells", Json::array())) {
        if (!cell.contains("window") || row.contains("withdrawn")) continue;
        const auto name = cell["window"].get<std::string>();
        Seen& seen = windows[file.name + " " + name];
        const Json& window = file.json.at("windows").at(name);
        const std::int64_t east = window["zone"] == "Asia/Shanghai" ? 8 : 0;
        const Instant from = std::chrono::floor<std::chrono::days>(moment(row["from"]));
        for (Instant day = from - Duration(kDay); day < last; day += Duration(kDay)) {
          seen.weekdays.insert(day.time_since_epoch().count() / kDay % 7);
          for (const Json& span : window.at("hours")) {
            for (const Json& end : span) {
              const auto clock = end.get<std::string>();
              const Instant edge = day + std::chrono::hours(std::stoi(clock.substr(0, 2)) - east) +
                                   std::chrono::minutes(std::stoi(clock.substr(3)));
              for (const Instant now : {edge - kTick, edge, edge + kTick}) {
                check_window(file, model, id, now, seen);
              }
            }
          }
        }
      }
    }
  });
  ASSERT_EQ(windows.size(), 3u) << "the windows of DeepSeek; extend the kinds below";
  for (auto& [name, seen] : windows) {
    EXPECT_EQ(seen.weekdays.size(), 7u) << name;
    EXPECT_GT(seen.answers[SlowAnswer::kInside], 20) << name;
    EXPECT_GT(seen.answers[SlowAnswer::kOutside], 20) << name;
  }
  EXPECT_GT(windows.at("deepseek.json peak").answers[SlowAnswer::kUnknown], 20);
}

// Goal: clocks that change elsewhere change nothing in Beijing.
TEST(PriceEdgesTest, WindowsDoNotFollowForeignClocks) {
  Seen seen;
  for_all_models([&](const TableFile& file, const Json& model, ModelId id) {
    if (!file.json.contains("windows")) return;
    for (const char* change : {"2025-03-09T10:00:00Z", "2025-03-30T01:00:00Z",
                               "2026-10-25T01:00:00Z", "2026-11-01T06:00:00Z"}) {
      for (int hours = -48; hours <= 48; ++hours) {
        const Instant now = at(change) + std::chrono::hours(hours);
        for (const Instant each : {now - kTick, now, now + kTick}) {
          check_window(file, model, id, each, seen);
        }
      }
    }
  });
  EXPECT_GT(seen.answers[SlowAnswer::kInside], 100);
  EXPECT_EQ(seen.answers[SlowAnswer::kUnknown], 0);
}

// Goal: the slow reading of the calendar agrees with the notices of the State Council.
TEST(PriceEdgesTest, HolidaysInBeijing) {
  const PriceBook& book = shipped_book();
  const ModelId id = book.find("deepseek", "deepseek-v4-pro", at("2026-11-23T00:00:00Z")).model;
  const struct {
    std::string_view when;
    std::string_view usd;  // Of a million input tokens.
  } cases[] = {
      {"2026-08-17T01:00:00Z", "1.32"},            // The first peak hour, a Monday.
      {"2026-08-17T00:59:59.999999999Z", "0.66"},  // Just before it.
      {"2026-08-22T02:00:00Z", "1.32"},            // A Saturday, still a day like others.
      {"2026-08-23T02:00:00Z", "0.66"},            // The first Sunday without a peak.
      {"2026-09-24T02:00:00Z", "1.32"},            // Thursday before Mid-Autumn.
      {"2026-09-25T02:00:00Z", "0.66"},            // Mid-Autumn, a Friday.
      {"2026-09-28T02:00:00Z", "1.32"},            // The Monday after.
      {"2026-09-30T09:59:59.999999999Z", "1.32"},  // The last hour before National Day.
      {"2026-10-01T02:00:00Z", "0.66"},            // National Day.
      {"2026-10-07T06:00:00Z", "0.66"},            // Its last day, a Wednesday.
      {"2026-10-08T01:00:00Z", "1.32"},            // Back to work.
      {"2026-10-10T02:00:00Z", "0.66"},            // A Saturday worked in exchange: off-peak.
      {"2026-11-20T09:59:59.999999999Z", "1.32"},  // Friday, 17:59:59 in Beijing.
      {"2026-11-20T10:00:00Z", "0.66"},            // 18:00.
      {"2026-12-31T09:00:00Z", "1.32"},            // The calendar's last day.
      {"2027-01-01T00:59:59.999999999Z", "0.66"},  // Out of hours: no calendar needed.
      {"2027-01-01T01:00:00Z", "nothing"},         // Nobody knows yet.
      {"2027-01-02T02:00:00Z", "0.66"},            // A Saturday: no calendar needed.
  };
  Usage usage;
  usage[Meter::kInput] = Tokens(1'000'000);
  for (const auto& test : cases) {
    EXPECT_EQ(shown(total(book.charge(id, usage, at(test.when)))), test.usd) << test.when;
  }
}

}  // namespace
}  // namespace fare
