#include "traffic/prompt_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace routesim {
namespace {

using fare::BlockRun;
using testing::ElementsAre;
using testing::HasSubstr;

PromptTrace good(PromptFormat format, std::string_view text, std::int64_t block_tokens = 512) {
  auto trace = parse_prompt_trace("t", text, {.format = format, .block_tokens = block_tokens});
  EXPECT_TRUE(trace) << (trace ? "" : fare::to_text(trace.error()));
  return trace ? std::move(*trace) : PromptTrace();
}

std::string why(PromptFormat format, std::string_view text) {
  const auto trace = parse_prompt_trace("t", text, {.format = format});
  return trace ? "it can be read" : fare::to_text(trace.error());
}

std::vector<BlockRun> runs_of(const PromptTrace& trace, std::size_t call) {
  const fare::BlockList blocks = trace.blocks(trace.calls[call]);
  return {blocks.begin(), blocks.end()};
}

TEST(PromptTraceTest, ReadsMooncakeHashes) {
  const PromptTrace trace =
      good(PromptFormat::kMooncake,
           R"({"timestamp": 3000, "input_length": 1025, "output_length": 5, "hash_ids": [0, 1, 7]})"
           "\n"
           R"({"timestamp": 1000, "input_length": 512, "output_length": 0, "hash_ids": [0]})"
           "\n");
  ASSERT_EQ(trace.calls.size(), 2u);
  EXPECT_EQ(trace.calls[0].at, fare::Duration(0)) << "sorted, and from zero on";
  EXPECT_EQ(trace.calls[1].at, std::chrono::seconds(2));
  EXPECT_EQ(trace.calls[1].weight, fare::Tokens(1025));
  EXPECT_EQ(trace.calls[1].blocks, 3u);
  EXPECT_THAT(runs_of(trace, 1), ElementsAre(BlockRun{0, 2}, BlockRun{7, 1}));
  EXPECT_EQ(trace.unique_blocks, 3u);
}

TEST(PromptTraceTest, BlocksOfAnotherSizeAreNoticed) {
  const char* const row =
      R"({"timestamp": 0, "input_length": 40, "output_length": 5, "hash_ids": [0, 1, 2]})";
  EXPECT_THAT(why(PromptFormat::kMooncake, row),
              HasSubstr("t:1: hash_ids must have an id for every 512 tokens of input_length 40, "
                        "which are 1, but has 3; another size of a block is given with"));
  EXPECT_EQ(good(PromptFormat::kMooncake, row, 16).calls[0].blocks, 3u);
}

// The same part behind another prefix is another block; its share of the input rounds half up.
TEST(PromptTraceTest, NumbersThePrefixesOfRagPulse) {
  const PromptTrace trace = good(PromptFormat::kRagPulse,
                                 R"({"timestamp": "2", "input_length": 5, "output_length": 1, )"
                                 R"("hash_ids": {"a": [9], "b": [9], "skipped": 4}})"
                                 "\n"
                                 R"({"timestamp": "1", "input_length": 5000, "output_length": 1, )"
                                 R"("hash_ids": {"a": [9], "b": [8, 9]}})"
                                 "\n"
                                 R"({"timestamp": "3.5", "input_length": 4, "output_length": 1, )"
                                 R"("hash_ids": {"a": [], "b": [9]}})"
                                 "\n");
  ASSERT_EQ(trace.calls.size(), 3u);
  EXPECT_EQ(trace.calls[0].block_tokens, fare::Tokens(512));
  EXPECT_EQ(trace.calls[0].weight, fare::Tokens(3 * 512));
  EXPECT_EQ(trace.calls[1].block_tokens, fare::Tokens(3));
  EXPECT_EQ(trace.calls[1].weight, fare::Tokens(6));
  EXPECT_EQ(trace.calls[2].at, std::chrono::milliseconds(2'500));
  EXPECT_EQ(trace.unique_blocks, 5u);
  EXPECT_EQ(fare::common_prefix(runs_of(trace, 0), runs_of(trace, 1)), 1u);
  EXPECT_EQ(fare::common_prefix(runs_of(trace, 1), runs_of(trace, 2)), 0u);
}

constexpr std::string_view kSession =
    R"({"id": "s", "block_size": 64, "requests": [)"
    R"({"t": 1.5, "model": "m", "in": 200, "out": 3, "h": [1, 2, 9, 1], "ttft": 0.25,)"
    R"( "input_types": ["text", "image"], "output_types": []},)"
    R"({"t": 10.0, "requests": [)"
    R"({"t": 0.5, "model": "n", "in": 64, "out": 3, "h": [20, 1], "api_time": null}]}]})";

TEST(PromptTraceTest, ReadsClaudeCodeSessionsWithTheirSubAgents) {
  const std::string text = std::string(kSession) + "\n" + std::string(kSession) + "\n";
  const PromptTrace trace = good(PromptFormat::kClaudeCode, text);
  ASSERT_EQ(trace.calls.size(), 4u);
  EXPECT_EQ(trace.sessions.size(), 2u);
  EXPECT_THAT(trace.models, ElementsAre("m", "n"));
  EXPECT_EQ(trace.calls[0].at, std::chrono::milliseconds(1'500));
  EXPECT_EQ(trace.calls[0].first_token, std::chrono::milliseconds(250));
  EXPECT_EQ(trace.calls[0].answer, kUnrecorded);
  EXPECT_EQ(trace.calls[0].input_items, 2u);
  EXPECT_EQ(trace.calls[0].output_items, 0u);
  EXPECT_EQ(trace.calls[1].at, std::chrono::milliseconds(10'500));
  EXPECT_EQ(trace.calls[1].recorded_at, std::chrono::milliseconds(500));
  EXPECT_EQ(trace.calls[1].output_items, 1u);
  EXPECT_THAT(runs_of(trace, 0), ElementsAre(BlockRun{1, 2}, BlockRun{9, 1}));
  EXPECT_EQ(fare::common_prefix(runs_of(trace, 0), runs_of(trace, 2)), 0u)
      << "names are local to a session";
  EXPECT_EQ(trace.unique_blocks, 8u);
}

TEST(PromptTraceTest, EveryBadLineIsSaidWithPlaceValueAndRule) {
  const std::string said =
      why(PromptFormat::kMooncake,
          "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n"
          "\n"
          "{\"timestamp\": 0, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": [1]}\n"
          "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1}\n"
          "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [\"x\"]}\n"
          "{\"timestamp\": 0, \"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, "
          "\"hash_ids\": [1]}\n"
          "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n"
          "[]\n{");
  for (const char* part :
       {"t:1: timestamp must be a whole number from 0 to 9000000000000, but is -1",
        "t:3: input_length must be a whole number from 1 to 1000000000000, but is 0",
        "t:4: needs the key \"hash_ids\"",
        "t:5: an id of hash_ids must be a whole number from 0 to 4611686018427387903, but is",
        "t:6: has the key \"timestamp\" twice", "t:8: must be a JSON object, but is []",
        "t:9: must be one line of JSON, but is not"}) {
    EXPECT_THAT(said, HasSubstr(part));
  }
  EXPECT_THAT(said, testing::Not(HasSubstr("t:7")));
}

TEST(PromptTraceTest, SaysWhereInASessionItIsWrong) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text(kSession);
    text.replace(text.find(from), from.size(), to);
    return why(PromptFormat::kClaudeCode, text);
  };
  EXPECT_THAT(with("[1, 2, 9, 1]", "[1, 2, 9]"), HasSubstr("requests/0/h must be pairs"));
  EXPECT_THAT(with("[1, 2, 9, 1]", "[1, 2]"),
              HasSubstr("t:1: requests/0/h must have in / block_size = 200 / 64 = 3 blocks, but "
                        "has 2"));
  EXPECT_THAT(with("[20, 1]", "[20, 0]"),
              HasSubstr("requests/1/requests/0/a count of h must be a whole number from 1"));
  EXPECT_THAT(with("\"t\": 0.5", "\"t\": \"soon\""),
              HasSubstr("requests/1/requests/0/t must be seconds from 0 to 9000000"));
  EXPECT_THAT(with("\"ttft\": 0.25", "\"ttft\": -1"), HasSubstr("requests/0/ttft must be seconds"));
  EXPECT_THAT(with("\"model\": \"n\"", "\"model\": \"\""),
              HasSubstr("requests/1/requests/0/model must be a text of 1 to 200 bytes"));
  EXPECT_THAT(with("\"block_size\": 64", "\"block_size\": 0"), HasSubstr("block_size must be"));
  EXPECT_THAT(why(PromptFormat::kClaudeCode, ""), HasSubstr("has no call"));
  EXPECT_THAT(why(PromptFormat::kClaudeCode, R"({"id": "s", "block_size": 64, "requests": 5})"),
              HasSubstr("requests must be a list, but is 5"));
}

// No text may crash a reader: the good ones, cut anywhere and with any byte changed.
TEST(PromptTraceTest, SurvivesDamage) {
  const std::string rag =
      R"({"timestamp": "2", "input_length": 5, "output_length": 1, "hash_ids": {"a": [9]}})";
  const struct {
    PromptFormat format;
    std::string text;
  } cases[] = {{PromptFormat::kClaudeCode, std::string(kSession)}, {PromptFormat::kRagPulse, rag}};
  for (const auto& one : cases) {
    for (std::size_t i = 0; i < one.text.size(); ++i) {
      EXPECT_NE(why(one.format, one.text.substr(0, i)), "it can be read");
      for (const char byte : {'{', '9', '"', '-', '\0', '\xff'}) {
        std::string text = one.text;
        text[i] = byte;
        why(one.format, text);
      }
    }
  }
}

}  // namespace
}  // namespace routesim
