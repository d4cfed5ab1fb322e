#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <memory>       // std::shared_ptr.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/charge.h"        // Charge.
#include "fare/expected.h"      // Expected.
#include "fare/money.h"         // Cost.
#include "fare/price_period.h"  // PricePeriod, ModelAlias.
#include "fare/terms.h"         // Terms.
#include "fare/time.h"          // Instant.
#include "fare/tokens.h"        // Tokens.
#include "fare/usage.h"         // Usage.

namespace fare {

// A model of one price book: an index that means nothing to another book.
enum class ModelId : std::uint32_t {};

// How looking a model up by name ended.
enum class LookUp : std::uint8_t {
  kFound,
  kUnknown,    // No such model, or no such provider.
  kAmbiguous,  // Several providers sell it, none was named, and none of them made it.
  kNotThen,    // The name is an alias, but not of anything at that instant.
};

struct ModelMatch {
  LookUp status = LookUp::kUnknown;
  ModelId model{};      // If found.
  bool resold = false;  // Others sell it too, and no provider was named.
};

// Facts that stand beside a model's prices.  The views live as long as the book.
struct ModelFacts {
  ModelId id{};
  std::string_view provider;
  std::string_view model;
  std::string_view maker;  // Whose model it is; the provider itself unless it resells it.
  Tokens context;          // The largest input + output; 0 if the table does not say.
  Tokens max_output;       // 0 if the table does not say.
  Tokens min_cacheable;    // The shortest prefix a cache keeps; 0 if the table does not say.
  std::optional<Instant> retired;             // When the vendor stopped, or will stop, serving it.
  std::span<const std::string> capabilities;  // "tools", "image_input", ...; sorted.
  std::span<const ModelAlias> aliases;
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

  // Reads all files together: price files and the calendars they name.  Errors: everything wrong
  // with any of them, each with its place; a model or alias that stands twice for one provider.
  [[nodiscard]] static Expected<PriceBook> parse(std::span<const Source> sources);

  // Finds a model by its exact id, or by an alias that means it at `at`.  Without a provider, the
  // only one that sells it is meant; of several, the one that made it.  About 50 ns; allocates
  // nothing.
  [[nodiscard]] ModelMatch find(std::string_view provider, std::string_view model,
                                Instant at) const;

  // The model's facts, and its rows by `from`.  REQUIRES: `model` came from this book.
  [[nodiscard]] ModelFacts facts(ModelId model) const;
  [[nodiscard]] std::span<const PricePeriod> periods(ModelId model) const;

  // The row in force at `at`, as known at `known`; null where there is none.
  [[nodiscard]] const PricePeriod* period_at(ModelId model, Instant at,
                                             Instant known = Instant::max()) const;

  // The exact cost of `usage` at `at`: the row in force then, as known at `known` (by default, all
  // that the table knows), its rates under `terms`, the band of the total input.  A token that has
  // no rate makes the charge partially priced, never free.  About 20 ns; allocates nothing.
  // REQUIRES: `model` came from this book; no count is negative.
  [[nodiscard]] Charge charge(ModelId model, const Usage& usage, Instant at,
                              const Terms& terms = {}, Instant known = Instant::max()) const;

  // The total of charge(), or nothing unless every token is priced.  For decisions: about 10 ns.
  [[nodiscard]] std::optional<Cost> cost(ModelId model, const Usage& usage, Instant at,
                                         const Terms& terms = {}) const;

  // Whether the model has any price at `at`.
  [[nodiscard]] bool has_price(ModelId model, Instant at, const Terms& terms = {}) const;

  // Identifies the content: 128-bit XXH3 of the meaning of all rows, as 32 hexadecimal digits.  Two
  // books with the same rows have the same hash, however their files were written or ordered.
  [[nodiscard]] std::string_view hash() const;

  // How many models there are.  Their ids count from zero, by provider and name.
  [[nodiscard]] std::size_t size() const;

  // For those who read all of it, in lib/pricing.
  [[nodiscard]] const PriceTables& tables() const { return *tables_; }

  // The names most like an unknown one, for "did you mean"; empty if none is near.
  [[nodiscard]] std::string_view nearest_model(std::string_view model) const;

 private:
  explicit PriceBook(std::shared_ptr<const PriceTables> tables) : tables_(std::move(tables)) {}

  std::shared_ptr<const PriceTables> tables_;
};

}  // namespace fare
