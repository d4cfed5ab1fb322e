#pragma once

#include <array>        // std::array.
#include <cstdint>      // std::uint32_t.
#include <memory>       // std::shared_ptr.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/money.h"     // Cost, Rate.
#include "fare/time.h"      // Instant.
#include "fare/tokens.h"    // Tokens.
#include "fare/usage.h"     // Meter, Usage.

namespace fare {

// A model of one price book: an index that means nothing to another book.
enum class ModelId : std::uint32_t {};

// How looking a model up by name ended.
enum class LookUp : std::uint8_t {
  kFound,
  kUnknown,    // No such model, or no such provider.
  kAmbiguous,  // Several providers sell it and none was named.
};

struct ModelMatch {
  LookUp status = LookUp::kUnknown;
  ModelId model{};  // If found.
};

// Facts that stand beside a model's prices.  The views live as long as the book.
struct ModelFacts {
  std::string_view provider;
  std::string_view model;
  Tokens context;     // The largest input + output; 0 if the table does not say.
  Tokens max_output;  // 0 if the table does not say.
};

enum class PriceStatus : std::uint8_t {
  kPriced,           // Every token has its price.
  kPartiallyPriced,  // Some meter that was used has no rate: `total` is what is known, not the
                     // cost.
  kUnpriced,         // Nothing has a price: the model has no row at that instant.
};

[[nodiscard]] std::string_view to_string(PriceStatus status);

// One line of a cost.
struct CostLine {
  Meter meter;
  Tokens count;
  Rate rate;
  Cost cost;    // rate * count, exactly.
  bool priced;  // False: the table has no rate for this meter, and `rate` and `cost` mean nothing.
};

// What a usage costs, line by line.  A value; it allocates nothing.
struct Charge {
  PriceStatus status = PriceStatus::kUnpriced;
  Cost total;                                // The sum of the priced lines, exactly.
  std::array<CostLine, kMeterCount> line{};  // Meters that were used, in Meter order.
  std::uint8_t lines = 0;
  std::string_view rule;  // Which row and band: "from 2026-10-07 ... "; lives
                          // as long as the book.

  std::span<const CostLine> used() const { return {line.data(), lines}; }
};

struct PriceTables;  // What a book holds inside.

// Dated prices of many models: an immutable value.  Copies share one snapshot; any number of
// threads may read.  New prices are a new book.
//
// The format of its files is described in pricing/README.md and pricing/schema.json.
class PriceBook {
 public:
  struct Source {
    std::string_view name;  // The path, for messages.
    std::string_view text;  // JSON.
  };

  // Reads all files together.  Errors: everything wrong with any of them, each with its place; a
  // model or alias that stands twice for one provider.
  [[nodiscard]] static Expected<PriceBook> parse(std::span<const Source> sources);

  // Finds a model by its exact id or alias.  An empty provider matches any.  About 50 ns; allocates
  // nothing.
  [[nodiscard]] ModelMatch find(std::string_view provider, std::string_view model) const;

  // The model's facts.  REQUIRES: `model` came from this book.
  [[nodiscard]] ModelFacts facts(ModelId model) const;

  // The exact cost of `usage` at `at`: the row in force then, the band of its total input.  A token
  // that has no rate makes the charge partially priced, never free.  About 20 ns; allocates
  // nothing. REQUIRES: `model` came from this book; no count is negative.
  [[nodiscard]] Charge charge(ModelId model, const Usage& usage, Instant at) const;

  // The total of charge(), or nothing unless every token is priced.  For decisions: about 10 ns.
  [[nodiscard]] std::optional<Cost> cost(ModelId model, const Usage& usage, Instant at) const;

  // Whether the model has any price at `at`.
  [[nodiscard]] bool has_price(ModelId model, Instant at) const;

  // Identifies the content: 128-bit XXH3 of the meaning of all rows, as 32 hexadecimal digits.  Two
  // books with the same rows have the same hash, however their files were written or ordered.
  [[nodiscard]] std::string_view hash() const;

  // All models, by provider and id.
  [[nodiscard]] std::vector<ModelFacts> models() const;

  // The names most like an unknown one, for "did you mean"; empty if none is near.
  [[nodiscard]] std::string_view nearest_model(std::string_view model) const;

 private:
  explicit PriceBook(std::shared_ptr<const PriceTables> tables) : tables_(std::move(tables)) {}

  std::shared_ptr<const PriceTables> tables_;
};

}  // namespace fare
