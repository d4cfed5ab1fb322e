// Goal: other people's lists come in with exact decimals, in the right cell of the lattice, and
// what cannot be carried is named.
// Method: small lists that hold one trap each; then the real lists, entry by entry.

#include "fare/price_import.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/random.h"
#include "places.h"
#include "pricing/exact_decimal.h"
#include "pricing/upkeep_fixture.h"

namespace fare {
namespace {

using testing::HasSubstr;
using Status = ScaledDecimal::Status;

const Instant kFrom = at("2024-01-01T00:00:00Z");

PriceImport import(ForeignFormat format, std::string_view text) {
  auto read = import_prices(
      text, {.format = format, .name = "list.json", .from = kFrom, .observed = "2026-08-01"});
  if (!read) throw std::runtime_error(to_text(read.error()));
  return *read;
}

PriceImport litellm(std::string_view text) { return import(ForeignFormat::kLiteLlm, text); }

const Rates& base(const PricePeriod& row) { return row.cells.at(0).bands.at(0).rates; }

std::optional<Rate> of(const Rates& rates, Meter meter) {
  return rates[static_cast<std::size_t>(meter)];
}

// The only model of an import.
const SheetModel& only(const PriceImport& import) { return import.sheets.at(0).models.at(0); }

std::string notes_of(const PriceImport& import) {
  std::string text;
  for (const ImportNote& note : import.notes) {
    text += std::string(to_string(note.remark)) + "|" + note.entry + "|" + note.field + "|" +
            note.value + "|" + note.why + "\n";
  }
  return text;
}

TEST(ExactDecimalTest, ReadsWhatIsWritten) {
  struct Case {
    std::string_view text;
    int shift;
    Status status;
    std::int64_t count;
  };
  const Case cases[] = {
      {"2.5e-07", 12, Status::kExact, 250'000},
      {"2.5E-7", 12, Status::kExact, 250'000},
      {"1e+2", 0, Status::kExact, 100},
      {"0", 12, Status::kExact, 0},
      {"-0.0", 12, Status::kExact, 0},
      {"0.0e-400", 12, Status::kExact, 0},
      {"0.003625", 6, Status::kExact, 3'625},
      {"2.9999900000000002e-06", 12, Status::kRounded, 2'999'990},
      {"0.0000006000000000000001", 12, Status::kRounded, 600'000},
      {"0.5e-12", 12, Status::kRounded, 0},   // Half to even.
      {"1.5e-12", 12, Status::kRounded, 2},   // Half to even.
      {"0.51e-12", 12, Status::kRounded, 1},  // Above half.
      {"9.9999999e-6", 6, Status::kRounded, 10},
      {"1e-300", 12, Status::kRounded, 0},
      {"999999999999999999", 0, Status::kExact, 999'999'999'999'999'999},
      {"1000000000000000000", 0, Status::kTooLarge, 0},
      {"1e300", 0, Status::kTooLarge, 0},
      {"-1", 12, Status::kNegative, 0},
      {"-1e-300", 12, Status::kNegative, 0},
      {"", 0, Status::kNotANumber, 0},
      {"1.", 0, Status::kNotANumber, 0},
      {".5", 0, Status::kNotANumber, 0},
      {"1e", 0, Status::kNotANumber, 0},
      {"1e99999999999", 0, Status::kNotANumber, 0},
      {"0x10", 0, Status::kNotANumber, 0},
      {"1 ", 0, Status::kNotANumber, 0},
      {"NaN", 0, Status::kNotANumber, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const ScaledDecimal read = scaled(c.text, c.shift);
    EXPECT_EQ(read.status, c.status);
    EXPECT_EQ(read.count, c.count);
  }
}

TEST(PriceImportTest, LiteLlmFieldNamesAreCells) {
  const PriceImport list = litellm(R"({"xai/m": {"litellm_provider": "v",
      "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05,
      "cache_creation_input_token_cost": 2.5e-06,
      "cache_creation_input_token_cost_above_1hr": 4e-06,
      "input_cost_per_token_above_200k_tokens": 4e-06,
      "output_cost_per_token_above_200k_tokens": 1.5e-05,
      "cache_creation_input_token_cost_above_200k_tokens": 5e-06,
      "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 8e-06,
      "input_cost_per_token_batches": 1e-06, "output_cost_per_token_flex": 5e-06,
      "input_cost_per_token_above_200k_tokens_flex": 2e-06, "input_cost_per_token_flex": 1e-06,
      "output_cost_per_token_priority": 2e-05,
      "search_context_cost_per_query": {"search_context_size_low": 0.01,
                                        "search_context_size_high": 0.01},
      "regional_processing_uplift_multiplier_eu": 1.1,
      "provider_specific_entry": {"fast": 2.0}, "prompt_cache_min_tokens": 1024,
      "max_input_tokens": 1e6, "deprecation_date": "2026-12-31", "supports_vision": true}})");
  const SheetModel& model = only(list);
  EXPECT_EQ(model.id, "xai/m");
  EXPECT_EQ(model.context, Tokens(1'000'000));
  EXPECT_EQ(model.min_cacheable, Tokens(1'024));
  EXPECT_EQ(model.retired, at("2026-12-31T00:00:00Z"));
  EXPECT_THAT(model.capabilities, testing::ElementsAre("image_input"));
  const PricePeriod& row = model.periods.at(0);
  EXPECT_EQ(of(base(row), Meter::kInput), usd("2"));
  EXPECT_EQ(of(base(row), Meter::kCacheWrite5m), usd("2.5"));
  EXPECT_EQ(of(base(row), Meter::kCacheWrite1h), usd("4"));
  EXPECT_EQ(of(base(row), Meter::kSearch), Rate(10'000'000'000));
  const PriceBand& band = row.cells[0].bands.at(1);
  EXPECT_EQ(band.input_over, Tokens(200'000));
  EXPECT_EQ(of(band.rates, Meter::kCacheWrite1h), usd("8"));
  ASSERT_EQ(row.cells.size(), 4u);
  EXPECT_EQ(row.cells[1].tier, ServiceTier::kBatch);
  EXPECT_EQ(row.cells[2].tier, ServiceTier::kFlex);
  EXPECT_EQ(of(row.cells[2].bands.at(1).rates, Meter::kInput), usd("2"));
  EXPECT_EQ(of(row.cells[2].bands.at(1).rates, Meter::kOutput), usd("5"));  // Assumed.
  EXPECT_EQ(row.cells[3].tier, ServiceTier::kPriority);
  ASSERT_EQ(row.multipliers.size(), 2u);
  EXPECT_EQ(row.multipliers[0].region, "eu");
  EXPECT_EQ(row.multipliers[0].numerator, 11);
  EXPECT_EQ(row.multipliers[1].speed, SpeedMode::kFast);
  EXPECT_THAT(notes_of(list), HasSubstr("assumed|xai/m|output|5|flex has no price above 200000"));
  EXPECT_EQ(book_of(list.sheets).size(), 1u);
}

// xAI's band begins at its threshold, everybody else's above it.
TEST(PriceImportTest, LiteLlmBandsOfXaiIncludeTheirThreshold) {
  const PriceImport list = litellm(R"({"xai/m": {"litellm_provider": "xai",
      "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06}})");
  EXPECT_EQ(only(list).id, "m");
  EXPECT_EQ(only(list).aliases.at(0).id, "xai/m");
  EXPECT_EQ(only(list).periods[0].cells[0].bands.at(1).input_over, Tokens(199'999));
}

TEST(PriceImportTest, LiteLlmOffPeakIsAWindow) {
  const PriceImport list = litellm(R"({"deepseek/m": {"litellm_provider": "deepseek",
      "input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06,
      "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-06}}})");
  const PriceBook book = book_of(list.sheets);
  const ModelMatch match = book.find("deepseek", "m", kFrom);
  ASSERT_EQ(match.status, LookUp::kFound);
  EXPECT_EQ(book.find("deepseek", "deepseek/m", kFrom).status, LookUp::kFound);
  Usage usage;
  usage[Meter::kInput] = Tokens(1'000'000);
  usage[Meter::kOutput] = Tokens(1'000'000);
  const auto total = [&](std::string_view when) {
    return to_usd(book.charge(match.model, usage, at(when)).total);
  };
  EXPECT_EQ(total("2026-03-04T16:29:59Z"), "6");
  EXPECT_EQ(total("2026-03-04T16:30:00Z"), "5");
  EXPECT_EQ(total("2026-03-05T00:29:59Z"), "5");
  EXPECT_EQ(total("2026-03-05T00:30:00Z"), "6");
}

// What no meter counts must not leave a model behind that costs nothing.
TEST(PriceImportTest, AnImageModelDoesNotBecomeFree) {
  const PriceImport list = litellm(R"({
      "dall-e": {"litellm_provider": "v", "input_cost_per_token": 0, "output_cost_per_token": 0.0,
                 "output_cost_per_image": 0.04},
      "video": {"litellm_provider": "v", "output_cost_per_second": 0.1},
      "free": {"litellm_provider": "v", "input_cost_per_token": 0, "output_cost_per_token": 0},
      "nobody": {"input_cost_per_token": 1},
      "wild": {"litellm_provider": "v", "input_cost_per_token": -1e-6},
      "dust": {"litellm_provider": "v", "input_cost_per_token": 1e-13},
      "text": {"litellm_provider": "v", "input_cost_per_token": "a lot"}})");
  EXPECT_EQ(list.entries, 7u);
  EXPECT_EQ(list.models, 1u);
  EXPECT_EQ(only(list).id, "free");
  const std::string notes = notes_of(list);
  EXPECT_THAT(notes, HasSubstr("price left out|dall-e|output_cost_per_image|0.04|no meter"));
  EXPECT_THAT(notes, HasSubstr("entry left out|dall-e|||is zero by the token"));
  EXPECT_THAT(notes, HasSubstr("entry left out|video|||is sold only by"));
  EXPECT_THAT(notes, HasSubstr("entry left out|nobody|||names no litellm_provider"));
  EXPECT_THAT(notes, HasSubstr("price left out|wild|input_cost_per_token|-1e-6|is negative"));
  EXPECT_THAT(notes, HasSubstr("price left out|dust|input_cost_per_token|1e-13|is below half"));
  EXPECT_THAT(notes, HasSubstr("price left out|text|input_cost_per_token|a lot|is not a dec"));
}

TEST(PriceImportTest, AKeyThatStandsTwiceIsSaid) {
  const PriceImport list = litellm(R"({
      "m": {"litellm_provider": "v", "input_cost_per_token": 1e-6},
      "m": {"litellm_provider": "v", "input_cost_per_token": 2e-6}})");
  EXPECT_THAT(notes_of(list), HasSubstr("assumed|m|||stands twice"));
  EXPECT_EQ(list.entries, 2u);
  EXPECT_EQ(list.models, 1u);
  EXPECT_EQ(of(base(only(list).periods[0]), Meter::kInput), usd("2"));
}

TEST(PriceImportTest, GenaiDatesAreRowsAndHoursAreWindows) {
  const PriceImport list = import(ForeignFormat::kGenaiPrices, R"([{"id": "p", "models": [
      {"id": "m", "match": {"or": [{"equals": "m-1"}, {"starts_with": "m-"}]}, "prices": [
        {"prices": {"input_mtok": 0.14, "output_mtok": 1, "web_searches_kcount": 10}},
        {"constraint": {"type": "start_date", "start_date": "2026-08-17"},
         "prices": {"input_mtok": {"base": 0.22, "tiers": [{"start": 200000, "price": 0.5}]},
                    "output_mtok": 2}},
        {"constraint": {"type": "time_of_date", "start_time": "01:00:00Z", "end_time": "04:00:00Z"},
         "prices": {"input_mtok": 0.44, "output_mtok": 3, "audio_hours": 1}}]}]}])");
  const PriceBook book = book_of(list.sheets);
  const ModelMatch match = book.find("p", "m-1", kFrom);
  ASSERT_EQ(match.status, LookUp::kFound);
  EXPECT_EQ(book.find("p", "m-2", kFrom).status, LookUp::kUnknown);
  const auto input = [&](std::string_view when, int count) {
    Usage usage;
    usage[Meter::kInput] = Tokens(count);
    return to_usd(book.charge(match.model, usage, at(when)).total);
  };
  EXPECT_EQ(input("2026-07-01T02:00:00Z", 1'000'000), "0.14");  // Not the window of August.
  EXPECT_EQ(input("2026-08-17T00:00:00Z", 1'000'000), "0.5");
  EXPECT_EQ(input("2026-08-17T00:00:00Z", 200'000), "0.044");
  EXPECT_EQ(input("2026-08-17T02:00:00Z", 100'000), "0.044");
  EXPECT_EQ(book.periods(match.model)[1].cells[0].bands[1].rates[11], usd("2"));  // Output: base.
  EXPECT_THAT(notes_of(list), HasSubstr("name left out|p/m|starts_with|m-|is a pattern"));
  EXPECT_THAT(notes_of(list), HasSubstr("price left out|p/m|audio_hours|1|no meter counts it"));
}

TEST(PriceImportTest, ModelsDevTiersAndModesAreBandsAndCells) {
  const PriceImport list = import(ForeignFormat::kModelsDev, R"({"p": {"models": {
      "m": {"cost": {"input": 5, "output": 30, "cache_read": 0.049999999999999996,
                     "tiers": [{"tier": {"type": "context", "size": 272000}, "input": 10,
                                "output": 45, "cache_read": 1}]},
            "experimental": {"modes": {
              "fast": {"cost": {"input": 10, "output": 60},
                       "provider": {"body": {"speed": "fast"}}},
              "odd": {"cost": {"input": 1}}}},
            "limit": {"context": 1050000, "output": 128000}, "tool_call": true},
      "n": {"limit": {"context": 1, "output": 1}}}}})");
  const PricePeriod& row = only(list).periods.at(0);
  EXPECT_EQ(of(base(row), Meter::kCacheRead), usd("0.05"));
  EXPECT_EQ(row.cells[0].bands.at(1).input_over, Tokens(272'000));
  EXPECT_EQ(row.cells.at(1).speed, SpeedMode::kFast);
  EXPECT_EQ(only(list).max_output, Tokens(128'000));
  EXPECT_THAT(notes_of(list), HasSubstr("rounded|p/m|cache_read|0.049999999999999996|"));
  EXPECT_THAT(notes_of(list), HasSubstr("price left out|p/m|modes.odd|"));
  EXPECT_THAT(notes_of(list), HasSubstr("entry left out|p/n|||has no cost"));
}

TEST(PriceImportTest, OpenRouterOverridesAreBandsAndWindows) {
  const PriceImport list = import(ForeignFormat::kOpenRouter, R"({"data": [
      {"id": "o/m", "canonical_slug": "o/m-1", "pricing": {"prompt": "0.000005",
        "completion": "0.00000090000000000000005", "web_search": "0.005", "image": "0.0048",
        "overrides": [{"min_prompt_tokens": 272000, "prompt": "0.00001"},
                      {"utc_start": 100, "utc_end": 430, "prompt": "0.000001"},
                      {"phase": "moon", "prompt": "1"}]}},
      {"id": "o/auto", "pricing": {"prompt": "-1", "completion": "-1"}}]})");
  const PricePeriod& row = only(list).periods.at(0);
  EXPECT_EQ(row.cells[0].bands.at(1).input_over, Tokens(271'999));
  EXPECT_EQ(of(row.cells[0].bands[1].rates, Meter::kOutput), usd("0.9"));
  EXPECT_EQ(row.cells.at(1).window, "utc_0100_0430");
  EXPECT_EQ(of(row.cells[1].bands[0].rates, Meter::kOutput), usd("0.9"));
  EXPECT_EQ(of(base(row), Meter::kSearch), Rate(5'000'000'000));
  EXPECT_FALSE(of(base(row), Meter::kInputImage));
  EXPECT_THAT(notes_of(list), HasSubstr("|o/m|image|0.0048|no meter counts whole images"));
  EXPECT_THAT(notes_of(list), HasSubstr("|o/m|overrides|{phase: moon"));
  EXPECT_THAT(notes_of(list), HasSubstr("entry left out|o/auto|"));
  EXPECT_EQ(book_of(list.sheets).size(), 1u);
}

TEST(PriceImportTest, RefusesWhatIsNoList) {
  const ImportOptions options{ForeignFormat::kOpenRouter, "l", kFrom, "2026-01-01"};
  for (const std::string_view text : {"", "[", "3", "{\"data\": 3}", "[1", "{\"a\": \"\xff\"}"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(import_prices(text, options));
  }
  EXPECT_FALSE(import_prices(std::string(100, '['), options));
}

// Lists that use every field, for damaging.
constexpr std::pair<ForeignFormat, std::string_view> kLists[] = {
    {ForeignFormat::kLiteLlm,
     R"({"v/m": {"litellm_provider": "v", "input_cost_per_token": 2e-06,
      "output_cost_per_token_above_200k_tokens_flex": 1e-5, "output_cost_per_token": 1e-05,
      "tiered_pricing": [{"range": [0, 9], "input_cost_per_token": 1e-7}],
      "provider_specific_entry": {"us": 1.1, "fast": 2.0}, "deprecation_date": "2026-12-31",
      "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-06,
        "windows": [{"hours_utc": "01:00-02:00", "weekdays": [1, 7]}]},
      "regional_processing_uplift_multiplier_eu": 1.1, "max_input_tokens": 100}})"},
    {ForeignFormat::kGenaiPrices,
     R"([{"id": "p", "models": [{"id": "m", "match": {"or": [{"equals": "n"}]}, "prices": [
      {"prices": {"input_mtok": {"base": 1, "tiers": [{"start": 9, "price": 2}]}}},
      {"constraint": {"type": "start_date", "start_date": "2026-08-17"},
       "prices": {"input_mtok": 3}},
      {"constraint": {"type": "time_of_date", "start_time": "01:00:00Z",
       "end_time": "04:00:00Z"}, "prices": {"input_mtok": 4}}]}]}])"},
    {ForeignFormat::kModelsDev,
     R"({"p": {"models": {"m": {"cost": {"input": 5, "tiers": [{"tier": {"size": 9}, "input": 6}]},
      "experimental": {"modes": {"f": {"cost": {"input": 7},
        "provider": {"body": {"speed": "fast"}}}}}, "limit": {"context": 9}}}}})"},
    {ForeignFormat::kOpenRouter,
     R"({"data": [{"id": "m", "canonical_slug": "n", "pricing": {"prompt": "0.1", "image": "0",
      "overrides": [{"min_prompt_tokens": 9, "prompt": "1e-6"},
                    {"utc_start": 100, "utc_end": 2400, "prompt": "0"}]}}]})"}};

// Whatever comes in, what goes out reads back.
TEST(PriceImportTest, DamagedListsAreRefusedOrReadBack) {
  RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
  constexpr std::string_view kBytes = "0123456789-e.\"{}[]:, azZ_/";
  std::size_t carried = 0;
  for (int round = 0; round < 3'000; ++round) {
    const auto& [format, list] = kLists[round % 4];
    std::string text(list);
    for (std::uint64_t i = 0; i <= random.below(3); ++i) {
      const auto at_byte = static_cast<std::size_t>(random.below(text.size()));
      if (random.below(3) == 0) {
        text.erase(at_byte, 1);
      } else {
        text[at_byte] = kBytes[static_cast<std::size_t>(random.below(kBytes.size()))];
      }
    }
    const auto read = import_prices(
        text, {.format = format, .name = "l", .from = kFrom, .observed = "2026-08-01"});
    if (!read) continue;
    carried += read->models;
    ASSERT_NO_THROW((void)book_of(read->sheets)) << text;
  }
  EXPECT_GT(carried, 500u);
}

struct RealList {
  ForeignFormat format;
  std::string file;
  std::size_t entries;
  std::size_t models;
};

std::ostream& operator<<(std::ostream& out, const RealList& list) { return out << list.file; }

class RealListTest : public testing::TestWithParam<RealList> {};

// Every entry became a model or is named; every sheet reads back.
TEST_P(RealListTest, ComesInEntryByEntry) {
  const RealList& list = GetParam();
  const std::string text =
      file_text(std::string(fare::kSourceDir) + "/../shared/data/pricing/" + list.file);
  if (text.empty()) GTEST_SKIP() << list.file << " is not there";
  const PriceImport read = import(list.format, text);
  EXPECT_EQ(read.entries, list.entries);
  EXPECT_EQ(read.models, list.models);
  std::size_t left_out = 0;
  for (const ImportNote& note : read.notes) {
    EXPECT_FALSE(note.entry.empty());
    EXPECT_FALSE(note.why.empty());
    if (note.remark == ImportRemark::kEntryLeftOut) ++left_out;
  }
  EXPECT_EQ(read.models + left_out, read.entries);
  const PriceBook book = book_of(read.sheets);
  EXPECT_EQ(book.size(), read.models);
  EXPECT_EQ(book_of(sheets_of(book)).hash(), book.hash());
}

INSTANTIATE_TEST_SUITE_P(
    All, RealListTest,
    testing::Values(
        RealList{ForeignFormat::kLiteLlm, "litellm_model_prices_and_context_window.json", 2'986,
                 2'536},
        RealList{ForeignFormat::kGenaiPrices, "genai_prices_0.1.8_data.json", 1'694, 1'517},
        RealList{ForeignFormat::kModelsDev, "models_dev_api.json", 5'276, 4'894},
        RealList{ForeignFormat::kOpenRouter, "openrouter_models_2026-08-01.json", 336, 331}));

// The slow model: each base price of LiteLLM's map as a double, which is near enough to tell a
// wrong meter or unit.
TEST(PriceImportTest, LiteLlmPricesAreThoseOfTheMap) {
  const std::string text = file_text(std::string(fare::kSourceDir) +
                                     "/../shared/data/pricing/"
                                     "litellm_model_prices_and_context_window.json");
  if (text.empty()) GTEST_SKIP() << "the LiteLLM map is not there";
  const nlohmann::json map = nlohmann::json::parse(text);
  const PriceImport read = litellm(text);
  std::size_t compared = 0;
  for (const PriceSheet& sheet : read.sheets) {
    for (const SheetModel& model : sheet.models) {
      const std::string key =
          model.aliases.empty() || map.contains(model.id) ? model.id : model.aliases[0].id;
      const std::pair<Meter, const char*> fields[] = {
          {Meter::kInput, "input_cost_per_token"},
          {Meter::kCacheRead, "cache_read_input_token_cost"},
          {Meter::kCacheWrite5m, "cache_creation_input_token_cost"},
          {Meter::kOutput, "output_cost_per_token"}};
      for (const auto& [meter, field] : fields) {
        const auto rate = of(base(model.periods[0]), meter);
        if (!map.at(key).contains(field) || map[key].contains("tiered_pricing")) continue;
        ASSERT_TRUE(rate) << key << " " << field;
        const double expected = map[key][field].get<double>() * 1e12;
        ASSERT_NEAR(static_cast<double>(rate->count()), expected, 0.6) << key << " " << field;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 5'000u);
}

}  // namespace
}  // namespace fare
