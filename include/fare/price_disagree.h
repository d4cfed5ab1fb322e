#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant.

namespace fare {

// Where several price tables say different things of the same model.

struct NamedBook {
  std::string name;
  PriceBook book;
};

struct DisagreeOptions {
  Instant at;            // Prices in force then, as all that is known by now has it.
  double tolerance = 0;  // Rates within this fraction of the larger one agree: 0.01 is a percent.
};

// What the sources say of one thing.
struct Disagreement {
  std::string provider;  // Under the name the first source gives it.
  std::string model;
  std::string what;  // "output", "input over 200000, cache_read", "bands", "band 1 starts above".
  bool is_missing;   // Nobody contradicts: a source has no price of its own where another has one.
  std::vector<std::string> values;  // A source each: dollars, or a count; empty where it has none.
};

struct ProviderAgreement {
  std::string provider;
  std::size_t models = 0;   // That two sources or more have a price for.
  std::size_t agree = 0;    // In every rate that they have.
  std::size_t missing = 0;  // No contradiction, but prices missing.
  std::size_t differ = 0;
};

struct DisagreeReport {
  std::vector<Disagreement> disagreements;   // By provider and model.
  std::vector<ProviderAgreement> providers;  // By name; those with models in common.
};

// Compares the standard terms of every model that two sources or more sell: the same provider
// (under the spellings known to us: gemini and google, x-ai and xai, ...), and the same id or an
// alias that means it at that instant.  A modality without a price costs what its parent costs.
[[nodiscard]] DisagreeReport compare_prices(std::span<const NamedBook> books,
                                            const DisagreeOptions& options);

// The one spelling of a provider that lists spell differently.
[[nodiscard]] std::string provider_spelling(std::string_view provider);

}  // namespace fare
