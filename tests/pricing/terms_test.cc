// Rates under terms: tier, speed, region, time of week, and what was known when.

#include "fare/terms.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fare/price_book.h"
#include "fare/time.h"

namespace fare {
namespace {

using Json = nlohmann::json;

// One model with everything that terms can select.
constexpr std::string_view kPrices = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-02"}},
  "windows": {"peak": {"zone": "Asia/Shanghai", "days": ["mon", "tue", "wed", "thu", "fri"],
                       "hours": [["09:00", "12:00"], ["14:00", "18:00"]],
                       "calendar": "cn"}},
  "models": [
    {"id": "m", "aliases": [{"id": "m-latest", "from": "2026-03-01T00:00:00Z"}],
     "min_cacheable_tokens": 1024, "capabilities": ["tools", "image_input"],
     "retired": "2027-01-01T00:00:00Z",
     "prices": [
       {"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-02",
        "usd_per_mtok": {"input": "0.003625", "input_audio": "1", "cache_read": "0.001",
                         "output": "2", "cache_storage": "4.5"},
        "usd_per_unit": {"search": "0.01"},
        "bands": [{"input_at_least": 1000,
                   "usd_per_mtok": {"input": "0.00725", "input_audio": "2",
                                    "cache_read": "0.002", "output": "4"}}],
        "cells": [{"window": "peak",
                   "usd_per_mtok": {"input": "8", "input_audio": "8", "output": "8"}},
                  {"tier": "priority", "usd_per_mtok": {"input": "6", "output": "12"},
                   "usd_per_unit": {"search": "0.02"}},
                  {"tier": "batch", "region": "us",
                   "usd_per_mtok": {"input": "0.7", "output": "0.9"}}],
        "multipliers": [{"tier": "batch", "times": "0.5"}, {"region": "us", "times": "1.1"},
                        {"speed": "fast", "times": "2.5"}]},
       {"from": "2026-06-01T00:00:00Z", "announced": "2026-04-01", "status": "cancelled",
        "withdrawn": "2026-05-01", "source": "s", "observed": "2026-04-02",
        "usd_per_mtok": {"input": "50", "output": "60"}},
       {"from": "2026-09-01T00:00:00Z", "announced": "2026-08-01", "source": "s",
        "status": "corrected", "withdrawn": "2026-09-10", "observed": "2026-08-02",
        "usd_per_mtok": {"input": "7", "output": "8"}},
       {"from": "2026-09-01T00:00:00Z", "announced": "2026-09-10", "source": "s",
        "observed": "2026-09-10", "usd_per_mtok": {"input": "5", "output": "6"}}]},
    {"id": "n", "aliases": [{"id": "m-latest", "until": "2026-03-01T00:00:00Z"}],
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-02",
                 "usd_per_mtok": {"input": "1", "output": "1"}}]}]})";

constexpr std::string_view kCalendar = R"({
  "format": "fare-calendar/1", "name": "cn", "title": "t", "where": "w", "observed": "2026-01-01",
  "from": "2026-01-01", "until": "2026-06-01", "holidays": ["2026-01-01", "2026-05-01"]})";

Instant at(std::string_view text) { return parse_instant(text).value(); }

Expected<PriceBook> parse(const std::string& prices, const std::string& calendar) {
  const PriceBook::Source sources[] = {{"v.json", prices}, {"cn.json", calendar}};
  return PriceBook::parse(sources);
}

class TermsTest : public testing::Test {
 protected:
  ModelId model() const { return book_.find("v", "m", at("2026-01-01T00:00:00Z")).model; }

  // The price of one unit of a meter under these terms, in dollars per million.
  std::string rate(Meter meter, std::string_view when, const Terms& terms = {},
                   Instant known = Instant::max()) const {
    Usage usage;
    usage[Meter::kRequest] = Tokens(0);
    usage[meter] = Tokens(1);
    const Charge charge = book_.charge(model(), usage, at(when), terms, known);
    if (charge.status == PriceStatus::kPriced) {
      return to_usd_per_mtok(charge.lines[0].rate, charge.lines[0].parts);
    }
    switch (charge.gap) {
      case PriceGap::kNone:
        return "no rate";
      case PriceGap::kNoRow:
        return "no row";
      case PriceGap::kNoTerms:
        return "no terms";
      case PriceGap::kNoCalendar:
        return "no calendar";
    }
    return "";
  }

  PriceBook book_ = parse(std::string(kPrices), std::string(kCalendar)).value();
};

constexpr const char* kSunday = "2026-01-04T03:00:00Z";  // Off peak, all day long.

TEST_F(TermsTest, SelectByTierSpeedAndRegion) {
  const struct {
    const char* name;
    Terms terms;
    const char* input;
    const char* output;
    const char* search;
  } cases[] = {
      {"default", {}, "0.003625", "2", "10000"},
      {"anywhere", {.region = "global"}, "0.003625", "2", "10000"},
      {"batch", {.tier = ServiceTier::kBatch}, "0.0018125", "1", "10000"},
      {"priority", {.tier = ServiceTier::kPriority}, "6", "12", "20000"},
      {"us", {.region = "us"}, "0.0039875", "2.2", "10000"},
      {"stated, not 0.5 x 1.1",
       {.tier = ServiceTier::kBatch, .region = "us"},
       "0.7",
       "0.9",
       "10000"},
      {"priority in the us",
       {.tier = ServiceTier::kPriority, .region = "us"},
       "6.6",
       "13.2",
       "20000"},
      {"fast", {.speed = SpeedMode::kFast}, "0.0090625", "5", "10000"},
      {"batch, fast",
       {.tier = ServiceTier::kBatch, .speed = SpeedMode::kFast},
       "0.00453125",
       "2.5",
       "10000"},
      {"flex is not said", {.tier = ServiceTier::kFlex}, "no terms", "no terms", "no terms"},
      {"nor is eu", {.region = "eu"}, "no terms", "no terms", "no terms"},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(rate(Meter::kInput, kSunday, test.terms), test.input) << test.name;
    EXPECT_EQ(rate(Meter::kOutput, kSunday, test.terms), test.output) << test.name;
    EXPECT_EQ(rate(Meter::kSearch, kSunday, test.terms), test.search) << test.name;
  }
}

TEST_F(TermsTest, AFractionOfAPicodollarIsRoundedOnceForALineHalfToEven) {
  const Terms batch{.tier = ServiceTier::kBatch};
  const auto cost = [&](std::int64_t input) {
    Usage usage;
    usage[Meter::kInput] = Tokens(input);
    const std::optional<Cost> total = book_.cost(model(), usage, at(kSunday), batch);
    EXPECT_EQ(*total, book_.charge(model(), usage, at(kSunday), batch).total);
    return static_cast<std::int64_t>(total->count());
  };
  EXPECT_EQ(cost(1), 1'812);  // 1,812.5.
  EXPECT_EQ(cost(2), 3'625);
  EXPECT_EQ(cost(3), 5'438);        // 5,437.5.
  EXPECT_EQ(cost(999), 1'810'688);  // 1,810,687.5.
}

TEST_F(TermsTest, BandsHoldUnderAllTerms) {
  const Terms batch{.tier = ServiceTier::kBatch};
  Terms long_step = batch;
  for (const std::int64_t input : {999, 1'000, 1'001}) {
    Usage usage;
    usage[Meter::kInput] = Tokens(input);
    const Cost cost = book_.cost(model(), usage, at(kSunday), batch).value();
    const Rate twice(input >= 1'000 ? 7'250 : 3'625);
    EXPECT_EQ(cost, cost_of(twice, 2, Tokens(input))) << input;
    long_step.band_input = Tokens(1'000);
    EXPECT_EQ(book_.cost(model(), usage, at(kSunday), long_step),
              cost_of(Rate(7'250), 2, Tokens(input)))
        << "a long step moves a short request into the band";
  }
}

// Goal: the window holds on the clock of its zone, on its weekdays, not on holidays; each edge to
// the nanosecond.
TEST_F(TermsTest, WindowsFollowTheClockTheWeekAndTheHolidays) {
  const auto peak = [this](const char* when) {
    const std::string input = rate(Meter::kInput, when);
    return input == "8" ? "peak" : input == "0.003625" ? "off" : input;
  };
  EXPECT_EQ(peak("2026-01-05T00:59:59.999999999Z"), "off") << "Monday, 09:00 in Beijing";
  EXPECT_EQ(peak("2026-01-05T01:00:00Z"), "peak");
  EXPECT_EQ(peak("2026-01-05T03:59:59.999999999Z"), "peak");
  EXPECT_EQ(peak("2026-01-05T04:00:00Z"), "off");
  EXPECT_EQ(peak("2026-01-05T05:59:59.999999999Z"), "off");
  EXPECT_EQ(peak("2026-01-05T06:00:00Z"), "peak");
  EXPECT_EQ(peak("2026-01-05T10:00:00Z"), "off");
  EXPECT_EQ(peak("2026-01-09T02:00:00Z"), "peak") << "Friday";
  EXPECT_EQ(peak("2026-01-10T02:00:00Z"), "off") << "Saturday";
  EXPECT_EQ(peak("2026-01-11T02:00:00Z"), "off") << "Sunday";
  EXPECT_EQ(peak("2026-04-30T02:00:00Z"), "peak");
  EXPECT_EQ(peak("2026-05-01T02:00:00Z"), "off") << "Labour Day, a Friday";
  EXPECT_EQ(peak("2026-05-29T02:00:00Z"), "peak") << "the last day of the calendar";
  EXPECT_EQ(peak("2026-06-01T02:00:00Z"), "no calendar") << "a Monday past it";
  EXPECT_EQ(peak("2026-06-06T02:00:00Z"), "off") << "no calendar needed on a Saturday";
  EXPECT_EQ(peak("2026-06-01T20:00:00Z"), "off") << "nor at night";
}

TEST_F(TermsTest, WindowsMultiplyToo) {
  const char* peak = "2026-01-05T01:00:00Z";
  const Terms batch{.tier = ServiceTier::kBatch};
  const Terms priority{.tier = ServiceTier::kPriority};
  EXPECT_EQ(rate(Meter::kInput, peak, batch), "4");
  EXPECT_EQ(rate(Meter::kInput, peak, priority), "no terms")
      << "what priority costs then is unsaid";
  EXPECT_EQ(rate(Meter::kCacheRead, peak), "no rate") << "a cell says all that it knows";
}

TEST_F(TermsTest, AskedOfWhatWasKnown) {
  const auto known = [this](const char* when, const char* then) {
    return rate(Meter::kInput, when, {}, at(then));
  };
  const char* july = "2026-07-05T12:00:00Z";  // A Sunday.
  EXPECT_EQ(known(july, "2026-03-31T23:59:59Z"), "0.003625") << "before the announcement";
  EXPECT_EQ(known(july, "2026-04-01T00:00:00Z"), "50") << "announced";
  EXPECT_EQ(known(july, "2026-04-30T23:59:59.999999999Z"), "50");
  EXPECT_EQ(known(july, "2026-05-01T00:00:00Z"), "0.003625") << "withdrawn";
  EXPECT_EQ(rate(Meter::kInput, july), "0.003625") << "all that is known by now";
  const char* october = "2026-10-04T12:00:00Z";
  EXPECT_EQ(known(october, "2026-07-01T00:00:00Z"), "0.003625");
  EXPECT_EQ(known(october, "2026-08-01T00:00:00Z"), "7");
  EXPECT_EQ(known(october, "2026-09-10T00:00:00Z"), "5") << "corrected";
  EXPECT_EQ(rate(Meter::kInput, october), "5");
  EXPECT_EQ(rate(Meter::kInput, "2025-12-31T23:59:59.999999999Z"), "no row");
  EXPECT_EQ(known(october, "2025-12-31T00:00:00Z"), "no row") << "nothing was known then";
}

TEST_F(TermsTest, AMeterStandsOnItsParentsLineUnlessTheTwoArePricedApart) {
  Usage usage;
  usage[Meter::kInput] = Tokens(1);
  usage[Meter::kInputImage] = Tokens(2);
  usage[Meter::kInputAudio] = Tokens(4);
  usage[Meter::kCacheReadImage] = Tokens(8);
  usage[Meter::kCacheReadAudio] = Tokens(16);
  usage[Meter::kOutput] = Tokens(32);
  usage[Meter::kOutputReasoning] = Tokens(64);
  usage[Meter::kCacheWrite5m] = Tokens(128);
  usage[Meter::kCacheStorage] = Tokens(256);
  const Charge charge = book_.charge(model(), usage, at(kSunday));
  std::string lines;
  for (const CostLine& line : charge.lines) {
    lines +=
        fmt::format("{} {}{} ", to_string(line.meter), line.count.count(), line.priced ? "" : "?");
  }
  EXPECT_EQ(lines,
            "input 3 input_audio 4 cache_read 8 cache_read_audio 16? cache_write_5m 128? "
            "output 96 cache_storage 256 ");
  EXPECT_EQ(charge.status, PriceStatus::kPartiallyPriced);
}

TEST_F(TermsTest, AliasesMeanWhatTheyMeantThen) {
  const auto named = [this](const char* when) {
    const ModelMatch match = book_.find("", "m-latest", at(when));
    return match.status == LookUp::kFound ? std::string(book_.facts(match.model).model) : "";
  };
  EXPECT_EQ(named("2026-02-28T23:59:59.999999999Z"), "n");
  EXPECT_EQ(named("2026-03-01T00:00:00Z"), "m");
  Json file = Json::parse(kPrices);
  file["models"][1].erase("aliases");
  const PriceBook one = parse(file.dump(), std::string(kCalendar)).value();
  EXPECT_EQ(one.find("", "m-latest", at("2026-02-01T00:00:00Z")).status, LookUp::kNotThen);
  EXPECT_EQ(one.find("w", "m-latest", at("2026-04-01T00:00:00Z")).status, LookUp::kUnknown);
}

// Goal: without a provider, a name that several sell means its maker's own.
TEST_F(TermsTest, AResoldModelIsItsMakersUnlessAProviderIsNamed) {
  const auto book_of = [](const char* first, const char* second) {
    std::vector<std::string> texts;
    for (const auto& [vendor, maker] : {std::pair("a", first), std::pair("b", second)}) {
      Json file = Json::parse(kPrices);
      file["vendor"] = vendor;
      file["models"].erase(0);
      if (*maker != '\0') file["models"][0]["maker"] = maker;
      texts.push_back(file.dump());
    }
    const PriceBook::Source sources[] = {{"a", texts[0]}, {"b", texts[1]}, {"cn.json", kCalendar}};
    return PriceBook::parse(sources).value();
  };
  const Instant now = at("2026-01-01T00:00:00Z");
  const PriceBook book = book_of("b", "");
  const ModelMatch own = book.find("", "n", now);
  ASSERT_EQ(own.status, LookUp::kFound);
  EXPECT_TRUE(own.resold);
  EXPECT_EQ(book.facts(own.model).provider, "b");
  const ModelMatch named = book.find("a", "n", now);
  EXPECT_FALSE(named.resold);
  EXPECT_EQ(book.facts(named.model).maker, "b");
  EXPECT_EQ(book_of("c", "c").find("", "n", now).status, LookUp::kAmbiguous);
  EXPECT_EQ(book_of("", "").find("", "n", now).status, LookUp::kAmbiguous);
}

// The largest rates that the reader lets through: products are worked out in 128 bits.
TEST_F(TermsTest, LargeRatesMultiplyExactly) {
  Json file = Json::parse(kPrices);
  Json& row = file["models"][1]["prices"][0];
  row["usd_per_mtok"]["input"] = "999999.999999";
  row["multipliers"] = {{{"tier", "batch"}, {"times", "9.999"}}};
  const PriceBook book = parse(file.dump(), std::string(kCalendar)).value();
  const Instant now = at("2026-01-01T00:00:00Z");
  Usage usage;
  usage[Meter::kInput] = Tokens(1'000);
  const Charge charge =
      book.charge(book.find("v", "n", now).model, usage, now, {.tier = ServiceTier::kBatch});
  EXPECT_EQ(to_usd_per_mtok(charge.lines[0].rate, charge.lines[0].parts), "9998999.999990001");
  EXPECT_EQ(to_usd(charge.total), "9998.999999990001");
}

// A row that states only what a batch costs says nothing of the standard tier.
TEST_F(TermsTest, ARowMayStateItsCellsAlone) {
  Json file = Json::parse(kPrices);
  Json& row = file["models"][1]["prices"][0];
  row.erase("usd_per_mtok");
  row["cells"] = {{{"tier", "batch"}, {"usd_per_mtok", {{"input", "1"}}}}};
  const PriceBook book = parse(file.dump(), std::string(kCalendar)).value();
  const Instant now = at("2026-01-01T00:00:00Z");
  const ModelId model = book.find("v", "n", now).model;
  EXPECT_FALSE(book.has_price(model, now));
  EXPECT_EQ(book.charge(model, Usage(), now).gap, PriceGap::kNoTerms);
  EXPECT_TRUE(book.has_price(model, now, {.tier = ServiceTier::kBatch}));
}

TEST_F(TermsTest, FactsStandBesideThePrices) {
  const ModelFacts facts = book_.facts(model());
  EXPECT_EQ(facts.min_cacheable, Tokens(1'024));
  EXPECT_EQ(facts.retired, at("2027-01-01T00:00:00Z"));
  ASSERT_EQ(facts.capabilities.size(), 2u);
  EXPECT_EQ(facts.capabilities[0], "image_input");
  ASSERT_EQ(book_.periods(model()).size(), 4u);
  const PricePeriod& first = book_.periods(model())[0];
  EXPECT_EQ(first.cells.size(), 4u);
  EXPECT_EQ(first.cells[1].window, "peak");
  EXPECT_EQ(first.multipliers[2].numerator, 5);
  EXPECT_EQ(first.multipliers[2].denominator, 2);
  EXPECT_EQ(first.observed, "2026-01-02");
}

TEST_F(TermsTest, TheRuleSaysWhatSelectedTheRates) {
  Usage usage;
  usage[Meter::kInput] = Tokens(1'000);
  const Terms terms{.tier = ServiceTier::kPriority, .region = "us"};
  EXPECT_EQ(book_.charge(model(), usage, at(kSunday), terms).rule,
            "v/m from 2026-01-01T00:00:00Z, priority, region us x 1.1");
  EXPECT_EQ(book_.charge(model(), usage, at(kSunday)).rule,
            "v/m from 2026-01-01T00:00:00Z, input over 999 tokens");
}

// One thing made wrong in the file or the calendar, and the sentence that says so.
TEST_F(TermsTest, EverythingWrongIsSaid) {
  const std::string row = "/models/0/prices/0";
  const struct {
    std::string path;
    Json value;
    std::string said;
  } cases[] = {
      {row + "/cells/0/window", "noon", "#/models/0/prices/0/cells/0/window: must be a key of"},
      {row + "/cells/1/tier", "turbo", "must be \"standard\", \"batch\", \"flex\" or \"priority\""},
      {row + "/cells/1/tier", "standard", "needs a \"tier\", \"speed\", \"region\" or \"window\""},
      {row + "/cells/2",
       {{"tier", "priority"}, {"usd_per_mtok", {{"input", "1"}}}},
       "cells 1 and 2 are for the same terms"},
      {row + "/cells/1/usd_per_mtok/search", "1",
       "cells/1/usd_per_mtok/search: is not a known key"},
      {row + "/multipliers/0/times", "0", "must be a number above 0, up to 10"},
      {row + "/multipliers/0/times", "10.001", "must be a number above 0, up to 10"},
      {row + "/multipliers/0/times", "0.0005", "with at most 3 decimals"},
      {row + "/multipliers/0/region", "us", "needs exactly one of \"tier\", \"speed\""},
      {row + "/multipliers/2",
       {{"region", "us"}, {"times", "2"}},
       "multipliers 1 and 2 are for the same terms"},
      {row + "/usd_per_mtok/output", "1000000", ""},
      {row + "/status", "announcd", "must be \"announced\", \"active\""},
      {row + "/status", "cancelled", "needs \"withdrawn\" exactly if"},
      {"/models/0/prices/1/withdrawn", "2026-03-01", "\"withdrawn\" must be after \"announced\""},
      {"/models/0/prices/3/announced", "2026-09-01", "prices 2 and 3 start at the same instant"},
      {"/models/0/aliases/0/from", "2026-02-01T00:00:00Z", "\"m-latest\" already names"},
      {"/windows/peak/zone", "Asia/Peking", "Asia/Peking"},
      {"/windows/peak/days/0", "monday", "windows/peak/days/0: "},
      {"/windows/peak/hours/0/1", "24:01", "a time of day from \"00:00\" to \"24:00\""},
      {"/windows/peak/hours/0/1", "09:00", "must end after it begins"},
      {"/windows/peak/hours/1/0", "11:00", "must ascend and not overlap"},
      {"/windows/peak/calendar", "us", "must be a calendar among the files"},
  };
  for (const auto& test : cases) {
    Json file = Json::parse(kPrices);
    file[Json::json_pointer(test.path)] = test.value;
    const Expected<PriceBook> book = parse(file.dump(), std::string(kCalendar));
    ASSERT_EQ(book.has_value(), test.said.empty()) << test.path;
    if (book) continue;
    EXPECT_EQ(book.error().size(), 1u) << to_text(book.error());
    EXPECT_NE(to_text(book.error()).find(test.said), std::string::npos) << to_text(book.error());
  }
  Json fine = Json::parse(kPrices);
  fine["models"][0]["prices"][0]["usd_per_mtok"]["output"] = "1000000";
  fine["models"][0]["prices"][0]["multipliers"] = {{{"tier", "batch"}, {"times", "9.999"}},
                                                   {{"speed", "fast"}, {"times", "9.999"}},
                                                   {{"region", "x"}, {"times", "9.999"}}};
  const Expected<PriceBook> large = parse(fine.dump(), std::string(kCalendar));
  ASSERT_FALSE(large);
  EXPECT_NE(to_text(large.error()).find("too fine or too large for its rates"), std::string::npos);
}

TEST_F(TermsTest, ACalendarIsCheckedAsWell) {
  const struct {
    const char* path;
    Json value;
    const char* said;
  } cases[] = {
      {"/holidays/0", "2025-12-31", "must be a day from \"from\" up to \"until\""},
      {"/holidays/1", "2026-01-01", "must be after the day before it"},
      {"/until", "2026-01-01", "\"until\" must be after \"from\""},
      {"/holidays/0", "2026-02-30", "must be a date"},
      {"/day", 1, "is not a known key"},
  };
  for (const auto& test : cases) {
    Json calendar = Json::parse(kCalendar);
    calendar[Json::json_pointer(test.path)] = test.value;
    const Expected<PriceBook> book = parse(std::string(kPrices), calendar.dump());
    ASSERT_FALSE(book) << test.path;
    EXPECT_NE(to_text(book.error()).find(test.said), std::string::npos) << to_text(book.error());
    EXPECT_NE(to_text(book.error()).find("cn.json#"), std::string::npos);
  }
}

}  // namespace
}  // namespace fare
