#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"
#include "base/random.h"
#include "fare/check.h"
#include "fare/price_book.h"

// Goal: no bytes make a price book crash, or give one that breaks its contract.
// Method: the bytes are read as one file; a book prices random usages, drawn from a seed that the
// bytes decide, and its costs and charges must agree.

namespace {

using fare::Charge;
using fare::Cost;
using fare::CostLine;
using fare::Instant;
using fare::Meter;
using fare::ModelId;
using fare::PriceBook;
using fare::PriceStatus;
using fare::RandomStream;
using fare::Tokens;
using fare::Usage;

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

Usage random_usage(RandomStream& random) {
  Usage usage;
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    const std::uint64_t bits = random.below(41);
    usage[static_cast<Meter>(i)] = Tokens(static_cast<std::int64_t>(random.bits() >> (63 - bits)));
  }
  return usage;
}

// Between 1960 and 2210, so that the time before and after all rows is met.
Instant random_instant(RandomStream& random) {
  const auto days = static_cast<std::int64_t>(random.below(91'000)) - 3'650;
  return Instant(std::chrono::days(days)) + fare::Duration(random.below(3)) - fare::Duration(1);
}

void check_charge(const PriceBook& book, ModelId model, const Usage& usage, Instant at) {
  const Charge charge = book.charge(model, usage, at);
  const std::optional<Cost> cost = book.cost(model, usage, at);
  FARE_CHECK(charge.lines.size() <= fare::kMeterCount);
  Cost sum;
  Usage listed;
  listed[fare::Meter::kRequest] = Tokens(0);
  for (const CostLine& line : charge.lines) {
    FARE_CHECK(line.count >= usage[line.meter]);
    listed[line.meter] = line.count;
    if (!line.priced) continue;
    FARE_CHECK(line.cost == cost_of(line.rate, line.parts, line.count));
    FARE_CHECK(line.cost >= Cost(0));
    sum += line.cost;
  }
  FARE_CHECK(listed.total_input() == usage.total_input());
  FARE_CHECK(listed.total_output() == usage.total_output());
  FARE_CHECK(charge.total == sum);
  FARE_CHECK(cost.has_value() == (charge.status == PriceStatus::kPriced));
  if (cost) FARE_CHECK(*cost == sum);
  FARE_CHECK(book.has_price(model, at) == !charge.rule.empty());
}

void check_book(const PriceBook& book, std::string_view text) {
  FARE_CHECK(book.size() > 0);
  FARE_CHECK(book.hash().size() == 32);
  const PriceBook::Source source{"again", text};
  FARE_CHECK(PriceBook::parse({&source, 1}).value().hash() == book.hash());
  const fare::RandomKey key(fare::NameHash()(text), 0, fare::Purpose::kFuzz);
  std::uint64_t entity = 0;
  for (std::uint32_t i = 0; i < book.size(); ++i) {
    const fare::ModelFacts facts = book.facts(static_cast<ModelId>(i));
    const fare::ModelMatch match = book.find(facts.provider, facts.model, Instant());
    FARE_CHECK(match.status == fare::LookUp::kFound);
    FARE_CHECK(book.facts(match.model).model == facts.model);
    const std::string_view nearest = book.nearest_model(facts.model);
    FARE_CHECK(nearest == facts.model || (nearest.empty() && facts.model.size() > 64));
    RandomStream random(key, entity++);
    for (int draw = 0; draw < 20; ++draw) {
      check_charge(book, match.model, random_usage(random), random_instant(random));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const PriceBook::Source source{"fuzz", text};
  const fare::Expected<PriceBook> book = PriceBook::parse({&source, 1});
  if (book) {
    check_book(*book, text);
  } else {
    check_errors(book.error());
  }
  return 0;
}
