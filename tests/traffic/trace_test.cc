#include "traffic/trace.h"
#include "places.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Tokens;
using std::chrono::nanoseconds;

const std::string kAzureHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
const std::string kPlainHeader = "seconds,input_tokens,output_tokens\n";

std::string gzip(std::string bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

// The trace, which must be readable.
Trace good(std::string_view text, const TraceOptions& options = {}) {
  fare::Expected<Trace> trace = parse_trace("t", text, options);
  EXPECT_TRUE(trace.has_value()) << (trace ? "" : fare::to_text(trace.error()));
  if (!trace) return {};
  EXPECT_EQ(trace->lines, trace->rows.size() + trace->bad_lines.size());
  return std::move(*trace);
}

// Why it cannot be read.
std::string why(std::string_view text, const TraceOptions& options = {}) {
  const fare::Expected<Trace> trace = parse_trace("t", text, options);
  return trace ? "it can be read" : fare::to_text(trace.error());
}

// The one bad line of a trace that starts with a good one.
std::string bad_line(std::string_view text) {
  const Trace trace = good(text);
  EXPECT_EQ(trace.bad_lines.size(), 1u);
  return trace.bad_lines.empty() ? "no bad line" : fare::to_text(trace.bad_lines);
}

TEST(TraceTest, ReadsTheAzureFormat) {
  const Trace trace = good(
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 18:15:46.6805900,374,44\r\n"
      "2023-11-16 18:15:50.9951690,396,109\r\n"
      "2023-11-17 00:00:00,1,1000000000000");
  EXPECT_EQ(trace.name, "t");
  EXPECT_EQ(trace.format, TraceFormat::kAzure);
  ASSERT_EQ(trace.rows.size(), 3u);
  EXPECT_EQ(trace.rows[0].at, Duration(0));
  EXPECT_EQ(trace.rows[0].input, Tokens(374));
  EXPECT_EQ(trace.rows[0].output, Tokens(44));
  EXPECT_EQ(trace.rows[0].request_class, kUnnamed);
  EXPECT_EQ(trace.rows[0].tenant, kUnnamed);
  EXPECT_EQ(trace.rows[1].at, nanoseconds(4'314'579'000));
  EXPECT_EQ(trace.rows[2].at, nanoseconds(20'653'319'410'000));
  EXPECT_EQ(trace.rows[2].output, fare::kTokensMax);
}

// The traces of 2024 carry offsets, which those of 2023 do not.
TEST(TraceTest, ReadsAzureTimesWithAnOffset) {
  const Trace trace = good(kAzureHeader +
                           "2024-05-10 00:00:00.009930+00:00,2162,5\n"
                           "2024-05-10 02:00:00.009930+01:00,5,2162\n"
                           "2024-05-10T02:00:00.00993Z,5,2162\n"
                           "2024-05-10 02:00:00.009930001,5,2162\n");
  ASSERT_EQ(trace.rows.size(), 4u);
  EXPECT_EQ(trace.rows[1].at, std::chrono::hours(1));
  EXPECT_EQ(trace.rows[2].at, std::chrono::hours(2));
  EXPECT_EQ(trace.rows[3].at, std::chrono::hours(2) + nanoseconds(1));
}

TEST(TraceTest, ReadsTheMooncakeFormat) {
  const Trace trace = good(
      R"({"timestamp": 27000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]})"
      "\n"
      R"({"output_length":490,"hash_ids":{"a":[null,"\u00e9"]},"timestamp":30001,"input_length":1})"
      "\n"
      R"({"timestamp": 30001, "input_length": 2, "output_length": 3})"
      "\n");
  EXPECT_EQ(trace.format, TraceFormat::kMooncake);
  ASSERT_EQ(trace.rows.size(), 3u);
  EXPECT_EQ(trace.lines, 3u);
  EXPECT_EQ(trace.rows[0].at, Duration(0));
  EXPECT_EQ(trace.rows[0].input, Tokens(6758));
  EXPECT_EQ(trace.rows[0].output, Tokens(500));
  EXPECT_EQ(trace.rows[1].at, std::chrono::milliseconds(3001));
  EXPECT_EQ(trace.rows[1].output, Tokens(490));
  EXPECT_EQ(trace.rows[2].input, Tokens(2));
}

TEST(TraceTest, ReadsThePlainFormatInAnyColumnOrder) {
  const Trace trace = good(
      "tenant,output_tokens,class,seconds,input_tokens\n"
      "acme,5,simple,100.5,7\n"
      "\"a \"\"b\"\", c\",6,hard,\"100.500000001\",8\n"
      ",7,simple,101,9\n"
      "acme,8,,102,10\n");
  EXPECT_EQ(trace.format, TraceFormat::kPlain);
  ASSERT_EQ(trace.rows.size(), 4u);
  EXPECT_EQ(trace.classes, (std::vector<std::string>{"simple", "hard"}));
  EXPECT_EQ(trace.tenants, (std::vector<std::string>{"acme", "a \"b\", c"}));
  EXPECT_EQ(trace.rows[0].at, Duration(0));
  EXPECT_EQ(trace.rows[0].input, Tokens(7));
  EXPECT_EQ(trace.rows[0].output, Tokens(5));
  EXPECT_EQ(trace.rows[1].at, nanoseconds(1));
  EXPECT_EQ(trace.rows[1].request_class, 1u);
  EXPECT_EQ(trace.rows[1].tenant, 1u);
  EXPECT_EQ(trace.rows[2].request_class, 0u);
  EXPECT_EQ(trace.rows[2].tenant, kUnnamed);
  EXPECT_EQ(trace.rows[3].request_class, kUnnamed);
  EXPECT_EQ(trace.rows[3].tenant, 0u);
}

// Through a double, none of these but the whole seconds would come out right.
TEST(TraceTest, ReadsSecondsExactly) {
  const struct {
    const char* text;
    std::int64_t nanoseconds;
  } cases[] = {
      {"0.000000001", 1},
      {"0.1", 100'000'000},
      {"0.100000000", 100'000'000},
      {"0.3000000000000000444", 300'000'000},
      {"1700000000.123456789", 1'700'000'000'123'456'789},
      {"8999999999.999999999", 8'999'999'999'999'999'999},
      {"9000000000", 9'000'000'000'000'000'000},
      {"00000000000000000012", 12'000'000'000},
      {"0.9999999999", 999'999'999},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const Trace trace = good(kPlainHeader + "0,1,1\n" + test.text + ",1,1\n");
    ASSERT_EQ(trace.rows.size(), 2u);
    EXPECT_EQ(trace.rows[1].at.count(), test.nanoseconds);
  }
}

TEST(TraceTest, SortsRowsAndKeepsTheOrderOfEqualTimes) {
  const Trace trace = good(kPlainHeader + "5,1,1\n3,2,1\n5,3,1\n3,4,1\n4,5,1\n4,6,1\n9,7,1\n");
  EXPECT_EQ(trace.out_of_order, 2u);
  std::vector<std::int64_t> inputs;
  for (const TraceRow& row : trace.rows) inputs.push_back(row.input.count());
  EXPECT_EQ(inputs, (std::vector<std::int64_t>{2, 4, 5, 6, 1, 3, 7}));
  EXPECT_EQ(trace.rows.front().at, Duration(0));
  EXPECT_EQ(trace.rows.back().at, std::chrono::seconds(6));
  EXPECT_EQ(good(kPlainHeader + "1,1,1\n1,1,1\n2,1,1\n").out_of_order, 0u);
}

TEST(TraceTest, SaysWhatIsWrongWithACsvLine) {
  const std::string tokens = "must be a whole number from 1 to 1000000000000, but is ";
  const std::string seconds =
      "seconds must be a decimal number from 0 to 9000000000 such as 12.5, ";
  const struct {
    const char* name;
    std::string line;
    std::string message;
  } cases[] = {
      {"decimals", "1,12.5,3", "input_tokens " + tokens + "\"12.5\""},
      {"negative", "1,-3,3", "input_tokens " + tokens + "\"-3\""},
      {"exponent", "1,2,1e9", "output_tokens " + tokens + "\"1e9\""},
      {"empty", "1,2,", "output_tokens " + tokens + "\"\""},
      {"zero output", "1,2,0", "output_tokens " + tokens + "\"0\""},
      {"zero input", "1,0,2", "input_tokens " + tokens + "\"0\""},
      {"plus", "1,+2,2", "input_tokens " + tokens + "\"+2\""},
      {"blank", "1, 2,2", "input_tokens " + tokens + "\" 2\""},
      {"hexadecimal", "1,0x10,2", "input_tokens " + tokens + "\"0x10\""},
      {"too large", "1,1000000000001,2", "input_tokens " + tokens + "\"1000000000001\""},
      {"beyond 64 bits", "1,99999999999999999999999,2",
       "input_tokens " + tokens + "\"99999999999999999999999\""},
      {"text", "1,many,2", "input_tokens " + tokens + "\"many\""},
      {"negative time", "-1,1,2", seconds + "but is \"-1\""},
      {"time with exponent", "1e3,1,2", seconds + "but is \"1e3\""},
      {"time without digits", ".,1,2", seconds + "but is \".\""},
      {"time without decimals", "1.,1,2", seconds + "but is \"1.\""},
      {"time without whole part", ".5,1,2", seconds + "but is \".5\""},
      {"time with two points", "1.2.3,1,2", seconds + "but is \"1.2.3\""},
      {"time not a number", "nan,1,2", seconds + "but is \"nan\""},
      {"no time", ",1,2", seconds + "but is \"\""},
      {"late time", "9000000001,1,2", seconds + "but is \"9000000001\""},
      {"very late time", "9223372037000000000,1,2", seconds + "but is \"9223372037000000000\""},
      {"missing field", "1,2", "must have 3 fields, as its header, but has 2"},
      {"surplus field", "1,2,3,4", "must have 3 fields, as its header, but has 4"},
      {"many fields", "1,2,3,4,5,6,7,8", "must have 3 fields, as its header, but has 8"},
      {"many quoted fields", "\"1\",2,3,4,5,6,7,\"8\"",
       "must have 3 fields, as its header, but has 8"},
      {"open quote", "\"1,2,3",
       "must have each quoted field in one pair of quotes, as in 1,\"a, b\",2"},
      {"text after quote", "\"1\"0,2,3",
       "must have each quoted field in one pair of quotes, as in 1,\"a, b\",2"},
      {"quote inside", "1,2\"3\",3",
       "must have each quoted field in one pair of quotes, as in 1,\"a, b\",2"},
      {"strange bytes", "1,\x01\xff,2", "input_tokens " + tokens + "\"??\""},
      {"long value", "1," + std::string(100, 'x') + ",2",
       "input_tokens " + tokens + "\"" + std::string(64, 'x') + "...\""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(bad_line(kPlainHeader + "1,1,1\n\n" + test.line + "\n2,2,2\n"),
              "t:4: " + test.message + "\n");
  }
}

TEST(TraceTest, SaysWhatIsWrongWithAnAzureTime) {
  for (const char* const time :
       {"", "yesterday", "2023-11-16", "2023-11-16 18:15", "2023-02-29 00:00:00",
        "2023-11-16 24:00:00", "2023-11-16 18:15:46.", "2023-11-16 18:15:46.1234567890",
        "1969-12-31 23:59:59", "2200-01-01 00:00:00", "2023-11-16 18:15:46 PM",
        "2023-11-16 18:15:46.6805900+00:00:00:00:00:00:00"}) {
    SCOPED_TRACE(time);
    EXPECT_EQ(bad_line(fmt::format("{}2023-11-16 18:15:46,1,1\n{},1,1\n", kAzureHeader, time)),
              fmt::format("t:3: TIMESTAMP must be a time from 1970 to 2200 such as \"2023-11-16 "
                          "18:15:46.6805900\", but is \"{}\"\n",
                          time));
  }
}

TEST(TraceTest, SaysWhatIsWrongWithAJsonLine) {
  const std::string length = "must be a whole number from 1 to 1000000000000, but is ";
  const std::string time = "timestamp must be a whole number from 0 to 9000000000000, but is ";
  const std::string not_json = "must be one line of JSON, but is not (";
  const struct {
    const char* name;
    std::string line;
    std::string message;
  } cases[] = {
      {"missing key", R"({"timestamp":1,"input_length":2})", "needs the key \"output_length\""},
      {"no keys", "{}", "needs the key \"timestamp\""},
      {"doubled key", R"({"timestamp":1,"timestamp":1,"input_length":2,"output_length":3})",
       "has the key \"timestamp\" twice"},
      {"decimals", R"({"timestamp":1,"input_length":12.5,"output_length":3})",
       "input_length " + length + "12.5"},
      {"negative", R"({"timestamp":1,"input_length":2,"output_length":-3})",
       "output_length " + length + "-3"},
      {"zero", R"({"timestamp":1,"input_length":2,"output_length":0})",
       "output_length " + length + "0"},
      {"too large", R"({"timestamp":1,"input_length":2,"output_length":1000000000001})",
       "output_length " + length + "1000000000001"},
      {"unsigned", R"({"timestamp":1,"input_length":2,"output_length":18446744073709551615})",
       "output_length " + length + "18446744073709551615"},
      {"text", R"({"timestamp":"82","input_length":2,"output_length":3})", time + "\"82\""},
      {"null", R"({"timestamp":null,"input_length":2,"output_length":3})", time + "null"},
      {"negative time", R"({"timestamp":-1,"input_length":2,"output_length":3})", time + "-1"},
      {"late time", R"({"timestamp":9000000000001,"input_length":2,"output_length":3})",
       time + "9000000000001"},
      {"no object", "[1,2,3]", "must be a JSON object"},
      {"number", "7", "must be a JSON object"},
      {"broken off", R"({"timestamp":1,"input_length":2,"output_length":3,"hash_ids":[1,2)",
       not_json},
      {"broken inside", R"({"timestamp":1,"input_length":2,"output_length":3,"hash_ids":[1 2]})",
       not_json},
      {"two objects", R"({"timestamp":1,"input_length":2,"output_length":3} {})", not_json},
      {"no UTF-8", "{\"timestamp\":1,\"input_length\":2,\"output_length\":3,\"a\":\"\xff\"}",
       not_json},
      {"csv", "1,2,3", not_json},
      {"deep", std::string(5'000, '[') + std::string(5'000, ']'), not_json},
  };
  const std::string first = R"({"timestamp":0,"input_length":1,"output_length":1})";
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const std::string message = bad_line(first + "\n" + test.line + "\n" + first + "\n");
    if (test.message == not_json) {
      EXPECT_EQ(message.substr(0, 5 + not_json.size()), "t:2: " + not_json);
    } else {
      EXPECT_EQ(message, "t:2: " + test.message + "\n");
    }
  }
}

TEST(TraceTest, ALineOfMoreThanSixteenMebibytesIsBad) {
  const std::string longer((std::size_t{16} << 20) + 1, '7');
  EXPECT_EQ(bad_line(kPlainHeader + "1,1,1\n" + longer + "\n2,2,2\n"),
            "t:3: is longer than 16 MiB\n");
}

TEST(TraceTest, RefusesNamesThatAreLongOrNoText) {
  const std::string header = "seconds,input_tokens,output_tokens,tenant,class\n1,1,1,a,b\n";
  const std::string rule = "must be a name of at most 64 bytes of UTF-8, but is ";
  const std::string longest(64, 'n');
  EXPECT_EQ(good(header + "1,1,1," + longest + ",b\n").tenants.back(), longest);
  EXPECT_EQ(bad_line(header + "1,1,1," + longest + "n,b\n"),
            "t:3: tenant " + rule + "\"" + longest + "...\"\n");
  EXPECT_EQ(bad_line(header + "1,1,1,a,\xc3(\n"), "t:3: class " + rule + "\"?(\"\n");
  EXPECT_EQ(bad_line(header + "1,1,1,a,x\ty\n"), "t:3: class " + rule + "\"x?y\"\n");
}

TEST(TraceTest, ABadLineLeavesNoName) {
  const Trace trace = good(
      "seconds,input_tokens,output_tokens,tenant,class\n"
      "1,1,1,a,b\n1,1,0,c,d\n1,1,1,\xff,e\n1,1,1,f,\xff\n");
  EXPECT_EQ(trace.bad_lines.size(), 3u);
  EXPECT_EQ(trace.classes, std::vector<std::string>{"b"});
  EXPECT_EQ(trace.tenants, std::vector<std::string>{"a"});
}

TEST(TraceTest, RefusesAClassTooMany) {
  std::string text = "seconds,input_tokens,output_tokens,class\n";
  for (std::size_t i = 0; i <= kClassesMax; ++i) text += fmt::format("1,1,1,c{}\n", i);
  text += "1,1,1,c7\n";
  const Trace trace = good(text);
  EXPECT_EQ(trace.classes.size(), kClassesMax);
  EXPECT_EQ(trace.rows.size(), kClassesMax + 1);
  EXPECT_EQ(fare::to_text(trace.bad_lines),
            "t:1002: class must be one of at most 1000 names, but is \"c1000\"\n");
}

TEST(TraceTest, RefusesWrongHeaders) {
  const TraceOptions plain{.format = TraceFormat::kPlain};
  EXPECT_EQ(
      why("seconds,input_tokens\n1,1\n"),
      "t:1: the header needs the column \"output_tokens\", but is \"seconds,input_tokens\"\n");
  EXPECT_EQ(why("seconds,input_tokens,output_tokens,tennant\n"),
            "t:1: the header has the column \"tennant\", which is not one of seconds,input_tokens,"
            "output_tokens,class,tenant,session; did you mean \"tenant\"?\n");
  EXPECT_EQ(why("seconds,input_tokens,output_tokens,seconds\n"),
            "t:1: the header has the column \"seconds\" twice\n");
  EXPECT_EQ(why("\n\nTIMESTAMP,ContextTokens\n"),
            "t:3: the header needs the column \"GeneratedTokens\", but is "
            "\"TIMESTAMP,ContextTokens\"\n");
  // Without its header the first line of data is no header.
  EXPECT_NE(why("1,2,3\n4,5,6\n", plain).find("needs the column \"seconds\", but is \"1,2,3\""),
            std::string::npos);
  EXPECT_NE(why("\"seconds,input_tokens,output_tokens\n", plain).find("needs the column"),
            std::string::npos);
}

// By itself such a line looks like one of mooncake without its keys, or like no format at all.
TEST(TraceTest, NamesTheFormatOfAnotherReader) {
  const std::string session =
      R"({"id":"a","block_size":64,"requests":[{"t":0,"in":71,"out":16,"h":[1,1]}]})";
  EXPECT_EQ(why(session),
            "t:1: is a session with its prompts, not a request: name the format \"claude-code\"\n");
  EXPECT_EQ(why("client,window_start_s,rate,cv,pattern\n1,0,0.5,1,Gamma\n"),
            "t:1: is a table of clients, not of requests: to replay it, name the format "
            "\"servegen\"\n");
  EXPECT_EQ(why(session, {.format = TraceFormat::kMooncake}).find("claude-code"), std::string::npos)
      << "what was named is taken at its word";
}

TEST(TraceTest, RefusesAFormatThatTheFirstLineDoesNotShow) {
  EXPECT_EQ(why("hello\nworld\n"),
            "t:1: shows no format of a trace: must be the header "
            "TIMESTAMP,ContextTokens,GeneratedTokens (azure) or seconds,input_tokens,output_tokens "
            "(plain), or a JSON object (mooncake), but is \"hello\"\n");
  EXPECT_NE(why(std::string((std::size_t{16} << 20) + 9, 'a')).find("but is longer than 16 MiB"),
            std::string::npos);
}

TEST(TraceTest, RefusesATraceWithoutAGoodLine) {
  EXPECT_EQ(why(""), "t: is empty, but must have a line for each request\n");
  EXPECT_EQ(why("\n \n\n"), "t: is empty, but must have a line for each request\n");
  EXPECT_EQ(why(kPlainHeader), "t: has a header, but no line for a request\n");
  EXPECT_EQ(why(kPlainHeader + "1\n2\n"),
            "t: has no good line: all 2 are bad\n"
            "t:2: must have 3 fields, as its header, but has 1\n"
            "t:3: must have 3 fields, as its header, but has 1\n");
  EXPECT_NE(why("1,2\n", {.format = TraceFormat::kMooncake}).find("all 1 are bad"),
            std::string::npos);
}

TEST(TraceTest, EndsAtOneBadLineMoreThanAllowed) {
  std::string text = kPlainHeader + "1,1,1\n";
  for (int i = 0; i < 100; ++i) text += "1,1,0\n";
  EXPECT_EQ(good(text).bad_lines.size(), 100u);
  text += "1,1,0\n";
  const std::string message = why(text);
  EXPECT_EQ(message.substr(0, message.find('\n')), "t: has more than 100 bad lines");
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 11) << "the first ten are shown";
  EXPECT_NE(message.find("t:3: output_tokens must be"), std::string::npos);
  EXPECT_EQ(why(kPlainHeader + "1,1,1\n1,1,0\n", {.bad_lines_max = 0}).substr(0, 28),
            "t: has more than 0 bad lines");
}

TEST(TraceTest, EndsAtOneRowMoreThanAllowed) {
  const std::string text = kPlainHeader + "1,1,1\n2,1,1\n";
  EXPECT_EQ(good(text, {.rows_max = 2}).rows.size(), 2u);
  EXPECT_EQ(why(text + "3,1,1\n", {.rows_max = 2}),
            "t:4: is one more than the 2 requests that may be read\n");
}

TEST(TraceTest, DamagedGzipIsAnErrorWithTheLineReached) {
  // Noise, so that all of it does not stand in one deflate block.
  std::string text = kPlainHeader;
  fare::RandomStream stream(fare::RandomKey(1, 0, fare::Purpose::kTest), 0);
  for (int i = 0; i < 50'000; ++i) {
    text += fmt::format("{},{},{}\n", stream.below(1'000'000), 1 + stream.below(9'999),
                        1 + stream.below(9'999));
  }
  const std::string whole = gzip(text);
  EXPECT_EQ(good(whole).rows.size(), 50'000u);
  EXPECT_EQ(why(whole.substr(0, 2)),
            "t: is gzip data that ends too early; the file is cut off (after line 0)\n");
  const std::string start = "t: is gzip data that ends too early; the file is cut off (after line ";
  const std::string half = why(whole.substr(0, whole.size() / 2));
  ASSERT_EQ(half.substr(0, start.size()), start);
  const int line = std::stoi(half.substr(start.size()));
  EXPECT_GT(line, 20'000);
  EXPECT_LT(line, 30'000);
  std::string damaged = whole;
  damaged[damaged.size() - 8] ^= 1;  // The check sum, behind the last line.
  EXPECT_EQ(why(damaged), "t: is damaged gzip data (incorrect data check) (after line 50001)\n");
}

TEST(TraceTest, AMissingFileIsAnError) {
  const fare::Expected<Trace> missing = read_trace("/no/such/trace.csv", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().front().where, "/no/such/trace.csv");
  EXPECT_NE(missing.error().front().message.find("does not exist"), std::string::npos);
  EXPECT_FALSE(read_trace("/tmp", {}).has_value());
}

TEST(TraceTest, ReadsTheNamesOfFormats) {
  EXPECT_EQ(parse_trace_format("auto").value(), TraceFormat::kAuto);
  EXPECT_EQ(parse_trace_format("azure").value(), TraceFormat::kAzure);
  EXPECT_EQ(parse_trace_format("mooncake").value(), TraceFormat::kMooncake);
  EXPECT_EQ(parse_trace_format("plain").value(), TraceFormat::kPlain);
  EXPECT_EQ(fare::to_text(parse_trace_format("azzure").error()),
            "must be one of \"auto\", \"azure\", \"mooncake\", \"plain\", \"jsonl\", "
            "\"ragpulse\", \"bailian\", \"burstgpt\", but is \"azzure\"; did you "
            "mean \"azure\"?\n");
}

class RealTraceTest : public testing::Test {
 protected:
  // The trace, or none if the file is not on this machine.
  static std::optional<Trace> read(const std::string& file) {
    const std::string path = std::string(fare::kSourceDir) + "/../shared/data/traces/" + file;
    if (!std::filesystem::exists(path)) return std::nullopt;
    fare::Expected<Trace> trace = read_trace(path, {.bad_lines_max = 0});
    EXPECT_TRUE(trace.has_value()) << (trace ? "" : fare::to_text(trace.error()));
    if (!trace) return Trace{};
    EXPECT_EQ(trace->lines, trace->rows.size());
    return std::move(*trace);
  }

  static std::int64_t sum(const Trace& trace, Tokens TraceRow::*tokens) {
    std::int64_t total = 0;
    for (const TraceRow& row : trace.rows) total += (row.*tokens).count();
    return total;
  }
};

// Sums, first and last time were computed from the same files by an independent script.
TEST_F(RealTraceTest, TheAzureConversationTraceIsReadWhole) {
  const auto trace = read("azure2023/AzureLLMInferenceTrace_conv.csv.gz");
  if (!trace) GTEST_SKIP() << "the Azure trace is not on this machine";
  ASSERT_EQ(trace->rows.size(), 19'366u);
  EXPECT_EQ(trace->format, TraceFormat::kAzure);
  EXPECT_EQ(trace->out_of_order, 0u);
  EXPECT_EQ(sum(*trace, &TraceRow::input), 22'361'870);
  EXPECT_EQ(sum(*trace, &TraceRow::output), 4'088'665);
  EXPECT_EQ(trace->rows.back().at, nanoseconds(3'501'721'937'000));
}

TEST_F(RealTraceTest, TheMooncakeConversationTraceIsReadWhole) {
  const auto trace = read("mooncake/conversation_trace.jsonl.gz");
  if (!trace) GTEST_SKIP() << "the Mooncake trace is not on this machine";
  ASSERT_EQ(trace->rows.size(), 12'031u);
  EXPECT_EQ(trace->format, TraceFormat::kMooncake);
  EXPECT_EQ(trace->out_of_order, 0u);
  EXPECT_EQ(sum(*trace, &TraceRow::input), 144'793'823);
  EXPECT_EQ(sum(*trace, &TraceRow::output), 4'122'048);
  EXPECT_EQ(trace->rows.back().at, std::chrono::milliseconds(3'536'999));
}

// Its seconds are texts, so that it cannot pass for milliseconds.
TEST_F(RealTraceTest, RagPulseIsNoMooncakeTrace) {
  const std::string path =
      std::string(fare::kSourceDir) + "/../shared/data/traces/ragpulse/0_trace.jsonl.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the RAGPulse trace is not on this machine";
  const fare::Expected<Trace> trace = read_trace(path, {.format = TraceFormat::kMooncake});
  ASSERT_FALSE(trace.has_value());
  EXPECT_NE(fare::to_text(trace.error()).find("timestamp must be a whole number"),
            std::string::npos);
}

}  // namespace
}  // namespace routesim
