#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::uint32_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "base/names.h"       // NameMap.
#include "fare/price_book.h"  // PriceBook, ModelId.

namespace fare {

// Rates of one context band.  Bands of a row stand in ascending order; the first is the base, whose
// `input_over` is -1, and the last one whose `input_over` the total input exceeds applies to all
// tokens of the request.
struct Band {
  Tokens input_over{-1};
  std::array<Rate, kMeterCount> rate{};
  std::uint8_t has_rate = 0;  // Bit i: meter i has a rate.
  std::string rule;           // What a cost line says of where its rate came from.
};

// One period of a model's prices: [from, until).
struct PriceRow {
  Instant from;
  Instant until;
  std::uint32_t first_band = 0;
  std::uint32_t end_band = 0;
};

struct PricedModel {
  std::string provider;
  std::string id;
  std::vector<std::string> aliases;
  Tokens context;
  Tokens max_output;
  std::uint32_t first_row = 0;
  std::uint32_t end_row = 0;
};

// Everything a price book holds.  Rows and bands lie in one array each, so that a look-up touches
// three short runs of memory.
struct PriceTables {
  std::vector<PricedModel> models;  // By provider, then id.
  std::vector<PriceRow> rows;
  std::vector<Band> bands;
  // From an id or alias to the models that bear it, one for each provider.
  NameMap<std::vector<ModelId>> names;
  std::string hash;

  // The band that prices a total input at an instant, or null where the model has no row then.
  const Band* band_at(ModelId model, Tokens total_input, Instant at) const;

  const PricedModel& operator[](ModelId model) const {
    return models[static_cast<std::uint32_t>(model)];
  }
};

}  // namespace fare
