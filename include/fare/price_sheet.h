#pragma once

#include <chrono>    // std::chrono::seconds, local_days.
#include <cstdint>   // std::uint8_t.
#include <map>       // std::map.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

#include "fare/price_book.h"    // PriceBook.
#include "fare/price_period.h"  // PricePeriod, ModelAlias.
#include "fare/time.h"          // Instant.
#include "fare/tokens.h"        // Tokens.

namespace fare {

// What one price file holds, as values that can be made and changed: for those who write tables.
// A sheet is not checked; PriceBook::parse() checks the text made of it.

// Where prices were read.
struct PriceSource {
  std::string title;
  std::string where;
  std::string observed;  // A day, "2026-11-23".

  friend bool operator==(const PriceSource&, const PriceSource&) = default;
};

// Hours of the week in a civil time zone.
struct PriceWindow {
  using Seconds = std::chrono::seconds;

  std::string zone;           // "Asia/Shanghai", "UTC".
  std::uint8_t weekdays = 0;  // Bit 0 is Sunday, bit 6 Saturday.
  // [from, until) of the day's clock in whole minutes, ascending.
  std::vector<std::pair<Seconds, Seconds>> hours;
  std::string calendar;  // Whose holidays are outside; empty: none are.

  friend bool operator==(const PriceWindow&, const PriceWindow&) = default;
};

// A file of public holidays.
struct PriceCalendar {
  std::string name;
  PriceSource source;
  std::chrono::local_days from;                   // The first day it knows about.
  std::chrono::local_days until;                  // The day after the last.
  std::vector<std::chrono::local_days> holidays;  // Ascending.
};

struct SheetModel {
  std::string id;
  std::string maker{};  // Whose model it is, where the provider only resells it.
  std::vector<ModelAlias> aliases;
  std::vector<std::string> capabilities;
  Tokens context;  // 0: not said; as for the other two.
  Tokens max_output;
  Tokens min_cacheable;
  std::optional<Instant> retired;
  std::vector<PricePeriod> periods;  // By `from`.
};

struct PriceSheet {
  std::string provider;
  std::map<std::string, PriceSource> sources;
  std::map<std::string, PriceWindow> windows;
  std::vector<SheetModel> models;
};

// Everything a book holds: a sheet a provider, by name, its models by id; and the calendars that
// its windows use, by name.
[[nodiscard]] std::vector<PriceSheet> sheets_of(const PriceBook& book);
[[nodiscard]] std::vector<PriceCalendar> calendars_of(const PriceBook& book);

// The text of a file "fare-prices/1" or "fare-calendar/1", in the layout of pricing/.  A book that
// is written, all sheets and all calendars, and read again has the same hash.
[[nodiscard]] std::string price_file_text(const PriceSheet& sheet);
[[nodiscard]] std::string calendar_file_text(const PriceCalendar& calendar);

}  // namespace fare
