#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::uint32_t.
#include <map>
#include <optional>
#include <string>  // std::string.
#include <vector>  // std::vector.

#include "base/names.h"        // NameMap.
#include "fare/price_book.h"   // PriceBook, ModelId.
#include "fare/price_sheet.h"  // PriceSource.
#include "pricing/week_window.h"

namespace fare {

// Rates of one context band, every cell filled in and ready to multiply.
struct Band {
  static constexpr std::uint8_t kNoRate = 0xff;

  Tokens input_over{-1};
  std::int64_t parts = 1;                        // Rates are picodollars for so many units.
  std::array<std::uint8_t, kMeterCount> line{};  // The meter whose rate covers each, or kNoRate.
  std::array<Rate, kMeterCount> rate{};
  std::string rule;  // What a cost says of where its rates came from.
};

// A set of terms as one number, to be compared at once.  Zero is the default terms.
using TermsKey = std::uint64_t;

constexpr TermsKey in_window(TermsKey key, std::uint16_t window) {
  return key | static_cast<TermsKey>(window) << 32;
}

constexpr TermsKey terms_key(ServiceTier tier, SpeedMode speed, std::uint16_t region,
                             std::uint16_t window) {
  return static_cast<TermsKey>(tier) | static_cast<TermsKey>(speed) << 8 |
         in_window(static_cast<TermsKey>(region) << 16, window);
}

// Terms as the tables number them, but for the window, which the instant decides.
struct TermsCode {
  TermsKey key = 0;
  bool is_known = true;  // No row prices a region that no table names.
};

// The bands under one set of terms, ascending: the last whose `input_over` the total input exceeds
// applies to all tokens of the request.
struct Cell {
  TermsKey key = 0;
  std::uint32_t first_band = 0;
  std::uint32_t end_band = 0;
};

// A model under some terms, looked up once for many costs.
struct PricePlace {
  Instant from{};  // In [from, until) `cell` is the one; at any other time it is looked up again.
  Instant until{};
  const Cell* cell = nullptr;
  ModelId model{};
  TermsCode terms;
};

// One period of a model's prices.  Of the rows that are known, the one that began last is in force;
// past its `until` there is no price.
struct Row {
  Instant from;
  Instant until;
  Instant known_from;
  Instant known_until;
  std::uint32_t first_cell = 0;
  std::uint32_t end_cell = 0;
  std::uint32_t first_window = 0;  // In `row_windows`.
  std::uint32_t end_window = 0;
};

struct PricedModel {
  std::string provider;
  std::string id;
  std::string maker;  // Empty: the provider itself.
  std::vector<ModelAlias> aliases;
  std::vector<std::string> capabilities;
  Tokens context;
  Tokens max_output;
  Tokens min_cacheable;
  std::optional<Instant> retired;
  std::vector<PricePeriod> periods;  // As the file has them, by (from, known_from).
  std::uint32_t first_row = 0;
  std::uint32_t end_row = 0;
};

// What a name means in [from, until).
struct NameMeaning {
  ModelId model;
  Instant from;
  Instant until;
};

// Everything a price book holds.  Rows, cells and bands lie in one array each, so that a look-up
// touches a few short runs of memory.
struct PriceTables {
  std::vector<PricedModel> models;  // By provider, then id.
  std::vector<Row> rows;            // Of a model: by (from, known_from).
  std::vector<Cell> cells;          // Of a row: the default terms first.
  std::vector<Band> bands;
  std::vector<std::uint16_t> row_windows;  // Numbers of windows, from 1: windows[number - 1].
  std::vector<WeekWindow> windows;
  std::map<std::string, std::map<std::string, WeekWindow>> named_windows;  // By provider, name.
  std::map<std::string, std::map<std::string, PriceSource>> sources;       // By provider, key.
  std::vector<std::string> regions;  // Region number i + 1; 0 is none named.
  NameMap<std::vector<NameMeaning>> names;
  std::string hash;

  struct Found {
    const Band* band = nullptr;
    PriceGap gap = PriceGap::kNone;  // Why there is none.
  };

  TermsCode code_of(const Terms& terms) const;

  // The band that prices a total input at an instant under some terms.
  Found band_at(ModelId model, Tokens total_input, Instant at, TermsCode terms,
                Instant known) const;

  // Looks a model and terms up for costs around `at`.  The place lives as long as the tables do.
  PricePlace place_at(ModelId model, const Terms& terms, Instant at) const;

  // PriceBook::cost() at a place.
  std::optional<Cost> cost(const PricePlace& place, const Usage& usage, Tokens total_input,
                           Instant at) const;

  const Row* row_at(ModelId model, Instant at, Instant known) const;

  const Band& band_of(const Cell& cell, Tokens total_input) const {
    std::uint32_t band = cell.first_band;
    while (band + 1 < cell.end_band && total_input > bands[band + 1].input_over) ++band;
    return bands[band];
  }

  const PricedModel& operator[](ModelId model) const {
    return models[static_cast<std::uint32_t>(model)];
  }
};

}  // namespace fare
