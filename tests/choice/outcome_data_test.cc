#include "fare/outcome_data.h"

#include <gmock/gmock.h>

#include "fare/text_features.h"

namespace fare {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGood =
    R"({"id": "1", "prompt": "What is a cat?", "outcomes": {"b": {"quality": 1, "cost_usd": "0.25",
"latency_ms": 12}, "a": {"quality": 0.5, "answer": ""}}, "group": "animals", "split": "train"})";

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) c = c == '\n' ? ' ' : c;
  return line + "\n";
}

TEST(OutcomeDataTest, ReadsARow) {
  const auto data = parse_outcomes("d.jsonl", one_line(kGood), {});
  ASSERT_TRUE(data) << to_text(data.error());
  EXPECT_EQ(data->targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(data->has_split);
  const OutcomeRow& row = data->rows[0];
  EXPECT_FALSE(row.test);
  EXPECT_EQ(row.hash, prompt_hash("what is a cat?"));
  EXPECT_EQ(row.outcomes[0]->quality, 0.5f);
  EXPECT_EQ(to_usd(*row.outcomes[1]->cost), "0.25");
  EXPECT_EQ(*row.outcomes[1]->latency_ms, 12);
  EXPECT_EQ(data->groups[row.group], "animals");
}

TEST(OutcomeDataTest, NamesEveryProblemWithItsLine) {
  const OutcomeNames names{.targets = {"cheap", "dear"}, .classes = {"simple"}};
  const std::string text =
      R"({"id": "1", "prompt": "p1", "outcomes": {"cheap": {"quality": 1.5}}})"
      "\n"
      R"({"id": "2", "prompt": "p2", "outcomes": {"chaep": {"quality": 1}}})"
      "\n"
      "\n"
      R"({"id": "4", "prompt": "p4", "outcomes": {"cheap": {"quality": 1, "cost_usd": "-1"}}})"
      "\n"
      R"({"id": "5", "prompt": "p5", "class": "simpel"})"
      "\n"
      R"({"id": "6", "prompt": "p6"})"
      "\n"
      R"({"id": "7", "prompt": "p7", "class": "simple", "split": "dev"})"
      "\n"
      "{broken\n"
      R"({"id": "9", "outcomes": {}, "colour": 1})"
      "\n";
  const auto data = parse_outcomes("d.jsonl", text, names);
  ASSERT_FALSE(data);
  const std::string all = to_text(data.error());
  for (const char* part :
       {"d.jsonl:1#/outcomes/cheap/quality", "d.jsonl:2#/outcomes/chaep", "did you mean \"cheap\"",
        "d.jsonl:4#/outcomes/cheap/cost_usd", "d.jsonl:5#/class", "d.jsonl:6", "d.jsonl:7#/split",
        "d.jsonl:8", "d.jsonl:9", "colour"}) {
    EXPECT_THAT(all, HasSubstr(part));
  }
}

struct Pair {
  std::string name, first, second, message;
};

TEST(OutcomeDataTest, RefusesRowsThatContradict) {
  const std::string outcome = R"("outcomes": {"a": {"quality": 1}})";
  const Pair cases[] = {
      {"the same prompt on both sides",
       R"({"id": "1", "prompt": "What is a cat?", "split": "train", )" + outcome + "}",
       R"({"id": "2", "prompt": "what is  a CAT?", "split": "test", )" + outcome + "}",
       "d.jsonl:2: asks the same as line 1"},
      {"an id twice", R"({"id": "1", "prompt": "p", )" + outcome + "}",
       R"({"id": "1", "prompt": "q", )" + outcome + "}", "stands in line 1 already"},
      {"a split on some rows", R"({"id": "1", "prompt": "p", "split": "train", )" + outcome + "}",
       R"({"id": "2", "prompt": "q", )" + outcome + "}", "has no split, unlike line 1"},
      {"embeddings of two lengths",
       R"({"id": "1", "prompt": "p", "embedding": [1, 2], )" + outcome + "}",
       R"({"id": "2", "prompt": "q", "embedding": [1], )" + outcome + "}",
       "embedding of 1 numbers"},
  };
  for (const Pair& one : cases) {
    const auto data = parse_outcomes("d.jsonl", one.first + "\n" + one.second + "\n", {});
    ASSERT_FALSE(data) << one.name;
    EXPECT_THAT(to_text(data.error()), HasSubstr(one.message)) << one.name;
  }
}

TEST(OutcomeDataTest, TheSamePromptMayStandTwiceOnOneSide) {
  const std::string rest = R"(", "prompt": "p", "split": "test", "class": "c"})";
  EXPECT_TRUE(parse_outcomes("d", "{\"id\": \"1" + rest + "\n{\"id\": \"2" + rest, {}));
}

TEST(OutcomeDataTest, SaysThatAFileIsEmpty) {
  const auto data = parse_outcomes("d.jsonl", "\n \n", {});
  ASSERT_FALSE(data);
  EXPECT_THAT(to_text(data.error()), HasSubstr("has no rows"));
}

}  // namespace
}  // namespace fare
