#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fare/price_import.h"
#include "pricing/foreign_json.h"

namespace fare {

// The terms of a cell under construction.
struct CellTerms {
  ServiceTier tier = ServiceTier::kStandard;
  SpeedMode speed = SpeedMode::kStandard;
  std::string window;

  friend auto operator<=>(const CellTerms&, const CellTerms&) = default;
};

// The rates of one cell, by the input that a band starts above; -1 is the base.
using CellDrafts = std::map<CellTerms, std::map<std::int64_t, Rates>>;

constexpr std::size_t index_of(Meter meter) { return static_cast<std::size_t>(meter); }

// What an importer works at: takes entries in, keeps the notes, and hands out sheets.
class ImportDesk {
 public:
  ImportDesk(const ImportOptions& options, std::string title, std::string where);

  // The entry that notes are about from now on.
  void begin_entry(std::string entry);
  void note(ImportRemark remark, std::string_view field, std::string value, std::string why);
  void leave_out_entry(std::string why) { note(ImportRemark::kEntryLeftOut, "", "", why); }
  void leave_out(std::string_view field, const ForeignValue& value, std::string why) {
    note(ImportRemark::kFieldLeftOut, field, value.shown(), std::move(why));
  }
  void count_other(std::string_view field) { ++result_.other_fields[std::string(field)]; }

  // The meter's price, `value` x 10^shift picodollars a unit; else a note says why there is none.
  std::optional<Rate> rate(Meter meter, std::string_view field, const ForeignValue& value,
                           int shift);

  // A whole number from 1, or 0 tokens; anything else counts as a fact that was left out.
  Tokens tokens(std::string_view field, const ForeignValue* value);

  // A row from `from` with these cells: bands completed as the list's own engine bills them, which
  // the notes say.
  PricePeriod row(Instant from, const CellDrafts& cells);

  // The window of a provider for [from, until) of the day in UTC, in minutes, past midnight where
  // until <= from.  Its name.
  std::string window(const std::string& provider, int from, int until, std::uint8_t weekdays);

  // Adds a model, unless its id is too long, is taken or it has no price: then a note says so.
  void add(const std::string& provider, SheetModel model, std::vector<std::string> names);

  void count_entry() { ++result_.entries; }
  const ImportOptions& options() const { return options_; }

  // Gives names to the models, first come first served after all ids.
  PriceImport finish();

 private:
  struct Naming {
    std::string entry;
    std::string provider;
    std::size_t model;
    std::vector<std::string> names;
  };

  PriceSheet& sheet(const std::string& provider);
  std::vector<PriceBand> bands(const CellTerms& terms, const std::map<std::int64_t, Rates>& drafts);

  ImportOptions options_;
  PriceSource source_;
  std::string entry_;
  PriceImport result_;
  std::map<std::string, PriceSheet> sheets_;
  std::set<std::pair<std::string, std::string>> claimed_;  // (provider, name).
  std::vector<Naming> namings_;
};

inline constexpr std::uint8_t kEveryDay = 0x7f;

// One importer a format; each reads the whole list.
void import_litellm(const ForeignValue& root, ImportDesk& desk);
void import_genai_prices(const ForeignValue& root, ImportDesk& desk);
void import_models_dev(const ForeignValue& root, ImportDesk& desk);
void import_open_router(const ForeignValue& root, ImportDesk& desk);

}  // namespace fare
