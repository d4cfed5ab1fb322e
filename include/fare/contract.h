#pragma once

#include <memory>       // std::shared_ptr.
#include <string_view>  // std::string_view.

#include "fare/expected.h"    // Expected.
#include "fare/price_book.h"  // Charge, ModelFacts.
#include "fare/time.h"        // Instant.

namespace fare {

struct ContractData;  // What a contract holds inside.

// What was negotiated on top of list prices: an immutable value.  Copies share one snapshot; any
// number of threads may read.  Taxes are no part of it.
//
//   {"format": "fare-contract/1", "name": "acme 2026", "adjustments": [
//     {"provider": "anthropic", "percent": "-12.5", "from": "2026-01-01T00:00:00Z"},
//     {"provider": "openai", "model": "gpt-5.4", "usd_per_mtok": {"input": "2", "output": "12"},
//      "others": "list"}]}
//
// The last adjustment that names the model's provider (or none), its id (or none), the meter (or
// none) and the instant decides a line.  One with prices but without "others" leaves every meter it
// does not name unpriced: half of a deal is not a price.
class Contract {
 public:
  // `name` is the path, for messages.  Errors: everything wrong with it, each with its place.
  [[nodiscard]] static Expected<Contract> parse(std::string_view name, std::string_view text);

  [[nodiscard]] std::string_view name() const;

  // The charge as the contract has it: each line at its own price or percentage, rounded half to
  // even to the picodollar.  A charge without a row of the list stays unpriced.  The rule is still
  // that of the list.  Allocates nothing.
  [[nodiscard]] Charge apply(const ModelFacts& model, const Charge& list, Instant at) const;

 private:
  explicit Contract(std::shared_ptr<const ContractData> data) : data_(std::move(data)) {}

  std::shared_ptr<const ContractData> data_;
};

}  // namespace fare
