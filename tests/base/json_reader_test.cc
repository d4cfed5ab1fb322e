#include "base/json_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "fare/time.h"

namespace fare {
namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();

using Read = std::function<void(const JsonNode&)>;

// Reads `text` as the file "f" and returns what was wrong, one line each: "code where: message".
std::string problems_of(std::string_view text, const Read& read) {
  Problems problems("f");
  const JsonDocument document(text, problems);
  if (document.ok()) read(document.root());
  EXPECT_EQ(document.ok() || !problems.empty(), true) << "refused without a reason: " << text;
  std::string lines;
  for (const Error& error : problems.take()) {
    lines += fmt::format("{} {}: {}\n", to_string(error.code), error.where, error.message);
  }
  return lines;
}

void ignore(const JsonNode&) {}

// Reads the one value that stands at "/v".
template <class T>
Read value_by(const JsonParser<T>& parse) {
  return [parse](const JsonNode& root) {
    ObjectReader reader(root);
    T value{};
    reader.required("v", value, parse);
    reader.finish();
  };
}

template <class T>
std::optional<T> value_of(std::string_view text, const JsonParser<T>& parse) {
  Problems problems("f");
  const JsonDocument document(text, problems);
  return parse(document.root());
}

TEST(JsonReaderTest, ReadsWhatFits) {
  EXPECT_EQ(value_of("\"a\"", json::text(1)), "a");
  EXPECT_EQ(value_of("\"\\u00e9\"", json::text(2)), "\xc3\xa9") << "the length is in bytes";
  EXPECT_EQ(value_of("true", json::boolean()), true);
  EXPECT_EQ(value_of("false", json::boolean()), false);
  EXPECT_EQ(value_of("-3", json::integer(-3, 3)), -3);
  EXPECT_EQ(value_of("3", json::integer(-3, 3)), 3);
  EXPECT_EQ(value_of("9223372036854775807", json::integer(kInt64Min, kInt64Max)), kInt64Max);
  EXPECT_EQ(value_of("-9223372036854775808", json::integer(kInt64Min, kInt64Max)), kInt64Min);
  EXPECT_EQ(value_of("0.5", json::number(0, 1)), 0.5);
  EXPECT_EQ(value_of("1", json::number(0, 1)), 1.0) << "a whole number is a number";
  EXPECT_EQ(value_of("0", json::number(0, 1)), 0.0);
  EXPECT_EQ(value_of("1e308", json::number(0, 1e308)), 1e308);
  EXPECT_EQ(value_of("\"b\"", json::one_of({"a", "b"})), 1u);
  EXPECT_EQ(value_of("\"1970-01-01T00:00:01Z\"", json::read_with(&parse_instant)),
            Instant(std::chrono::seconds(1)));
  EXPECT_EQ(value_of<std::vector<bool>>("[]", json::list(json::boolean(), 0, 2))->size(), 0u);
  EXPECT_EQ(value_of<std::vector<std::int64_t>>("[4, 5]", json::list(json::integer(0, 9), 2, 2)),
            (std::vector<std::int64_t>{4, 5}));
}

struct BadValue {
  const char* name;
  std::string json;
  Read read;
  std::string expected;  // After "code f#/v: must be ".
};

const Read kDigit = value_by(json::integer(0, 9));
const Read kShare = value_by(json::number(0, 1));
const Read kShort = value_by(json::text(3));
const Read kFlag = value_by(json::boolean());
const Read kColour = value_by(json::one_of({"red", "green"}));
const Read kPair = value_by<std::vector<std::int64_t>>(json::list(json::integer(0, 9), 1, 2));
constexpr std::string_view kDigitRule = "a whole number from 0 to 9, but is ";

std::vector<BadValue> bad_values() {
  const auto digit = [](std::string value) { return std::string(kDigitRule) + value; };
  const std::string share = "a number from 0 to 1, but is ";
  const std::string colour = "one of \"red\", \"green\", but is ";
  return {
      {"text for integer", "\"5\"", kDigit, "wrong_type " + digit("\"5\"")},
      {"null for integer", "null", kDigit, "wrong_type " + digit("null")},
      {"bool for integer", "true", kDigit, "wrong_type " + digit("true")},
      {"list for integer", "[1, 2]", kDigit, "wrong_type " + digit("a list of 2")},
      {"object for integer", "{\"a\": 1}", kDigit, "wrong_type " + digit("an object")},
      {"float for integer", "5.0", kDigit, "wrong_type " + digit("5.0")},
      {"exponent for integer", "1e2", kDigit, "wrong_type " + digit("100.0")},
      {"above", "10", kDigit, "out_of_range " + digit("10")},
      {"below", "-1", kDigit, "out_of_range " + digit("-1")},
      {"INT64_MAX", "9223372036854775807", kDigit, "out_of_range " + digit("9223372036854775807")},
      {"above INT64_MAX", "9223372036854775808", kDigit,
       "out_of_range " + digit("9223372036854775808")},
      {"UINT64_MAX, which wraps to -1", "18446744073709551615", value_by(json::integer(-5, 5)),
       "out_of_range a whole number from -5 to 5, but is 18446744073709551615"},
      {"2^64 + 1, which wraps to 1", "18446744073709551617", kDigit,
       "wrong_type " + digit("1.8446744073709552e+19")},
      {"below INT64_MIN", "-9223372036854775809", kDigit,
       "wrong_type " + digit("-9.223372036854776e+18")},
      {"text for number", "\"0.5\"", kShare, "wrong_type " + share + "\"0.5\""},
      {"number above", "1.0000001", kShare, "out_of_range " + share + "1.0000001"},
      {"number below", "-0.1", kShare, "out_of_range " + share + "-0.1"},
      {"number far above", "1e308", kShare, "out_of_range " + share + "1e+308"},
      {"number for text", "1", kShort, "wrong_type a text of 1 to 3 bytes, but is 1"},
      {"empty text", "\"\"", kShort, "out_of_range a text of 1 to 3 bytes, but is \"\""},
      {"long text", "\"abcd\"", kShort, "out_of_range a text of 1 to 3 bytes, but is \"abcd\""},
      {"number for bool", "1", kFlag, "wrong_type true or false, but is 1"},
      {"text for bool", "\"true\"", kFlag, "wrong_type true or false, but is \"true\""},
      {"unknown choice", "\"blue\"", kColour, "unknown_name " + colour + "\"blue\""},
      {"choice in capitals", "\"Red\"", kColour, "unknown_name " + colour + "\"Red\""},
      {"number for choice", "1", kColour, "wrong_type " + colour + "1"},
      {"object for list", "{\"a\": 1}", kPair, "wrong_type a list, but is an object"},
      {"list too short", "[]", kPair, "out_of_range a list of 1 to 2 items, but is a list of 0"},
      {"list too long", "[1, 2, 3]", kPair,
       "out_of_range a list of 1 to 2 items, but is a list of 3"},
  };
}

TEST(JsonReaderTest, SaysWhatAValueMustBeAndWhatItIs) {
  for (const BadValue& test : bad_values()) {
    const std::string code = test.expected.substr(0, test.expected.find(' '));
    const std::string rest = test.expected.substr(code.size() + 1);
    EXPECT_EQ(problems_of("{\"v\": " + test.json + "}", test.read),
              code + " f#/v: must be " + rest + "\n")
        << test.name;
  }
}

TEST(JsonReaderTest, QuotesTheStartOfALongText) {
  const std::string sixty_four(64, 'a');
  EXPECT_EQ(problems_of("{\"v\": \"" + sixty_four + "\"}", kDigit),
            "wrong_type f#/v: must be " + std::string(kDigitRule) + "\"" + sixty_four + "\"\n");
  EXPECT_EQ(problems_of("{\"v\": \"" + sixty_four + "b\"}", kDigit),
            "wrong_type f#/v: must be " + std::string(kDigitRule) + "\"" + sixty_four + "\"...\n");
  EXPECT_EQ(problems_of("{\"v\": \"a\\n\\\"b\\u0000\"}", kDigit),
            "wrong_type f#/v: must be " + std::string(kDigitRule) + "\"a\\n\\\"b\\u0000\"\n");
}

TEST(JsonReaderTest, HoldsANumberThatNoDoubleHoldsToItsPlace) {
  EXPECT_EQ(problems_of("{\"a\": [0, {\"b/c\": 1e400}]}", ignore),
            "out_of_range f#/a/1/b~1c: must be a number below 1e309, but is 1e400\n");
  EXPECT_EQ(problems_of("[0, -1e99999]", ignore),
            "out_of_range f#/1: must be a number below 1e309, but is -1e99999\n");
  EXPECT_EQ(problems_of("1e309", ignore),
            "out_of_range f: must be a number below 1e309, but is 1e309\n");
  EXPECT_EQ(problems_of("[1e-400]", ignore), "") << "that is zero to a double";
}

TEST(JsonReaderTest, PassesOnWhatAReaderSays) {
  const Read instant = value_by(json::read_with(&parse_instant));
  EXPECT_EQ(problems_of("{\"v\": \"today\"}", instant),
            "syntax f#/v: " + parse_instant("today").error()[0].message + "\n");
  EXPECT_EQ(problems_of("{\"v\": 5}", instant),
            "wrong_type f#/v: must be a text of 1 to 256 bytes, but is 5\n");
}

TEST(JsonReaderTest, AsksForEveryRequiredKey) {
  const Read read = [](const JsonNode& root) {
    ObjectReader reader(root);
    std::string value = "kept";
    EXPECT_FALSE(reader.required("a", value, json::text(9)));
    EXPECT_FALSE(reader.optional("b", value, json::text(9)));
    EXPECT_FALSE(reader.required("c", value, json::text(9)));
    EXPECT_EQ(value, "kept");
    reader.finish();
  };
  EXPECT_EQ(problems_of("{}", read),
            "missing_key f: needs the key \"a\"\nmissing_key f: needs the key \"c\"\n");
}

TEST(JsonReaderTest, NamesTheNearestKeyOfAnUnknownOne) {
  const Read read = [](const JsonNode& root) {
    ObjectReader reader(root);
    std::int64_t value = 0;
    reader.optional("context_tokens", value, json::integer(0, 9));
    reader.optional("output_tokens", value, json::integer(0, 9));
    reader.finish();
  };
  EXPECT_EQ(problems_of("{\"contxt_tokens\": 1}", read),
            "unknown_key f#/contxt_tokens: is not a known key; did you mean \"context_tokens\"?\n");
  EXPECT_EQ(problems_of("{\"colour\": 1}", read), "unknown_key f#/colour: is not a known key\n");
  EXPECT_EQ(problems_of("{\"\": 1}", read), "unknown_key f#/: is not a known key\n");
  EXPECT_EQ(problems_of("{\"context_tokens\": 1, \"output_tokens\": 2}", read), "");
}

TEST(JsonReaderTest, RefusesAnythingButAnObjectOnce) {
  for (const std::string text : {"[]", "null", "7", "\"x\"", "true"}) {
    const std::string shown = text == "[]" ? "a list of 0" : text;
    EXPECT_EQ(problems_of(text, kDigit), "wrong_type f: must be an object, but is " + shown + "\n");
  }
}

TEST(JsonReaderTest, EscapesPointers) {
  const Read read = [](const JsonNode& root) {
    ObjectReader reader(root);
    std::int64_t value = 0;
    reader.required("a/b~c", value, [](const JsonNode& node) {
      ObjectReader inner(node);
      inner.finish();
      return std::optional<std::int64_t>(0);
    });
    reader.finish();
  };
  EXPECT_EQ(problems_of("{\"a/b~c\": {\"~1\": 1, \"/\": 2, \"\xc3\xa9\": 3}}", read),
            "unknown_key f#/a~1b~0c/~1: is not a known key\n"
            "unknown_key f#/a~1b~0c/~01: is not a known key\n"
            "unknown_key f#/a~1b~0c/\xc3\xa9: is not a known key\n");
}

TEST(JsonReaderTest, FindsDuplicateKeysAtEveryDepth) {
  const auto twice = [](std::string_view where, std::string_view key) {
    return fmt::format("duplicate_key f#{}: key \"{}\" stands twice in one object\n", where, key);
  };
  const struct {
    const char* name;
    std::string text;
    std::string expected;
  } cases[] = {
      {"at the root", R"({"a": 1, "a": 1})", twice("/a", "a")},
      {"in an object", R"({"x": {"a": 1, "b": 2, "a": 3}})", twice("/x/a", "a")},
      {"in a list of objects", R"({"m": [{"a": 1}, {"b": {"a": 1, "a": 2}}]})",
       twice("/m/1/b/a", "a")},
      {"in a list of lists", R"([[0], [1, {"a": [], "a": []}]])", twice("/1/1/a", "a")},
      {"three times", R"({"a": 1, "a": 2, "a": 3})", twice("/a", "a") + twice("/a", "a")},
      {"behind a closed object", R"({"x": {"y": [1, 2]}, "z": [3], "x": 1})", twice("/x", "x")},
      {"escaped differently", R"({"a": 1, "\u0061": 2})", twice("/a", "a")},
      {"with a slash", R"({"a/b": 1, "a/b": 2})", twice("/a~1b", "a/b")},
      {"inside the repeated one", R"({"a": {"b": 1}, "a": {"c": 1, "c": 1}})",
       twice("/a", "a") + twice("/a/c", "c")},
      {"in two places", R"([{"a": 1, "a": 1}, {"b": 1, "b": 1}])",
       twice("/0/a", "a") + twice("/1/b", "b")},
      {"equal keys of different objects", R"([{"a": 1}, {"a": {"a": 1}}])", ""},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(problems_of(test.text, ignore), test.expected) << test.name;
  }
}

TEST(JsonReaderTest, GivesLineAndColumnOfBrokenText) {
  const struct {
    const char* name;
    std::string_view text;
    const char* place;
    const char* reason;
  } cases[] = {
      {"nothing", "", "line 1, column 1", "unexpected end of input"},
      {"only blanks", " \n ", "line 2, column 2", "unexpected end of input"},
      {"end too early", "{\"a\":", "line 1, column 6", "unexpected end of input"},
      {"not a word", "{\n \"a\": tru}", "line 2, column 10", "invalid literal"},
      {"comma too many", "[1,\n2,\n]", "line 3, column 1", "unexpected ']'"},
      {"no comma", "[1\n 2]", "line 2, column 2", "unexpected number literal"},
      {"two values", "{}\n{}", "line 2, column 1", "expected end of input"},
      {"comment", "{} // no", "line 1, column 4", "invalid literal"},
      {"key without quotes", "{a: 1}", "line 1, column 2", "expected string literal"},
      {"leading zero", "[01]", "line 1, column 3", "unexpected number literal"},
      {"not a number", "[NaN]", "line 1, column 2", "invalid literal"},
      {"infinity", "[Infinity]", "line 1, column 2", "invalid literal"},
      {"line end in a text", "[\"a\nb\"]", "line 2, column 0", "control character"},
      {"zero byte", std::string_view("[\"\0\"]", 5), "line 1, column 3", "control character"},
      {"lone surrogate", "[\"\\ud800\"]", "line 1, column 9", "surrogate"},
      {"not UTF-8", "[\"\xff\"]", "line 1, column 3", "ill-formed UTF-8"},
      {"overlong UTF-8", "[\"\xc0\xaf\"]", "line 1, column 3", "ill-formed UTF-8"},
      {"cut UTF-8", "[\"\xc3\"]", "line 1, column 4", "ill-formed UTF-8"},
      {"UTF-8 of a surrogate", "[\"\xed\xa0\x80\"]", "line 1, column 4", "ill-formed UTF-8"},
  };
  for (const auto& test : cases) {
    const std::string found = problems_of(test.text, ignore);
    EXPECT_TRUE(found.starts_with("syntax f: is not valid JSON: parse error at ")) << found;
    EXPECT_NE(found.find(std::string("at ") + test.place + ":"), std::string::npos)
        << test.name << ": " << found;
    EXPECT_NE(found.find(test.reason), std::string::npos) << test.name << ": " << found;
    EXPECT_EQ(std::count(found.begin(), found.end(), '\n'), 1) << test.name;
  }
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

TEST(JsonReaderTest, WritesMessagesInUtf8WhateverTheyQuote) {
  // Broken bytes; a long broken token; a letter that the end of an excerpt cuts in two.
  const std::string long_text = std::string(63, 'a') + "\xc3\xa9 and more";
  const std::string found[] = {
      problems_of("[\"\xff\"]", ignore),
      problems_of("[\"" + std::string(100'000, 'a') + "\xff\"]", ignore),
      problems_of("{\"v\": \"" + long_text + "\"}", kDigit),
      problems_of("{\"v\": \"" + long_text + "\"}", value_by(json::read_with(&parse_instant))),
  };
  for (const std::string& text : found) {
    EXPECT_FALSE(text.empty());
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_LT(text.size(), 400u);
  }
}

TEST(JsonReaderTest, NestsSixtyFourLevelsAndNoMore) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(problems_of(nested(64), ignore), "");
  std::string where;
  for (int i = 0; i < 63; ++i) where += "/0";
  EXPECT_EQ(problems_of(nested(65), ignore),
            "out_of_range f#" + where + ": is nested deeper than 64 levels\n");
  EXPECT_EQ(problems_of(std::string(1'000'000, '['), ignore),
            "out_of_range f#" + where + ": is nested deeper than 64 levels\n");
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  EXPECT_EQ(problems_of(objects, ignore).substr(0, 18), "out_of_range f#/a/");
}

TEST(JsonReaderTest, GivesAnEmptyObjectForABrokenText) {
  for (const std::string_view text : {"{\"a\": 1,", "{\"a\": 1, \"a\": 1}", "[1e400]", ""}) {
    Problems problems("f");
    const JsonDocument document(text, problems);
    EXPECT_FALSE(document.ok()) << text;
    EXPECT_TRUE(document.root().is_object()) << text;
    EXPECT_EQ(document.root().size(), 0u) << text;
  }
}

struct Item {
  std::string name;
  std::int64_t size = 0;
};

std::optional<Item> read_item(const JsonNode& node) {
  Item item;
  ObjectReader reader(node);
  reader.required("name", item.name, json::text(9));
  reader.required("size", item.size, json::integer(1, 9));
  reader.finish();
  return reader.ok() ? std::optional<Item>(item) : std::nullopt;
}

TEST(JsonReaderTest, FindsAllProblemsInOneGoAndInOrder) {
  const Read read = [](const JsonNode& root) {
    ObjectReader reader(root);
    std::size_t only = 0;
    std::vector<Item> items;
    double share = 0;
    reader.required("format", only, json::one_of({"x/1"}));
    EXPECT_FALSE(reader.required("items", items, json::list(read_item, 1, 9)));
    reader.required("share", share, json::number(0, 1));
    reader.finish();
  };
  const std::string text = R"({
    "format": "x/2",
    "items": [{"name": "a", "size": 1}, {"name": 7, "size": 10, "nam": 1}, 5, {}],
    "sharee": 0.5})";
  EXPECT_EQ(problems_of(text, read),
            "unknown_name f#/format: must be one of \"x/1\", but is \"x/2\"\n"
            "wrong_type f#/items/1/name: must be a text of 1 to 9 bytes, but is 7\n"
            "out_of_range f#/items/1/size: must be a whole number from 1 to 9, but is 10\n"
            "unknown_key f#/items/1/nam: is not a known key; did you mean \"name\"?\n"
            "wrong_type f#/items/2: must be an object, but is 5\n"
            "missing_key f#/items/3: needs the key \"name\"\n"
            "missing_key f#/items/3: needs the key \"size\"\n"
            "missing_key f: needs the key \"share\"\n"
            "unknown_key f#/sharee: is not a known key; did you mean \"share\"?\n");
}

TEST(JsonReaderTest, CountsWhatGoesBeyondAHundredProblems) {
  const auto list_of = [](std::size_t count) {
    std::string text = "{\"v\": [";
    for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "true" : ", true";
    return text + "]}";
  };
  const Read read = value_by<std::vector<std::int64_t>>(json::list(json::integer(0, 9), 0, 9'999));
  const auto lines_of = [&](std::size_t count) {
    const std::string lines = problems_of(list_of(count), read);
    return std::count(lines.begin(), lines.end(), '\n');
  };
  EXPECT_EQ(lines_of(99), 99);
  EXPECT_EQ(lines_of(100), 100);
  EXPECT_EQ(lines_of(101), 101);
  EXPECT_EQ(lines_of(5'000), 101);
  const std::string lines = problems_of(list_of(5'000), read);
  EXPECT_NE(lines.find(" f#/v/99: "), std::string::npos);
  EXPECT_EQ(lines.find(" f#/v/100: "), std::string::npos);
  EXPECT_TRUE(lines.ends_with("\nconflict f: 4900 more problems\n"))
      << lines.substr(lines.size() - 90);
}

TEST(ProblemsTest, TakesOverErrorsWithTheirOwnPlacesAndStartsAnew) {
  Problems problems("f");
  EXPECT_TRUE(problems.empty());
  problems.add(ErrorCode::kConflict, "", "first");
  problems.add_all({{ErrorCode::kIo, "g#/x", "second"}});
  problems.add(ErrorCode::kConflict, "/y", "third");
  EXPECT_EQ(to_text(problems.take()), "f: first\ng#/x: second\nf#/y: third\n");
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(problems.take().empty());
  problems.add_all(Errors(150, {ErrorCode::kIo, "g", "again"}));
  const Errors errors = problems.take();
  ASSERT_EQ(errors.size(), 101u);
  EXPECT_EQ(errors.back().message, "50 more problems");
  problems.add(ErrorCode::kIo, "", "afterwards");
  EXPECT_EQ(problems.take().size(), 1u) << "the count starts anew";
}

nlohmann::json random_tree(std::mt19937_64& rng, int depth) {
  using Json = nlohmann::json;
  constexpr std::string_view kKeys[] = {"", "a", "b/c", "~", "\xc3\xa9", "\"\\", "long key"};
  const std::uint64_t kind = rng() % (depth == 0 ? 6 : 8);
  if (kind == 0) return nullptr;
  if (kind == 1) return rng() % 2 == 0;
  if (kind == 2) return rng();
  if (kind == 3) return static_cast<std::int64_t>(rng());
  if (kind == 4) return std::ldexp(static_cast<double>(rng()), static_cast<int>(rng() % 200) - 100);
  if (kind == 5) return std::string(kKeys[rng() % std::size(kKeys)]);
  Json tree = kind == 6 ? Json::array() : Json::object();
  const std::uint64_t size = rng() % 5;
  for (std::uint64_t i = 0; i < size; ++i) {
    Json child = random_tree(rng, depth - 1);
    if (kind == 6) {
      tree.push_back(std::move(child));
    } else {
      tree[std::string(kKeys[rng() % std::size(kKeys)])] = std::move(child);
    }
  }
  return tree;
}

// The pointer of every node is the one that the library itself would follow.
void check_pointers(const JsonNode& node, const nlohmann::json& whole) {
  using Pointer = nlohmann::json::json_pointer;
  ASSERT_EQ(whole.at(Pointer(node.pointer())), node.value()) << node.pointer();
  for (std::size_t i = 0; node.is_array() && i < node.size(); ++i) {
    check_pointers(node.item(i), whole);
  }
  for (const std::string& key : node.keys()) check_pointers(node.member(key), whole);
}

// Goal: a text without duplicates reads as the tree it is, however it is spaced.
// Method: random trees, written by the library and read back; all pointers are followed.
TEST(JsonReaderTest, BuildsTheTreeThatWasWritten) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 rng(seed);
    const nlohmann::json tree = random_tree(rng, 6);
    Problems problems("f");
    const JsonDocument document(tree.dump(seed % 2 == 0 ? -1 : 2), problems);
    ASSERT_TRUE(document.ok()) << to_text(problems.take());
    ASSERT_EQ(document.root().value(), tree);
    ASSERT_EQ(document.root().dump(), tree.dump());
    check_pointers(document.root(), tree);
  }
}

}  // namespace
}  // namespace fare
