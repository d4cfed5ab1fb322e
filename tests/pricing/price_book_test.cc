#include "fare/price_book.h"
#include "allocations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "allocations.h"
#include "places.h"

namespace fare {
namespace {

using Json = nlohmann::json;
using Rng = std::mt19937_64;

Instant at(std::string_view text) { return parse_instant(text).value(); }

const Instant kJanuary = at("2026-01-15T00:00:00Z");
const Instant kApril = at("2026-04-15T00:00:00Z");

// "dated": 1/2 dollars in [January, March), 3/4 from April, 5/6 from 2027; "banded": 1/10, and 2/20
// over 1,000 input tokens, and 4/40 at 5,000 or more; "free": zero rates; "fee": a cent a request,
// whatever the band.
constexpr std::string_view kPrices = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "models": [
    {"id": "dated", "aliases": ["dated-1", "dated-latest"], "context_tokens": 9000,
     "max_output_tokens": 700,
     "prices": [
       {"from": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "source": "s",
        "observed": "2026-01-01", "usd_per_mtok": {"input": "1", "output": "2"}},
       {"from": "2026-04-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
        "usd_per_mtok": {"input": "3", "output": "4"}},
       {"from": "2027-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
        "usd_per_mtok": {"input": "5", "output": "6"}}]},
    {"id": "banded",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
       "usd_per_mtok": {"input": "1", "cache_read": "1", "cache_write_5m": "1",
                        "cache_write_1h": "1", "output": "10"},
       "bands": [{"input_over": 1000, "usd_per_mtok": {"input": "2", "cache_read": "2",
                  "cache_write_5m": "2", "cache_write_1h": "2", "output": "20"}},
                 {"input_at_least": 5000, "usd_per_mtok": {"input": "4", "cache_read": "4",
                  "cache_write_5m": "4", "cache_write_1h": "4", "output": "40"}}]}]},
    {"id": "free",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "0", "output": "0.000000"}}]},
    {"id": "fee",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "1", "output": "1"}, "usd_per_unit": {"request": "0.01"},
                 "bands": [{"input_over": 1000,
                            "usd_per_mtok": {"input": "2", "output": "2"}}]}]}
  ]})";

PriceBook parse(const std::vector<std::string>& texts) {
  std::vector<PriceBook::Source> sources;
  for (const std::string& text : texts) sources.push_back({"prices.json", text});
  Expected<PriceBook> book = PriceBook::parse(sources);
  if (!book) throw std::runtime_error(to_text(book.error()));
  return std::move(*book);
}

PriceBook prices() { return parse({std::string(kPrices)}); }

PriceBook shipped() {
  std::vector<std::string> texts;
  for (const char* vendor : {"anthropic", "google", "openai"}) {
    std::ifstream file(fmt::format("{}/pricing/{}.json", fare::kSourceDir, vendor));
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return parse(texts);
}

ModelId id_of(const PriceBook& book, std::string_view model, std::string_view provider = "") {
  const ModelMatch match = book.find(provider, model, kJanuary);
  EXPECT_EQ(match.status, LookUp::kFound) << model;
  return match.model;
}

struct Counts {
  std::int64_t input = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_write_5m = 0;
  std::int64_t cache_write_1h = 0;
  std::int64_t output = 0;
};

Usage usage_of(const Counts& counts) {
  Usage usage;
  usage[Meter::kInput] = Tokens(counts.input);
  usage[Meter::kCacheRead] = Tokens(counts.cache_read);
  usage[Meter::kCacheWrite5m] = Tokens(counts.cache_write_5m);
  usage[Meter::kCacheWrite1h] = Tokens(counts.cache_write_1h);
  usage[Meter::kOutput] = Tokens(counts.output);
  return usage;
}

std::string cost_of(const PriceBook& book, std::string_view model, const Counts& counts,
                    Instant when) {
  const std::optional<Cost> cost = book.cost(id_of(book, model), usage_of(counts), when);
  return cost ? to_usd(*cost) : "nothing";
}

TEST(UsageTest, NamesItsMeters) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    EXPECT_EQ(meter_named(to_string(meter)), meter);
  }
  EXPECT_EQ(to_string(Meter::kCacheWrite1h), "cache_write_1h");
  EXPECT_EQ(meter_named("requests"), std::nullopt);
  EXPECT_EQ(meter_named(""), std::nullopt);
}

TEST(UsageTest, IsOneRequestAndItsInputIsAllInput) {
  EXPECT_EQ(Usage()[Meter::kRequest], Tokens(1));
  EXPECT_EQ(Usage().total_input(), Tokens(0));
  const Usage usage = usage_of({.input = 1,
                                .cache_read = 20,
                                .cache_write_5m = 300,
                                .cache_write_1h = 4'000,
                                .output = 50'000});
  EXPECT_EQ(usage.total_input(), Tokens(4'321));
  EXPECT_NE(usage, Usage());
}

TEST(PriceBookTest, PricesAtTheRowInForce) {
  const PriceBook book = prices();
  const struct {
    const char* name;
    std::string_view when;
    const char* cost;  // Of a million input tokens and a million output tokens.
  } cases[] = {
      {"long before", "1970-01-01T00:00:00Z", "nothing"},
      {"a nanosecond before the first", "2025-12-31T23:59:59.999999999Z", "nothing"},
      {"exactly at the first", "2026-01-01T00:00:00Z", "3"},
      {"a nanosecond before its end", "2026-02-28T23:59:59.999999999Z", "3"},
      {"exactly at its end", "2026-03-01T00:00:00Z", "nothing"},
      {"in the gap", "2026-03-15T00:00:00Z", "nothing"},
      {"a nanosecond before the second", "2026-03-31T23:59:59.999999999Z", "nothing"},
      {"exactly at the second", "2026-04-01T00:00:00Z", "7"},
      {"a nanosecond before the future one", "2026-12-31T23:59:59.999999999Z", "7"},
      {"exactly at the future one", "2027-01-01T00:00:00Z", "11"},
      {"long after", "2199-12-31T23:59:59.999999999Z", "11"},
  };
  const Counts million = {.input = 1'000'000, .output = 1'000'000};
  for (const auto& test : cases) {
    EXPECT_EQ(cost_of(book, "dated", million, at(test.when)), test.cost) << test.name;
    const bool has_price = std::string_view(test.cost) != "nothing";
    EXPECT_EQ(book.has_price(id_of(book, "dated"), at(test.when)), has_price) << test.name;
  }
  EXPECT_EQ(cost_of(book, "dated", million, Instant::min()), "nothing");
}

TEST(PriceBookTest, PricesTheWholeRequestInTheBandOfAllItsInput) {
  const PriceBook book = prices();
  const struct {
    const char* name;
    Counts counts;
    const char* cost;
  } cases[] = {
      {"no input", {.output = 100}, "0.001"},
      {"one under 1,000", {.input = 999, .output = 100}, "0.001999"},
      {"at 1,000", {.input = 1'000, .output = 100}, "0.002"},
      {"one over 1,000", {.input = 1'001, .output = 100}, "0.004002"},
      {"one under 5,000", {.input = 4'999, .output = 100}, "0.011998"},
      {"at 5,000", {.input = 5'000, .output = 100}, "0.024"},
      {"one over 5,000", {.input = 5'001, .output = 100}, "0.024004"},
      {"cache reads count", {.input = 1, .cache_read = 1'000, .output = 100}, "0.004002"},
      {"short writes count", {.cache_write_5m = 1'001, .output = 100}, "0.004002"},
      {"long writes count", {.cache_write_1h = 1'001, .output = 100}, "0.004002"},
      {"all together count",
       {.input = 250, .cache_read = 250, .cache_write_5m = 250, .cache_write_1h = 251},
       "0.002002"},
      {"all together at 1,000",
       {.input = 250, .cache_read = 250, .cache_write_5m = 250, .cache_write_1h = 250},
       "0.001"},
      {"output does not count", {.input = 1'000, .output = 1'000'000}, "10.001"},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(cost_of(book, "banded", test.counts, kJanuary), test.cost) << test.name;
  }
}

TEST(PriceBookTest, ChargesTheFeeInEveryBandForEveryRequest) {
  const PriceBook book = prices();
  EXPECT_EQ(cost_of(book, "fee", {}, kJanuary), "0.01");
  EXPECT_EQ(cost_of(book, "fee", {.input = 1'000}, kJanuary), "0.011");
  EXPECT_EQ(cost_of(book, "fee", {.input = 2'000}, kJanuary), "0.014");
  Usage usage = usage_of({.input = 1'000});
  usage[Meter::kRequest] = Tokens(3);
  EXPECT_EQ(to_usd(*book.cost(id_of(book, "fee"), usage, kJanuary)), "0.031");
  usage[Meter::kRequest] = Tokens(0);
  EXPECT_EQ(to_usd(*book.cost(id_of(book, "fee"), usage, kJanuary)), "0.001");
}

TEST(PriceBookTest, TellsZeroFromUnknown) {
  const PriceBook book = prices();
  const ModelId free = id_of(book, "free");
  const Charge zero = book.charge(free, usage_of({.input = 5, .output = 7}), kJanuary);
  EXPECT_EQ(zero.status, PriceStatus::kPriced);
  EXPECT_EQ(zero.total, Cost(0));
  EXPECT_EQ(zero.lines.size(), 2u);
  EXPECT_TRUE(zero.lines[0].priced);
  EXPECT_EQ(book.cost(free, usage_of({.input = 5}), kJanuary), Cost(0));

  const Usage unknown = usage_of({.input = 5, .cache_read = 1, .output = 7});
  const Charge partial = book.charge(free, unknown, kJanuary);
  EXPECT_EQ(partial.status, PriceStatus::kPartiallyPriced);
  ASSERT_EQ(partial.lines.size(), 3u);
  EXPECT_EQ(partial.lines[1].meter, Meter::kCacheRead);
  EXPECT_EQ(partial.lines[1].count, Tokens(1));
  EXPECT_FALSE(partial.lines[1].priced);
  EXPECT_EQ(book.cost(free, unknown, kJanuary), std::nullopt);

  const Charge none = book.charge(free, usage_of({.cache_write_1h = 9}), kJanuary);
  EXPECT_EQ(none.status, PriceStatus::kUnpriced) << "nothing that was used has a price";
  EXPECT_EQ(none.lines.size(), 1u);
  EXPECT_EQ(book.cost(free, usage_of({.cache_write_1h = 9}), kJanuary), std::nullopt);
}

TEST(PriceBookTest, TotalsOnlyWhatIsPriced) {
  const PriceBook book = prices();
  const Usage usage = usage_of({.input = 1'000'000, .cache_read = 1'000'000});
  const Charge charge = book.charge(id_of(book, "dated"), usage, kJanuary);
  EXPECT_EQ(charge.status, PriceStatus::kPartiallyPriced);
  EXPECT_EQ(to_usd(charge.total), "1");
}

TEST(PriceBookTest, AFeeThatIsAbsentIsNoUnknownPrice) {
  const PriceBook book = prices();
  const ModelId dated = id_of(book, "dated");
  const Charge charge = book.charge(dated, usage_of({.input = 1}), kJanuary);
  EXPECT_EQ(charge.status, PriceStatus::kPriced);
  EXPECT_EQ(charge.lines.size(), 1u) << "no line for the request";
  EXPECT_EQ(book.charge(dated, Usage(), kJanuary).status, PriceStatus::kPriced);
  EXPECT_EQ(book.cost(dated, Usage(), kJanuary), Cost(0));
}

TEST(PriceBookTest, IsUnpricedWithoutARow) {
  const PriceBook book = prices();
  const Instant gap = at("2026-03-15T00:00:00Z");
  const Charge charge = book.charge(id_of(book, "dated"), usage_of({.input = 3}), gap);
  EXPECT_EQ(charge.status, PriceStatus::kUnpriced);
  EXPECT_EQ(charge.total, Cost(0));
  EXPECT_EQ(charge.rule, "");
  ASSERT_EQ(charge.lines.size(), 1u) << "what was used is listed all the same";
  EXPECT_EQ(charge.lines[0].count, Tokens(3));
  EXPECT_FALSE(charge.lines[0].priced);
  EXPECT_EQ(book.charge(id_of(book, "dated"), Usage(), gap).status, PriceStatus::kUnpriced);
}

TEST(PriceBookTest, NamesTheRuleThatPriced) {
  const PriceBook book = prices();
  const auto rule = [&book](std::string_view model, const Counts& counts, Instant when) {
    return book.charge(id_of(book, model), usage_of(counts), when).rule;
  };
  EXPECT_EQ(rule("dated", {}, kJanuary), "v/dated from 2026-01-01T00:00:00Z");
  EXPECT_EQ(rule("dated", {}, kApril), "v/dated from 2026-04-01T00:00:00Z");
  EXPECT_EQ(rule("dated-1", {}, kApril), "v/dated from 2026-04-01T00:00:00Z");
  EXPECT_EQ(rule("banded", {.input = 1'001}, kJanuary),
            "v/banded from 2026-01-01T00:00:00Z, input over 1000 tokens");
  EXPECT_EQ(rule("banded", {.input = 5'000}, kJanuary),
            "v/banded from 2026-01-01T00:00:00Z, input over 4999 tokens");
}

TEST(PriceBookTest, NamesItsStatuses) {
  EXPECT_EQ(to_string(PriceStatus::kPriced), "priced");
  EXPECT_EQ(to_string(PriceStatus::kPartiallyPriced), "partially_priced");
  EXPECT_EQ(to_string(PriceStatus::kUnpriced), "unpriced");
}

// The file of another provider: one name shared with "v", one alias shared, one of its own.
std::string other_provider() {
  Json file = Json::parse(kPrices);
  file["vendor"] = "w";
  const Json row = file["models"][2]["prices"];
  file["models"] =
      Json::array({{{"id", "dated"}, {"prices", row}},
                   {{"id", "own"}, {"aliases", Json::array({"free"})}, {"prices", row}}});
  return file.dump();
}

TEST(PriceBookTest, FindsModelsByExactNameOnly) {
  const PriceBook book = parse({std::string(kPrices), other_provider()});
  const struct {
    const char* name;
    std::string_view provider;
    std::string_view model;
    LookUp status;
    std::string_view found;  // "provider/model".
  } cases[] = {
      {"id", "", "banded", LookUp::kFound, "v/banded"},
      {"id and provider", "v", "banded", LookUp::kFound, "v/banded"},
      {"alias", "", "dated-latest", LookUp::kFound, "v/dated"},
      {"alias and provider", "v", "dated-1", LookUp::kFound, "v/dated"},
      {"own", "", "own", LookUp::kFound, "w/own"},
      {"two sell it", "", "dated", LookUp::kAmbiguous, ""},
      {"the first of two", "v", "dated", LookUp::kFound, "v/dated"},
      {"the second of two", "w", "dated", LookUp::kFound, "w/dated"},
      {"an id here, an alias there", "", "free", LookUp::kAmbiguous, ""},
      {"the alias there", "w", "free", LookUp::kFound, "w/own"},
      {"unknown model", "", "dated-2", LookUp::kUnknown, ""},
      {"unknown provider", "x", "dated", LookUp::kUnknown, ""},
      {"model of another provider", "w", "banded", LookUp::kUnknown, ""},
      {"alias of another provider", "w", "dated-1", LookUp::kUnknown, ""},
      {"prefix", "", "band", LookUp::kUnknown, ""},
      {"capitals", "", "Banded", LookUp::kUnknown, ""},
      {"with provider in one", "", "v/banded", LookUp::kUnknown, ""},
      {"empty", "", "", LookUp::kUnknown, ""},
  };
  for (const auto& test : cases) {
    const ModelMatch match = book.find(test.provider, test.model, kJanuary);
    EXPECT_EQ(match.status, test.status) << test.name;
    if (match.status != LookUp::kFound) continue;
    const ModelFacts facts = book.facts(match.model);
    EXPECT_EQ(fmt::format("{}/{}", facts.provider, facts.model), test.found) << test.name;
  }
}

TEST(PriceBookTest, TellsTheFactsOfItsModelsInOrder) {
  const PriceBook book = parse({other_provider(), std::string(kPrices)});
  std::string names;
  for (std::uint32_t i = 0; i < book.size(); ++i) {
    const ModelFacts facts = book.facts(static_cast<ModelId>(i));
    names += fmt::format("{}/{} ", facts.provider, facts.model);
  }
  EXPECT_EQ(names, "v/banded v/dated v/fee v/free w/dated w/own ");
  const ModelFacts dated = book.facts(id_of(book, "dated", "v"));
  EXPECT_EQ(dated.context, Tokens(9'000));
  EXPECT_EQ(dated.max_output, Tokens(700));
  EXPECT_EQ(book.facts(id_of(book, "banded")).context, Tokens(0));
  EXPECT_EQ(book.facts(id_of(book, "banded")).max_output, Tokens(0));
}

TEST(PriceBookTest, OffersTheNearestName) {
  const PriceBook book = prices();
  EXPECT_EQ(book.nearest_model("bandet"), "banded");
  EXPECT_EQ(book.nearest_model("dated-latst"), "dated-latest");
  EXPECT_EQ(book.nearest_model("something else"), "");
}

TEST(PriceBookTest, CopiesShareOneSnapshotThatOutlivesTheFirst) {
  std::optional<PriceBook> first = prices();
  const PriceBook copy = *first;
  EXPECT_EQ(copy.hash().data(), first->hash().data());
  const std::string_view rule = copy.charge(id_of(copy, "dated"), {}, kJanuary).rule;
  first.reset();
  EXPECT_EQ(rule, "v/dated from 2026-01-01T00:00:00Z");
}

TEST(PriceBookTest, AllocatesNothingToFindAndToPrice) {
  const PriceBook book = shipped();
  const std::string model = "claude-3-5-haiku-20241022-which-is-too-long-for-a-small-string";
  const std::string alias = "claude-3-5-haiku-20241022";
  const Usage usage = usage_of({.input = 250'000, .cache_read = 1'000, .output = 500});
  const std::uint64_t before = allocations();
  const ModelMatch unknown = book.find("anthropic", model, kJanuary);
  const ModelMatch known = book.find("anthropic", alias, kJanuary);
  const ModelMatch any = book.find("", alias, kJanuary);
  const Charge charge = book.charge(known.model, usage, kJanuary);
  const std::optional<Cost> cost = book.cost(known.model, usage, kJanuary);
  const ModelFacts facts = book.facts(known.model);
  const std::uint64_t after = allocations();
  EXPECT_EQ(after, before);
  EXPECT_EQ(unknown.status, LookUp::kUnknown);
  EXPECT_EQ(known.status, LookUp::kFound);
  EXPECT_EQ(any.model, known.model);
  EXPECT_EQ(charge.total, cost);
  EXPECT_EQ(facts.model, "claude-3-5-haiku");
  EXPECT_GT(before, 0u) << "allocations are not counted";
}

[[noreturn]] void throw_failure(const CheckFailure& failure) { throw failure; }

TEST(PriceBookTest, ANegativeCountFailsACheck) {
  const PriceBook book = prices();
  const CheckHandler before = set_check_handler(&throw_failure);
  for (const std::string_view model : {"banded", "dated", "fee"}) {
    const ModelId id = id_of(book, model);
    for (std::size_t meter = 0; meter < kMeterCount; ++meter) {
      Usage usage;
      usage[static_cast<Meter>(meter)] = Tokens(-5);
      EXPECT_THROW(static_cast<void>(book.charge(id, usage, kJanuary)), CheckFailure) << model;
      EXPECT_THROW(static_cast<void>(book.cost(id, usage, kJanuary)), CheckFailure) << model;
    }
  }
  set_check_handler(before);
}

TEST(PriceBookTest, PricesTheLargestCountsExactly) {
  const PriceBook book = prices();
  Usage usage = usage_of({.input = std::numeric_limits<std::int64_t>::max(),
                          .output = std::numeric_limits<std::int64_t>::max()});
  usage[Meter::kRequest] = Tokens(std::numeric_limits<std::int64_t>::max());
  const Int128 most = std::numeric_limits<std::int64_t>::max();
  const Cost expected(most * 2'000'000 + most * 2'000'000 + most * 10'000'000'000);
  EXPECT_EQ(book.cost(id_of(book, "fee"), usage, kJanuary), expected);
  EXPECT_EQ(book.charge(id_of(book, "fee"), usage, kJanuary).total, expected);
}

// A usage whose counts are of any size, many of them zero, or just around a band's threshold.
Usage random_usage(Rng& rng) {
  Usage usage;
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    if (meter != Meter::kRequest) usage[meter] = Tokens(0);
    const bool is_common = meter == Meter::kInput || meter == Meter::kOutput;
    if (rng() % (is_common ? 2 : 12) != 0) continue;
    constexpr std::int64_t kThresholds[] = {100'000, 200'000, 272'000};
    usage[meter] = rng() % 4 == 0
                       ? Tokens(kThresholds[rng() % 3] + static_cast<std::int64_t>(rng() % 3) - 1)
                       : Tokens(static_cast<std::int64_t>(rng() >> (24 + rng() % 40)));
  }
  return usage;
}

Instant random_instant(Rng& rng) {
  const Instant first = at("2023-06-01T00:00:00Z");
  return first + std::chrono::hours(rng() % (24 * 365 * 4)) + Duration(rng() % 3) - Duration(1);
}

// The same counts, each under the meter that covers it at the latest.
Usage by_family(const Usage& usage) {
  Usage family;
  family[Meter::kRequest] = Tokens(0);
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    family[parent_of(meter)] += usage[meter];
  }
  return family;
}

void check_charge(const Charge& charge, const std::optional<Cost>& cost, const Usage& usage) {
  Cost sum;
  bool all = true;
  bool any = false;
  Usage listed;
  listed[Meter::kRequest] = Tokens(0);
  for (std::size_t i = 0; i < charge.lines.size(); ++i) {
    const CostLine& line = charge.lines[i];
    ASSERT_GT(line.count, Tokens(0));
    ASSERT_TRUE(i == 0 || charge.lines[i - 1].meter < line.meter) << "lines stand in Meter order";
    listed[line.meter] = line.count;
    all = all && line.priced;
    any = any || line.priced;
    if (!line.priced) continue;
    ASSERT_EQ(line.cost, cost_of(line.rate, line.parts, line.count));
    sum += line.cost;
  }
  ASSERT_EQ(charge.total, sum);
  const bool row = !charge.rule.empty();
  const PriceStatus status = row && all ? PriceStatus::kPriced
                             : any      ? PriceStatus::kPartiallyPriced
                                        : PriceStatus::kUnpriced;
  ASSERT_EQ(charge.status, status);
  ASSERT_EQ(cost.has_value(), status == PriceStatus::kPriced);
  if (cost) {
    ASSERT_EQ(*cost, charge.total);
  }
  // Every token stands on its own line or its parent's; only the request may be free of charge.
  if (listed[Meter::kRequest] == Tokens(0)) listed[Meter::kRequest] = usage[Meter::kRequest];
  ASSERT_EQ(by_family(listed), by_family(usage));
}

// Goal: lines sum to the total, cost() is charge(), nothing that was used is left out, and status
// tells exactly what has a price.  Method: random usages and instants over all models.
TEST(PriceBookTest, CostAgreesWithCharge) {
  for (const PriceBook& book : {prices(), shipped()}) {
    for (std::uint32_t model = 0; model < book.size(); ++model) {
      Rng rng(model);
      for (int i = 0; i < 500; ++i) {
        SCOPED_TRACE(testing::Message()
                     << book.facts(static_cast<ModelId>(model)).model << ", draw " << i);
        const Usage usage = random_usage(rng);
        const Instant when = random_instant(rng);
        const auto id = static_cast<ModelId>(model);
        check_charge(book.charge(id, usage, when), book.cost(id, usage, when), usage);
        if (testing::Test::HasFatalFailure()) return;
        ASSERT_EQ(book.has_price(id, when), !book.charge(id, usage, when).rule.empty());
      }
    }
  }
}

// Goal: more of anything never costs less, whatever band it leads into.
TEST(PriceBookTest, CostGrowsWithEveryCount) {
  for (const PriceBook& book : {prices(), shipped()}) {
    int compared = 0;
    for (std::uint32_t model = 0; model < book.size(); ++model) {
      Rng rng(model);
      for (int i = 0; i < 1'000; ++i) {
        const Usage less = random_usage(rng);
        Usage more = less;
        more[static_cast<Meter>(rng() % kMeterCount)] +=
            Tokens(static_cast<std::int64_t>(rng() >> (30 + rng() % 34)));
        const Instant when = random_instant(rng);
        const std::optional<Cost> low = book.cost(static_cast<ModelId>(model), less, when);
        const std::optional<Cost> high = book.cost(static_cast<ModelId>(model), more, when);
        if (!low || !high) continue;
        ++compared;
        ASSERT_LE(*low, *high) << book.facts(static_cast<ModelId>(model)).model << ", draw " << i;
      }
    }
    EXPECT_GT(compared, 300);
  }
}

std::string hash_of(const std::vector<std::string>& texts) {
  return std::string(parse(texts).hash());
}

TEST(PriceBookHashTest, IsTheSameForTheSameRowsHoweverWritten) {
  const std::string expected = hash_of({std::string(kPrices), other_provider()});
  EXPECT_EQ(expected.size(), 32u);
  EXPECT_EQ(hash_of({other_provider(), std::string(kPrices)}), expected) << "files";
  const Json file = Json::parse(kPrices);
  EXPECT_EQ(hash_of({file.dump(4), other_provider()}), expected) << "white space";
  const nlohmann::ordered_json ordered(file);
  EXPECT_EQ(hash_of({nlohmann::ordered_json::parse(kPrices).dump(), other_provider()}), expected)
      << "keys as they stand, not sorted";
  Json models = file;
  std::reverse(models["models"].begin(), models["models"].end());
  EXPECT_EQ(hash_of({models.dump(), other_provider()}), expected) << "models";
  Json aliases = file;
  std::reverse(aliases["models"][0]["aliases"].begin(), aliases["models"][0]["aliases"].end());
  EXPECT_EQ(hash_of({aliases.dump(), other_provider()}), expected) << "aliases";
  Json split = file;
  Json rest = file;
  split["models"].erase(2);
  rest["models"] = Json::array({file["models"][2]});
  EXPECT_EQ(hash_of({rest.dump(), other_provider(), split.dump()}), expected) << "split files";
  Json digits = file;
  digits["models"][0]["prices"][0]["usd_per_mtok"]["input"] = "1.000";
  digits["models"][0]["prices"][0]["from"] = "2026-01-01T01:00:00.0+01:00";
  EXPECT_EQ(hash_of({digits.dump(), other_provider()}), expected) << "numbers written otherwise";
  Json band = file;
  band["models"][1]["prices"][0]["bands"][1].erase("input_at_least");
  band["models"][1]["prices"][0]["bands"][1]["input_over"] = 4'999;
  EXPECT_EQ(hash_of({band.dump(), other_provider()}), expected) << "at least, over";
  Json notes = file;
  notes["models"][0]["prices"][0]["note"] = "A remark.";
  notes["sources"]["s"]["title"] = "Another title";
  EXPECT_EQ(hash_of({notes.dump(), other_provider()}), expected) << "notes and sources";
}

TEST(PriceBookHashTest, DiffersForEveryChangeOfMeaning) {
  const std::string first = "/models/0/prices/0";
  const std::string banded = "/models/1/prices/0";
  const struct {
    const char* name;
    std::string path;
    Json value;  // Null removes.
  } cases[] = {
      {"vendor", "/vendor", "V"},
      {"id", "/models/0/id", "date"},
      {"alias", "/models/0/aliases/0", "dated-2"},
      {"alias added", "/models/0/aliases/2", "dated-2"},
      {"alias removed", "/models/0/aliases/1", nullptr},
      {"alias split at a tab", "/models/0/aliases", Json::array({"dated-1\tdated-latest"})},
      {"context", "/models/0/context_tokens", 9'001},
      {"context unknown", "/models/0/context_tokens", nullptr},
      {"output", "/models/0/max_output_tokens", 701},
      {"output unknown", "/models/0/max_output_tokens", nullptr},
      {"from", first + "/from", "2026-01-01T00:00:00.000000001Z"},
      {"until", first + "/until", "2026-03-01T00:00:00.000000001Z"},
      // Before the next row was known, an open row went on.
      {"an end that was implied", "/models/0/prices/1/until", "2027-01-01T00:00:00Z"},
      {"until removed", first + "/until", nullptr},
      {"rate", first + "/usd_per_mtok/input", "1.000001"},
      {"zero for no rate", first + "/usd_per_mtok/cache_read", "0"},
      {"fee", "/models/3/prices/0/usd_per_unit/request", "0.010000000001"},
      {"zero fee", first + "/usd_per_unit/request", "0"},
      {"threshold", banded + "/bands/0/input_over", 1'001},
      {"band's rate", banded + "/bands/1/usd_per_mtok/output", "40.1"},
      {"band removed", banded + "/bands/1", nullptr},
      {"row removed", "/models/0/prices/2", nullptr},
      {"model removed", "/models/2", nullptr},
  };
  std::vector<std::string> seen = {hash_of({std::string(kPrices)})};
  for (const auto& test : cases) {
    Json file = Json::parse(kPrices);
    if (test.value.is_null()) {
      file = file.patch(Json::array({{{"op", "remove"}, {"path", test.path}}}));
    } else {
      file[Json::json_pointer(test.path)] = test.value;
    }
    const std::string hash = hash_of({file.dump()});
    for (const std::string& other : seen) EXPECT_NE(hash, other) << test.name;
    seen.push_back(hash);
  }
}

// A name may hold what the canonical text uses between names.
TEST(PriceBookHashTest, TellsNamesApartThatHoldItsOwnSeparators) {
  const auto with = [](const std::vector<std::string>& aliases) {
    Json file = Json::parse(kPrices);
    file["models"][0]["aliases"] = aliases;
    return hash_of({file.dump()});
  };
  const std::string expected = with({"a", "b"});
  EXPECT_NE(with({"a\tb"}), expected);
  EXPECT_NE(with({"a\n", "b"}), expected);
  EXPECT_NE(with({"a\t1:b"}), expected);
}

}  // namespace
}  // namespace fare
