// Goal: models are matched exactly, and every contradiction between sources is reported once.
// Method: small books that differ in one thing.

#include "fare/price_disagree.h"

#include <gmock/gmock.h>

#include "pricing/upkeep_fixture.h"

namespace fare {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Instant kNow = at("2026-03-01T00:00:00Z");

DisagreeReport compare(const std::vector<PriceSheet>& sheets, double tolerance = 0) {
  std::vector<NamedBook> books;
  for (const PriceSheet& sheet : sheets) books.push_back({"s", book_of({sheet})});
  return compare_prices(books, {.at = kNow, .tolerance = tolerance});
}

PriceSheet sheet_of(const std::string& provider, const std::string& model, int input) {
  return plain_sheet(provider, model, input, 10);
}

Rates& rates_of(PriceSheet& sheet) { return sheet.models[0].periods[0].cells[0].bands[0].rates; }

TEST(PriceDisagreeTest, NamesTheMeterAndTheValues) {
  const DisagreeReport report =
      compare({sheet_of("google", "m", 1), sheet_of("gemini", "m", 2), sheet_of("x", "m", 3)});
  ASSERT_EQ(report.disagreements.size(), 1u);
  const Disagreement& found = report.disagreements[0];
  EXPECT_EQ(found.provider, "google");
  EXPECT_EQ(found.model, "m");
  EXPECT_EQ(found.what, "input");
  EXPECT_FALSE(found.is_missing);
  EXPECT_THAT(found.values, ElementsAre("1", "2", ""));
  ASSERT_EQ(report.providers.size(), 1u);
  EXPECT_EQ(report.providers[0].models, 1u);
  EXPECT_EQ(report.providers[0].differ, 1u);
}

TEST(PriceDisagreeTest, EqualPricesAgree) {
  const DisagreeReport report = compare({sheet_of("x-ai", "m", 1), sheet_of("xai", "m", 1)});
  EXPECT_THAT(report.disagreements, IsEmpty());
  EXPECT_EQ(report.providers.at(0).agree, 1u);
  EXPECT_EQ(report.providers[0].provider, "xai");
}

TEST(PriceDisagreeTest, MatchesByAliasButNeverByLikeness) {
  PriceSheet named = sheet_of("v", "m-2026-01-01", 2);
  EXPECT_THAT(compare({sheet_of("v", "m", 1), named}).providers, IsEmpty());
  named.models[0].aliases = {{.id = "m", .from = {}, .until = {}}};
  EXPECT_EQ(compare({sheet_of("v", "m", 1), named}).disagreements.size(), 1u);
  EXPECT_EQ(compare({named, sheet_of("v", "m", 1)}).disagreements.size(), 1u);
  named.models[0].aliases[0].until = kNow;  // It means something else by now.
  EXPECT_THAT(compare({sheet_of("v", "m", 1), named}).providers, IsEmpty());
}

// An alias may not take a model away from the one that has its id.
TEST(PriceDisagreeTest, AnIdGoesBeforeAnAlias) {
  PriceSheet two = sheet_of("v", "a", 7);
  two.models[0].aliases = {{.id = "n", .from = {}, .until = {}}};
  two.models.push_back(sheet_of("v", "m", 1).models[0]);
  PriceSheet other = sheet_of("v", "m", 1);
  other.models[0].aliases = {{.id = "a", .from = {}, .until = {}}};
  EXPECT_THAT(compare({other, two}).disagreements, IsEmpty());
  EXPECT_EQ(compare({other, two}).providers.at(0).models, 1u);
}

TEST(PriceDisagreeTest, ToleranceIsAFractionOfTheLarger) {
  const std::vector<PriceSheet> sheets = {sheet_of("v", "m", 9), sheet_of("v", "m", 10)};
  EXPECT_THAT(compare(sheets, 0.1).disagreements, IsEmpty());
  EXPECT_EQ(compare(sheets, 0.099).disagreements.size(), 1u);
}

TEST(PriceDisagreeTest, TellsMissingFromDifferent) {
  PriceSheet with = sheet_of("v", "m", 1);
  set(rates_of(with), Meter::kCacheRead, "0.1");
  const DisagreeReport report = compare({sheet_of("v", "m", 1), with});
  ASSERT_EQ(report.disagreements.size(), 1u);
  EXPECT_TRUE(report.disagreements[0].is_missing);
  EXPECT_EQ(report.providers.at(0).missing, 1u);
  // Reasoning that costs what output costs is priced, whoever names it.
  PriceSheet thinks = sheet_of("v", "m", 1);
  set(rates_of(thinks), Meter::kOutputReasoning, "10");
  EXPECT_THAT(compare({sheet_of("v", "m", 1), thinks}).disagreements, IsEmpty());
  set(rates_of(thinks), Meter::kOutputReasoning, "11");
  EXPECT_EQ(compare({sheet_of("v", "m", 1), thinks}).disagreements.size(), 1u);
}

TEST(PriceDisagreeTest, ComparesBandsAndWhereTheyStart) {
  PriceSheet banded = sheet_of("v", "m", 1);
  std::vector<PriceBand>& bands = banded.models[0].periods[0].cells[0].bands;
  bands.push_back({Tokens(272'000), bands[0].rates});
  EXPECT_EQ(compare({sheet_of("v", "m", 1), banded}).disagreements.at(0).what, "bands");
  PriceSheet earlier = banded;
  std::vector<PriceBand>& others = earlier.models[0].periods[0].cells[0].bands;
  others[1].input_over = Tokens(271'999);
  set(others[1].rates, Meter::kOutput, "12");
  const DisagreeReport report = compare({banded, earlier});
  ASSERT_EQ(report.disagreements.size(), 2u);
  EXPECT_EQ(report.disagreements[0].what, "band 1 starts above");
  EXPECT_THAT(report.disagreements[0].values, ElementsAre("272000", "271999"));
  EXPECT_EQ(report.disagreements[1].what, "input over 272000, output");
}

TEST(PriceDisagreeTest, ComparesTheRowInForce) {
  PriceSheet changes = sheet_of("v", "m", 1);
  PricePeriod next = plain_row(2, 10);
  next.from = next.known_from = kNow;
  changes.models[0].periods.push_back(next);
  EXPECT_THAT(compare({sheet_of("v", "m", 2), changes}).disagreements, IsEmpty());
  changes.models[0].periods[1].from += std::chrono::seconds(1);
  EXPECT_EQ(compare({sheet_of("v", "m", 2), changes}).disagreements.size(), 1u);
}

}  // namespace
}  // namespace fare
