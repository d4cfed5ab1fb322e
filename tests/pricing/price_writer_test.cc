// Goal: a book that is written and read again is the same book, whatever it holds.
// Method: random sheets that use everything a file can say, and the shipped tables.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "fare/price_sheet.h"
#include "pricing/random_sheet.h"
#include "pricing/upkeep_fixture.h"

namespace fare {
namespace {

using testing::HasSubstr;

PriceBook written_and_read(const PriceBook& book) {
  std::vector<std::string> texts;
  for (const PriceSheet& sheet : sheets_of(book)) texts.push_back(price_file_text(sheet));
  for (const PriceCalendar& from : calendars_of(book)) texts.push_back(calendar_file_text(from));
  return read_book(texts);
}

TEST(PriceWriterTest, ABookReadAgainHasTheSameHash) {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomSheets random(seed);
    const PriceBook book =
        read_book({price_file_text(random.sheet("b")), price_file_text(random.sheet("a")),
                   calendar_file_text(random.calendar())});
    ASSERT_EQ(written_and_read(book).hash(), book.hash());
  }
}

// What has no meaning for a price is kept too: notes, sources, days of observation.
TEST(PriceWriterTest, WritingTwiceGivesTheSameText) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomSheets random(seed);
    const std::string calendar = calendar_file_text(random.calendar());
    const std::string text = price_file_text(random.sheet("a"));
    const PriceBook once = read_book({text, calendar});
    const std::string again = price_file_text(sheets_of(once).at(0));
    const PriceBook twice = read_book({again, calendar});
    ASSERT_EQ(price_file_text(sheets_of(twice).at(0)), again);
    ASSERT_EQ(again.size(), text.size());  // Sorted, but nothing lost.
  }
}

TEST(PriceWriterTest, TheShippedTablesSurvive) {
  const PriceBook book = shipped_book();
  EXPECT_GT(book.size(), 50u);
  EXPECT_EQ(written_and_read(book).hash(), book.hash());
}

// Two files of a vendor may share a source, but not give one key two meanings.
TEST(PriceWriterTest, ASourceMeansOneThing) {
  const PriceSheet one = plain_sheet("v", "m", 1, 2);
  PriceSheet two = plain_sheet("v", "n", 1, 2);
  EXPECT_EQ(sheets_of(book_of({one, two})).at(0).sources.size(), 1u);
  two.sources["s"].title = "Another page";
  EXPECT_THROW((void)book_of({one, two}), std::runtime_error);
}

TEST(PriceWriterTest, KeepsTheLayoutOfTheHouse) {
  PriceSheet sheet = plain_sheet("v", "m", 1, 2);
  PricePeriod& row = sheet.models[0].periods[0];
  row.cells[0].bands.push_back(
      {.input_over = Tokens(199'999), .rates = row.cells[0].bands[0].rates});
  row.note = std::string(60, 'x');
  const std::string text = price_file_text(sheet);
  EXPECT_THAT(text, HasSubstr("  \"format\": \"fare-prices/1\",\n  \"vendor\": \"v\",\n"));
  EXPECT_THAT(text, HasSubstr("\"from\": \"2026-01-01T00:00:00Z\", \"source\": \"s\", "
                              "\"observed\": \"2026-01-01\",\n"));
  EXPECT_THAT(text, HasSubstr("\"usd_per_mtok\": {\"input\": \"1\", \"output\": \"2\"},\n"));
  EXPECT_THAT(text, HasSubstr("{\"input_at_least\": 200000,"));
  EXPECT_EQ(text.back(), '\n');
}

}  // namespace
}  // namespace fare
