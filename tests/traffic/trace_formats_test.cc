// Formats of which no rows could be had are tested on rows made up after their documentation
// (Qwen-Bailian: README of alibaba-edu/qwen-bailian-usagetraces-anon; BurstGPT v1.2: README of
// HPMLL/BurstGPT).

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "places.h"
#include "traffic/trace.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Tokens;
using std::chrono::milliseconds;

Trace good(std::string_view text, const TraceOptions& options = {}) {
  fare::Expected<Trace> trace = parse_trace("t", text, options);
  EXPECT_TRUE(trace.has_value()) << (trace ? "" : fare::to_text(trace.error()));
  if (!trace) return {};
  EXPECT_EQ(trace->lines, trace->rows.size() + trace->bad_lines.size() + trace->failures);
  return std::move(*trace);
}

TEST(TraceFormatsTest, ReadsPlainJsonLines) {
  const Trace trace = good(
      R"({"seconds": 1.5, "input_tokens": 7, "output_tokens": 8, "class": "a", "tenant": "acme"})"
      "\n"
      R"({"output_tokens": 2, "input_tokens": 1, "seconds": "2.25", "session": 12, "more": [{}]})"
      "\n"
      R"({"seconds": 3, "input_tokens": 1, "output_tokens": 2, "class": null, "session": "12"})");
  EXPECT_EQ(trace.format, TraceFormat::kJsonLines);
  ASSERT_EQ(trace.rows.size(), 3u);
  EXPECT_EQ(trace.rows[0].request_class, 0u);
  EXPECT_EQ(trace.rows[0].tenant, 0u);
  EXPECT_EQ(trace.rows[0].session, kUnnamed);
  EXPECT_EQ(trace.rows[1].at, milliseconds(750));
  EXPECT_EQ(trace.rows[1].input, Tokens(1));
  EXPECT_EQ(trace.rows[1].request_class, kUnnamed);
  EXPECT_EQ(trace.rows[1].session, 0u);
  EXPECT_EQ(trace.rows[2].session, 0u) << "a number and its text are one name";
  EXPECT_EQ(trace.classes, std::vector<std::string>{"a"});
  EXPECT_EQ(trace.tenants, std::vector<std::string>{"acme"});
}

TEST(TraceFormatsTest, NamesBadJsonLines) {
  const Trace trace =
      good(R"({"seconds": 1, "input_tokens": 7, "output_tokens": 8})"
           "\n"
           R"({"seconds": -1, "input_tokens": 7, "output_tokens": 8})"
           "\n"
           R"({"seconds": 1, "input_tokens": 0, "output_tokens": 8})"
           "\n"
           R"({"seconds": 1, "input_tokens": 7})"
           "\n"
           R"({"seconds": 1, "seconds": 1, "input_tokens": 7, "output_tokens": 8})"
           "\n"
           R"({"seconds": 1, "input_tokens": 7, "output_tokens": 8, "class": [1]})"
           "\n"
           R"({"seconds": 1, "input_tokens": 7, "output_tokens": 8, "tenant": "a\nb"})"
           "\n"
           R"({"seconds": 1, "input_tokens": 7, "output_tokens": 8, "x": [1 2]})");
  EXPECT_EQ(
      fare::to_text(trace.bad_lines),
      "t:2: seconds must be seconds from 0 to 9000000000, but is -1\n"
      "t:3: input_tokens must be a whole number from 1 to 1000000000000, but is 0\n"
      "t:4: needs the key \"output_tokens\"\n"
      "t:5: has the key \"seconds\" twice\n"
      "t:6: class must be a text or a whole number, but is [1]\n"
      "t:7: tenant must be a name of at most 64 bytes of UTF-8, but is \"a?b\"\n"
      "t:8: must be one line of JSON, but is not (The JSON document has an improper structure: "
      "missing or superfluous commas, braces, missing keys, etc.)\n");
}

// Goal: lines that are read many at once give what they give one by one, good or bad.
// Method: random mixtures of lines; the reference reads each as the last of a text of two, without
// an end, which is always read by itself.
TEST(TraceFormatsTest, ManyLinesAtOnceAreReadAsOneByOne) {
  const std::string first = R"({"seconds": 0, "input_tokens": 1, "output_tokens": 1})"
                            "\n";
  const std::vector<std::string> kinds = {
      R"({"seconds": 1.25, "input_tokens": 7, "output_tokens": 8})",
      R"({"seconds": 2, "input_tokens": 7, "output_tokens": 8, "class": "a", "tenant": 5})",
      R"({"x": [1, 2, 30], "seconds": "3.5", "input_tokens": 9, "output_tokens": 8})",
      R"({"x":{"y":[0, 10],"z":"\u00e9"}, "seconds": 4, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": [1 2], "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": [01], "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": [1,], "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": [99999999999999999999], "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": [1.5, null, true], "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": "\q", "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"x": nul, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"\u0073econds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"\u0073econds": 3, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"second": 1, "secondsx": 2, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"seconds": 3, "input_tokens_": 1, "input_tokens": 9, "output_tokens": 8})",
      R"({"seconds": 3, "input_token": 9, "output_tokens": 8})",
      R"({"": 1, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"a\"b\\": 1, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"a\q": 1, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"seconds": 3, "seconds": 3, "input_tokens": 9, "output_tokens": 8})",
      R"({"seconds": 3, "input_tokens": 0, "output_tokens": 8})",
      R"({"seconds": 1e3, "input_tokens": 9, "output_tokens": 8})",
      R"({"seconds": 3, "input_tokens": 9.0, "output_tokens": 8})",
      R"({"seconds": 3, "input_tokens": 9, "output_tokens": 8, "class": "a\nb"})",
      R"({"seconds": 3, "input_tokens": 9, "output_tokens": 8, "session": null})",
      R"({"seconds": 3, "input_tokens": 9, "output_tokens": 8}})",
      R"({"seconds": 3, "input_tokens": 9, "output_tokens": 8} {"seconds": 3})",
      R"({"seconds": 3, "input_tokens": 9,)",
      R"("output_tokens": 8})",
      "[1]",
      "7",
      "  \t",
      "",
      R"(  {"seconds": 5, "input_tokens": 9, "output_tokens": 8}  )"};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream stream(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
    std::string text = first;
    std::vector<TraceRow> rows = {good(first).rows[0]};
    std::string bad;
    for (int line = 2; line < 30; ++line) {
      // Two in three are of the first four kinds, which are quick.
      const std::string& kind = kinds[stream.below(stream.below(3) > 0 ? 4 : kinds.size())];
      text += kind + (stream.below(4) == 0 ? "\r\n" : "\n");
      const Trace alone = good(first + kind);
      for (std::size_t i = 1; i < alone.rows.size(); ++i) rows.push_back(alone.rows[i]);
      for (const fare::Error& error : alone.bad_lines) {
        bad += "t:" + std::to_string(line) + ": " + error.message + "\n";
      }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const TraceRow& a, const TraceRow& b) { return a.at < b.at; });
    const Trace trace = good(text);
    EXPECT_EQ(fare::to_text(trace.bad_lines), bad);
    ASSERT_EQ(trace.rows.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(trace.rows[i].at, rows[i].at) << i;
      EXPECT_EQ(trace.rows[i].input, rows[i].input) << i;
      EXPECT_EQ(trace.rows[i].output, rows[i].output) << i;
      EXPECT_EQ(trace.rows[i].request_class, rows[i].request_class) << i;
      EXPECT_EQ(trace.rows[i].tenant, rows[i].tenant) << i;
    }
  }
}

TEST(TraceFormatsTest, ReadsSessionsOfPlainCsv) {
  const Trace trace = good(
      "seconds,input_tokens,output_tokens,session\n"
      "1,2,3,x\n2,2,3,\n3,2,3,y\n4,2,3,x\n");
  ASSERT_EQ(trace.rows.size(), 4u);
  EXPECT_EQ(trace.rows[0].session, 0u);
  EXPECT_EQ(trace.rows[1].session, kUnnamed);
  EXPECT_EQ(trace.rows[2].session, 1u);
  EXPECT_EQ(trace.rows[3].session, 0u);
}

// Made-up rows; a chat that goes on from another belongs to its session, at any depth.
TEST(TraceFormatsTest, ReadsBailianChats) {
  const Trace trace =
      good(R"({"chat_id": 5, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 521,)"
           R"( "output_length": 132, "type": "text", "turn": 1, "hash_ids": [1089, 1090]})"
           "\n"
           R"({"chat_id": 9, "parent_chat_id": -1, "timestamp": 62.0, "input_length": 5,)"
           R"( "output_length": 1, "type": "search", "turn": 1, "hash_ids": []})"
           "\n"
           R"({"chat_id": 10, "parent_chat_id": 5, "timestamp": 70.5, "input_length": 700,)"
           R"( "output_length": 9, "type": "text", "turn": 2, "hash_ids": [1089]})"
           "\n"
           R"({"chat_id": 11, "parent_chat_id": 10, "timestamp": 71, "input_length": 800,)"
           R"( "output_length": 9, "type": "text", "turn": 3, "hash_ids": [1089]})");
  EXPECT_EQ(trace.format, TraceFormat::kBailian);
  ASSERT_EQ(trace.rows.size(), 4u);
  EXPECT_EQ(trace.rows[2].at, milliseconds(9'386));
  EXPECT_EQ(trace.rows[2].session, trace.rows[0].session);
  EXPECT_EQ(trace.rows[3].session, trace.rows[0].session);
  EXPECT_NE(trace.rows[1].session, trace.rows[0].session);
  EXPECT_EQ(trace.classes, (std::vector<std::string>{"text", "search"}));
  EXPECT_EQ(trace.rows[1].request_class, 1u);
}

// Made-up rows.  0 response tokens are a failure there, not a bad line.
TEST(TraceFormatsTest, ReadsBurstGpt) {
  const std::string header =
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,"
      "Log Type\n";
  const Trace trace = good(header +
                           "5,,2.5,ChatGPT,472,18,490,API log\n"
                           "45,77,3,GPT-4,1087,230,1317,Conversation log\n"
                           "118,77,0,GPT-4,417,0,417,Conversation log\n"
                           "119,77,9,GPT-4,x,1,2,Conversation log\n");
  EXPECT_EQ(trace.format, TraceFormat::kBurstGpt);
  ASSERT_EQ(trace.rows.size(), 2u);
  EXPECT_EQ(trace.failures, 1u);
  EXPECT_EQ(trace.bad_lines.size(), 1u);
  EXPECT_EQ(trace.rows[1].at, std::chrono::seconds(40));
  EXPECT_EQ(trace.rows[1].input, Tokens(1'087));
  EXPECT_EQ(trace.rows[1].output, Tokens(230));
  EXPECT_EQ(trace.rows[0].session, kUnnamed);
  EXPECT_EQ(trace.rows[1].session, 0u);
  EXPECT_EQ(trace.classes, (std::vector<std::string>{"API log", "Conversation log"}));
  const auto failed = parse_trace("t", header + "5,,2,GPT-4,4,0,4,API log\n", {});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(fare::to_text(failed.error()),
            "t: has no good line: of 1, 0 are bad and 1 are requests that failed\n");
}

TEST(TraceFormatsTest, ReadsRagPulseWithItsSessions) {
  const std::string path =
      std::string(fare::kSourceDir) + "/../shared/data/traces/ragpulse/0_trace.jsonl.gz";
  const auto trace = read_trace(path, {});
  if (!trace) GTEST_SKIP() << "needs the RAGPulse trace: " << fare::to_text(trace.error());
  EXPECT_EQ(trace->format, TraceFormat::kRagPulse);
  EXPECT_EQ(trace->rows.size(), 7'106u);
  EXPECT_EQ(trace->sessions.size(), 3'990u);
  double input = 0;
  for (const TraceRow& row : trace->rows) input += static_cast<double>(row.input.count());
  EXPECT_NEAR(input / 7'106, 2'944, 1);
}

}  // namespace
}  // namespace routesim
