#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fare/price_book.h"

namespace fare {
namespace {

using Json = nlohmann::json;

// A file that is right, with one of everything that a file may hold.
constexpr std::string_view kGood = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"page": {"title": "Pricing page", "where": "example.com", "observed": "2026-01-02"}},
  "models": [
    {"id": "big", "aliases": ["big-1", "big-latest"],
     "context_tokens": 200000, "max_output_tokens": 64000,
     "prices": [
       {"from": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z",
        "source": "page", "observed": "2026-01-02", "note": "Launch.",
        "usd_per_mtok": {"input": "2.5", "cache_read": "0.25", "cache_write_5m": "3.125",
                         "cache_write_1h": "5", "output": "15"}},
       {"from": "2026-04-01T00:00:00Z", "source": "page", "observed": "2026-01-02",
        "usd_per_mtok": {"input": "2", "output": "10"}, "usd_per_unit": {"request": "0.01"},
        "bands": [{"input_over": 1000, "usd_per_mtok": {"input": "4", "output": "20"}},
                  {"input_at_least": 5000, "usd_per_mtok": {"input": "8", "output": "40"}}]}]},
    {"id": "small",
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "page", "observed": "2026-01-02",
                 "usd_per_unit": {"request": "0.5"}}]}
  ]})";

Expected<PriceBook> parse(const std::string& text) {
  const PriceBook::Source source{"v.json", text};
  return PriceBook::parse({&source, 1});
}

std::string lines_of(const Errors& errors) {
  std::string lines;
  for (const Error& error : errors) {
    lines += fmt::format("{} {}: {}\n", to_string(error.code), error.where, error.message);
  }
  return lines;
}

std::string problems_of(const std::string& text) {
  const Expected<PriceBook> book = parse(text);
  return book ? "" : lines_of(book.error());
}

// One rule broken: the value at `path` set to `value`, or removed where `value` is empty.
struct Edit {
  const char* name;
  std::string path;
  std::string value;
  std::vector<std::string> expected;  // Each line's "code where: start of the message".
};

std::string edited(const Edit& edit) {
  Json file = Json::parse(kGood);
  const Json::json_pointer path(edit.path);
  if (edit.value.empty()) {
    Json patch = Json::array({{{"op", "remove"}, {"path", edit.path}}});
    return file.patch(patch).dump();
  }
  file[path] = Json::parse(edit.value);
  return file.dump();
}

void expect_edits(const std::vector<Edit>& edits) {
  for (const Edit& edit : edits) {
    SCOPED_TRACE(edit.name);
    const Expected<PriceBook> book = parse(edited(edit));
    ASSERT_FALSE(book);
    ASSERT_EQ(book.error().size(), edit.expected.size()) << lines_of(book.error());
    for (std::size_t i = 0; i < edit.expected.size(); ++i) {
      const std::string line = lines_of({book.error()[i]});
      const std::size_t space = edit.expected[i].find(' ');
      const std::string start = edit.expected[i].substr(0, space) + " v.json" +
                                (edit.expected[i][space + 1] == ':' ? "" : "#") +
                                edit.expected[i].substr(space + 1);
      EXPECT_EQ(line.substr(0, start.size()), start);
    }
  }
}

TEST(PriceFileTest, ReadsAGoodFile) {
  EXPECT_EQ(problems_of(std::string(kGood)), "");
  EXPECT_EQ(parse(std::string(kGood))->size(), 2u);
}

TEST(PriceFileTest, ChecksTheFile) {
  const std::string source = "/sources/page";
  expect_edits({
      {"no format", "/format", "", {"missing_key : needs the key \"format\""}},
      {"another format",
       "/format",
       "\"fare-prices/2\"",
       {"unknown_name /format: must be one of \"fare-prices/1\", but is \"fare-prices/2\""}},
      {"no vendor", "/vendor", "", {"missing_key : needs the key \"vendor\""}},
      {"empty vendor", "/vendor", "\"\"", {"out_of_range /vendor: must be a text of 1 to 128"}},
      {"no currency", "/currency", "", {"missing_key : needs the key \"currency\""}},
      {"another currency",
       "/currency",
       "\"EUR\"",
       {"unknown_name /currency: must be one of \"USD\", but is \"EUR\""}},
      {"no models", "/models", "", {"missing_key : needs the key \"models\""}},
      {"empty models", "/models", "[]", {"out_of_range /models: must be a list of 1 to 10000"}},
      {"models no list",
       "/models",
       "{\"a\": {}}",
       {"wrong_type /models: must be a list, but is an object"}},
      {"model no object", "/models/1", "7", {"wrong_type /models/1: must be an object, but is 7"}},
      {"unknown key",
       "/curency",
       "1",
       {"unknown_key /curency: is not a known key; did you mean \"currency\"?"}},
      {"source without title",
       source + "/title",
       "",
       {"missing_key /sources/page: needs the key \"title\""}},
      {"source without place",
       source + "/where",
       "",
       {"missing_key /sources/page: needs the key \"where\""}},
      {"source without day",
       source + "/observed",
       "",
       {"missing_key /sources/page: needs the key \"observed\""}},
      {"source of an instant",
       source + "/observed",
       "\"2026-01-02T00:00:00Z\"",
       {"syntax /sources/page/observed: must be a date such as \"2026-11-23\", but is "}},
      {"source of no day",
       source + "/observed",
       "\"2026-02-30\"",
       {"syntax /sources/page/observed: must be a date such as \"2026-11-23\", but is "}},
      {"unknown key of a source",
       source + "/url",
       "1",
       {"unknown_key /sources/page/url: is not a known key"}},
      {"source no object", source, "\"x\"", {"wrong_type /sources/page: must be an object"}},
  });
}

TEST(PriceFileTest, ChecksThatSourcesAreThere) {
  const auto with = [](std::string first) {
    std::vector<std::string> all = {std::move(first)};
    for (const char* row : {"0/prices/0", "0/prices/1", "1/prices/0"}) {
      all.push_back(fmt::format("unknown_name /models/{}/source: must be a key of", row));
    }
    return all;
  };
  expect_edits({
      {"none", "/sources", "", with("missing_key : needs the key \"sources\"")},
      {"a list", "/sources", "[]", with("wrong_type /sources: must be an object, but is a list")},
      {"a text", "/sources", "\"page\"", with("wrong_type /sources: must be an object, but is \"")},
      {"no key of them",
       "/models/1/prices/0/source",
       "\"pages\"",
       {"unknown_name /models/1/prices/0/source: must be a key of \"sources\", but is \"pages\""}},
  });
}

TEST(PriceFileTest, ChecksAModel) {
  const std::string model = "/models/0";
  expect_edits({
      {"no id", model + "/id", "", {"missing_key /models/0: needs the key \"id\""}},
      {"id no text", model + "/id", "5", {"wrong_type /models/0/id: must be a text of 1 to 128"}},
      {"empty aliases",
       model + "/aliases",
       "[]",
       {"out_of_range /models/0/aliases: must be a list of 1 to 100 items, but is a list of 0"}},
      {"alias no text",
       model + "/aliases/1",
       "null",
       {"wrong_type /models/0/aliases/1: must be an object, but is null"}},
      {"empty alias",
       model + "/aliases/1",
       "\"\"",
       {"out_of_range /models/0/aliases/1: must be a text of 1 to 128 bytes"}},
      {"alias that never means it",
       model + "/aliases/1",
       R"({"id": "x", "from": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"})",
       {"conflict /models/0/aliases/1: \"until\" must be after \"from\""}},
      {"context 0",
       model + "/context_tokens",
       "0",
       {"out_of_range /models/0/context_tokens: must be a whole number from 1 to 1000000000000"}},
      {"context too large",
       model + "/context_tokens",
       "1000000000001",
       {"out_of_range /models/0/context_tokens: must be a whole number from 1 to 1000000000000"}},
      {"output no integer",
       model + "/max_output_tokens",
       "1.5",
       {"wrong_type /models/0/max_output_tokens: must be a whole number from 1 to 1000000000000"}},
      {"no prices", model + "/prices", "", {"missing_key /models/0: needs the key \"prices\""}},
      {"empty prices",
       model + "/prices",
       "[]",
       {"out_of_range /models/0/prices: must be a list of 1 to 1000 items, but is a list of 0"}},
      {"unknown key",
       model + "/context_token",
       "1",
       {"unknown_key /models/0/context_token: is not a known key; did you mean "
        "\"context_tokens\""}},
  });
}

TEST(PriceFileTest, ChecksThatANameStandsOnceForAProvider) {
  const std::string message = "\" already names v.json#/models/";
  expect_edits({
      {"two ids", "/models/1/id", "\"big\"", {"duplicate_key /models/1: \"big" + message + "0"}},
      {"id is an alias",
       "/models/1/id",
       "\"big-1\"",
       {"duplicate_key /models/1: \"big-1" + message + "0"}},
      {"alias is an id",
       "/models/1/aliases",
       "[\"big\"]",
       {"duplicate_key /models/1: \"big" + message + "0"}},
      {"alias of both",
       "/models/1/aliases",
       "[\"x\", \"big-latest\"]",
       {"duplicate_key /models/1: \"big-latest" + message + "0"}},
      {"alias twice",
       "/models/0/aliases/1",
       "\"big-1\"",
       {"duplicate_key /models/0: \"big-1" + message + "0"}},
      {"alias of itself",
       "/models/1/aliases",
       "[\"small\"]",
       {"duplicate_key /models/1: \"small" + message + "1"}},
  });
}

TEST(PriceFileTest, ChecksARow) {
  const std::string row = "/models/0/prices/1";
  const std::string only = "/models/1/prices/0";
  expect_edits({
      {"no from", row + "/from", "", {"missing_key /models/0/prices/1: needs the key \"from\""}},
      {"from a date",
       row + "/from",
       "\"2026-04-01\"",
       {"syntax /models/0/prices/1/from: must be an instant from 1970 to 2200 such as"}},
      {"until a date",
       row + "/until",
       "\"2026-04-01\"",
       {"syntax /models/0/prices/1/until: must be an instant from 1970 to 2200 such as"}},
      {"until at from",
       row + "/until",
       "\"2026-04-01T00:00:00Z\"",
       {"conflict /models/0/prices/1: \"until\" must be after \"from\""}},
      {"until before from",
       row + "/until",
       "\"2026-03-31T23:59:59.999999999Z\"",
       {"conflict /models/0/prices/1: \"until\" must be after \"from\""}},
      {"no source",
       row + "/source",
       "",
       {"missing_key /models/0/prices/1: needs the key \"source\""}},
      {"no day",
       row + "/observed",
       "",
       {"missing_key /models/0/prices/1: needs the key \"observed\""}},
      {"observed no day",
       row + "/observed",
       "\"today\"",
       {"syntax /models/0/prices/1/observed: must be a date such as"}},
      {"note no text", row + "/note", "1", {"wrong_type /models/0/prices/1/note: must be a text"}},
      {"no price at all",
       only + "/usd_per_unit",
       "",
       {"missing_key /models/1/prices/0: needs \"usd_per_mtok\" or \"usd_per_unit\""}},
      {"an empty price",
       only + "/usd_per_unit",
       "{}",
       {"missing_key /models/1/prices/0/usd_per_unit: needs at least one price"}},
      {"fee a number",
       only + "/usd_per_unit/request",
       "0.5",
       {"wrong_type /models/1/prices/0/usd_per_unit/request: must be a text of 1 to 256 bytes"}},
      {"fee of 13 decimals",
       only + "/usd_per_unit/request",
       "\"0.0000000000001\"",
       {"out_of_range /models/1/prices/0/usd_per_unit/request: must be a decimal number of "
        "dollars, "}},
      {"unknown key",
       row + "/usd_per_mtoks",
       "{}",
       {"unknown_key /models/0/prices/1/usd_per_mtoks: is not a known key; did you mean "
        "\"usd_per_mtok\"?"}},
      {"row no object", only, "[]", {"wrong_type /models/1/prices/0: must be an object"}},
  });
}

TEST(PriceFileTest, ChecksThatRowsFollowEachOther) {
  const std::string from = "/models/0/prices/1/from";
  expect_edits({
      {"same from",
       from,
       "\"2026-01-01T00:00:00Z\"",
       {"conflict /models/0/prices: prices 0 and 1 start at the same instant"}},
      {"earlier",
       from,
       "\"2025-12-31T00:00:00Z\"",
       {"conflict /models/0/prices: price 1 must not start before the one before it"}},
      {"overlap of a nanosecond",
       from,
       "\"2026-02-28T23:59:59.999999999Z\"",
       {"conflict /models/0/prices: price 1 overlaps price 0"}},
  });
  const Edit adjacent = {"adjacent", from, "\"2026-03-01T00:00:00Z\"", {}};
  EXPECT_EQ(problems_of(edited(adjacent)), "");
}

TEST(PriceFileTest, ChecksRates) {
  const std::string rates = "/models/0/prices/0/usd_per_mtok";
  const auto bad = [&rates](const char* name, std::string value, std::string code) {
    return Edit{name,
                rates + "/input",
                std::move(value),
                {code + " " + rates + "/input: must be a decimal number of dollars per million"}};
  };
  expect_edits({
      bad("seven decimals", "\"0.0000001\"", "out_of_range"),
      bad("negative", "\"-1\"", "out_of_range"),
      bad("above a million", "\"1000001\"", "out_of_range"),
      bad("exponent", "\"1e3\"", "syntax"),
      bad("dollar sign", "\"$1\"", "syntax"),
      {"a number",
       rates + "/input",
       "2.5",
       {"wrong_type " + rates + "/input: must be a text of 1 to 256 bytes, but is 2.5"}},
      {"null",
       rates + "/input",
       "null",
       {"wrong_type " + rates + "/input: must be a text of 1 to 256 bytes, but is null"}},
      {"empty", rates, "{}", {"missing_key " + rates + ": needs at least one price"}},
      {"no object", rates, "\"3\"", {"wrong_type " + rates + ": must be an object, but is \"3\""}},
      {"unknown meter",
       rates + "/outputs",
       "\"1\"",
       {"unknown_key " + rates + "/outputs: is not a known key; did you mean \"output\"?"}},
      {"the fee is no rate",
       rates + "/request",
       "\"1\"",
       {"unknown_key " + rates + "/request: is not a known key"}},
      {"the only one unreadable",
       rates,
       "{\"input\": \"free\"}",
       {"syntax " + rates + "/input: must be a decimal number of dollars per million tokens"}},
  });
}

TEST(PriceFileTest, ChecksBands) {
  const std::string row = "/models/0/prices/1";
  const std::string first = row + "/bands/0";
  const std::string one_of = ": needs exactly one of \"input_over\" and \"input_at_least\"";
  expect_edits({
      {"empty",
       row + "/bands",
       "[]",
       {"out_of_range " + row + "/bands: must be a list of 1 to 16"}},
      {"no object", first, "1", {"wrong_type " + first + ": must be an object"}},
      {"no threshold", first + "/input_over", "", {"conflict " + first + one_of}},
      {"two thresholds", first + "/input_at_least", "1001", {"conflict " + first + one_of}},
      {"threshold 0",
       first + "/input_over",
       "0",
       {"out_of_range " + first + "/input_over: must be a whole number from 1 to 1000000000000"}},
      {"threshold a text",
       first + "/input_over",
       "\"1000\"",
       {"wrong_type " + first + "/input_over: must be a whole number from 1 to 1000000000000"}},
      {"no rates",
       first + "/usd_per_mtok",
       "",
       {"missing_key " + first + ": needs the key \"usd_per_mtok\""}},
      {"unknown key", first + "/input_above", "7", {"unknown_key " + first + "/input_above: is"}},
      {"a meter less than the base",
       first + "/usd_per_mtok/output",
       "",
       {"conflict " + row + ": band 0 must price the same meters as the base"}},
      {"a meter more than the base",
       first + "/usd_per_mtok/cache_read",
       "\"1\"",
       {"conflict " + row + ": band 0 must price the same meters as the base"}},
      {"other meters in the second",
       row + "/bands/1/usd_per_mtok/cache_read",
       "\"1\"",
       {"conflict " + row + ": band 1 must price the same meters as the base"}},
      {"only a fee at the base",
       row + "/usd_per_mtok",
       "",
       {"conflict " + row + ": band 0 must price the same meters as the base",
        "conflict " + row + ": band 1 must price the same meters as the base"}},
      {"not ascending",
       first + "/input_over",
       "6000",
       {"conflict " + row + ": band 1 must start above the one before it"}},
      {"at least 5000 is over 4999",
       first + "/input_over",
       "4999",
       {"conflict " + row + ": band 1 must start above the one before it"}},
  });
}

// What could not be read is said once, and nothing else is said because of it.
TEST(PriceFileTest, SaysNothingFalseAboutWhatItCouldNotRead) {
  const std::string row = "/models/0/prices/1";
  expect_edits({
      {"a rate, and the bands have it",
       row + "/usd_per_mtok/input",
       "\"?\"",
       {"syntax " + row + "/usd_per_mtok/input: must be a decimal number"}},
      {"a rate of a band",
       row + "/bands/0/usd_per_mtok/input",
       "\"?\"",
       {"syntax " + row + "/bands/0/usd_per_mtok/input: must be a decimal number"}},
      {"all rates of the base",
       row + "/usd_per_mtok",
       "\"?\"",
       {"wrong_type " + row + "/usd_per_mtok: must be an object, but is"}},
      {"an id, and another",
       "/models/1",
       R"({"id": 1, "prices": 2})",
       {"wrong_type /models/1/id: ", "wrong_type /models/1/prices: must be a list"}},
  });
  Json two = Json::parse(kGood);
  two["models"][0]["id"] = 1;
  two["models"][1]["id"] = 1;
  EXPECT_EQ(problems_of(two.dump()).find("already names"), std::string::npos);
}

TEST(PriceFileTest, FindsEverythingWrongWithAllFilesInOneGo) {
  const std::string broken = "{\n \"format\": }";
  const std::string wrong = edited({"", "/models/0/prices/0/until", "\"never\"", {}});
  const std::string twice = R"({"format": "fare-prices/1", "format": "fare-prices/1"})";
  const PriceBook::Source sources[] = {
      {"a.json", broken}, {"b.json", wrong}, {"c.json", kGood}, {"d.json", twice}};
  const Expected<PriceBook> book = PriceBook::parse(sources);
  ASSERT_FALSE(book);
  const Errors& errors = book.error();
  ASSERT_EQ(errors.size(), 7u) << lines_of(errors);
  EXPECT_EQ(errors[0].where, "a.json");
  EXPECT_NE(errors[0].message.find("line 2, column 12"), std::string::npos) << errors[0].message;
  EXPECT_EQ(errors[1].where, "b.json#/models/0/prices/0/until");
  EXPECT_EQ(errors[2].where, "c.json#/models/0");
  EXPECT_EQ(errors[2].message, "\"big-1\" already names b.json#/models/0");
  EXPECT_EQ(errors[3].message, "\"big-latest\" already names b.json#/models/0");
  EXPECT_EQ(errors[4].message, "\"big\" already names b.json#/models/0");
  EXPECT_EQ(errors[5].message, "\"small\" already names b.json#/models/1");
  EXPECT_EQ(errors[6].where, "d.json#/format");
}

TEST(PriceFileTest, TakesTheSameNamesFromAnotherProviderAndSplitProviders) {
  const std::string other = edited({"", "/vendor", "\"w\"", {}});
  const PriceBook::Source apart[] = {{"v.json", kGood}, {"w.json", other}};
  ASSERT_TRUE(PriceBook::parse(apart));
  Json first = Json::parse(kGood);
  Json second = first;
  first["models"].erase(1);
  second["models"].erase(0);
  const std::string texts[] = {first.dump(), second.dump()};
  const PriceBook::Source split[] = {{"1.json", texts[0]}, {"2.json", texts[1]}};
  EXPECT_EQ(PriceBook::parse(split)->hash(), parse(std::string(kGood))->hash());
}

TEST(PriceFileTest, MakesAnEmptyBookOfNoFiles) {
  const Expected<PriceBook> book = PriceBook::parse({});
  ASSERT_TRUE(book);
  EXPECT_TRUE(book->size() == 0);
  EXPECT_EQ(book->find("", "big", Instant()).status, LookUp::kUnknown);
  EXPECT_EQ(book->nearest_model("big"), "");
}

// Goal: no single removal or replacement of a value makes the reader accept what it should not, and
// every refusal points into the file.  Method: each node of the good file in turn becomes each of
// some values; whatever is accepted still has every key that is required.
TEST(PriceFileTest, EveryRefusalPointsIntoTheFile) {
  const Json good = Json::parse(kGood);
  const Json flat = good.flatten();
  const Json values[] = {nullptr, true, 0, -1, 1.5, "", "x", "1e3", Json::array(), Json::object()};
  int refused = 0;
  for (auto node = flat.begin(); node != flat.end(); ++node) {
    for (const Json& value : values) {
      Json file = good;
      file[Json::json_pointer(node.key())] = value;
      const Expected<PriceBook> book = parse(file.dump());
      if (book) continue;
      ++refused;
      for (const Error& error : book.error()) {
        ASSERT_TRUE(error.where.starts_with("v.json")) << error.where;
        ASSERT_FALSE(error.message.empty());
        const std::size_t sharp = error.where.find('#');
        if (sharp == std::string::npos) continue;
        ASSERT_TRUE(file.contains(Json::json_pointer(error.where.substr(sharp + 1))))
            << error.where;
      }
    }
  }
  // Texts that may be anything: the name of a file's vendor, source and note, ids and aliases.
  EXPECT_GE(refused, static_cast<int>(flat.size()) * 7);
}

}  // namespace
}  // namespace fare
