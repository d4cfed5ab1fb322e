#include "fare/text_features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "allocations.h"
#include "base/random.h"
#include "slow_text_reader.h"

namespace fare {
namespace {

float hand(const TextFeatures& features, std::string_view name) {
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    if (hand_feature_name(i) == name) return features.hand[i];
  }
  ADD_FAILURE() << name << " is no hand feature";
  return 0;
}

std::uint32_t total(std::span<const GramCount> grams) {
  std::uint32_t sum = 0;
  for (const GramCount& gram : grams) sum += gram.count;
  return sum;
}

TEST(AskingPartTest, StripsByRule) {
  const struct {
    std::string name, prompt, asks;
  } cases[] = {
      {"worked examples",
       "Q one?\nAnswer:\nA\n\nQ two?\nAnswer:\nB\n\nQ three?\nAnswer:", "\n\nQ three?\nAnswer:"},
      {"a single open question", "Which?\nA. x\nB. y\nAnswer:", "Which?\nA. x\nB. y\nAnswer:"},
      {"an answer that is given", "Q?\nAnswer: 5\n\nQ2?\nAnswer: 6",
       "Q?\nAnswer: 5\n\nQ2?\nAnswer: 6"},
      {"a transcript", "System: be kind\nUser: hi\nAssistant: hello\nUser: what is 2+2?",
       " what is 2+2?"},
      {"a turn that was answered", "User: what is 2+2?\nAssistant: four", " what is 2+2?"},
      {"a tool's dump", "Sum it up: <tool_result>a b c</tool_result> please", "Sum it up:  please"},
      {"an element that does not end", "Look: <context>a b", "Look: <context>a b"},
      {"quoted lines", "> they wrote\n> this\nIs it true?", "Is it true?"},
      {"nothing but a quote", "<document>all of it</document>", "<document>all of it</document>"},
      {"a comparison is no element", "if a < b and b > c", "if a < b and b > c"},
      {"empty", "", ""},
  };
  for (const auto& one : cases) EXPECT_EQ(asking_part(one.prompt), one.asks) << one.name;
}

TEST(AskingPartTest, HashesWhatIsAsked) {
  EXPECT_EQ(prompt_hash("What  is\n2?"), prompt_hash(" what is 2? "));
  EXPECT_EQ(prompt_hash("User: What is 2?"), prompt_hash("What is 2?"));
  EXPECT_NE(prompt_hash("What is 2?"), prompt_hash("What is 3?"));
}

TEST(TextFeaturesTest, CountsGramsAsAPersonWould) {
  TextReader reader({14, 14});
  const TextFeatures features = reader.read("Ab cd, ab");
  // Words ab, cd, ab and pairs ab cd, cd ab.
  EXPECT_EQ(total(features.words), 5u);
  EXPECT_EQ(features.words.size(), 4u);
  // " ab " and " ab " have two 3-grams and a 4-gram each; " cd, " has 3, 2 and 1.
  EXPECT_EQ(total(features.characters), 3u + 3u + 6u);
  EXPECT_FLOAT_EQ(hand(features, "log_words"), std::log1p(3.0f));
  EXPECT_FLOAT_EQ(hand(features, "commas"), std::log1p(1.0f));
}

TEST(TextFeaturesTest, NamesEveryGramWithItsBucket) {
  TextReader reader({14, 14});
  const TextFeatures features = reader.read("Prove that 17 is prime: 证明 это");
  std::set<std::uint32_t> words, characters;
  for (const NamedGram& gram : reader.grams()) {
    (gram.is_word ? words : characters).insert(gram.bucket);
  }
  for (const GramCount& gram : features.words) EXPECT_EQ(words.count(gram.bucket), 1u);
  for (const GramCount& gram : features.characters) EXPECT_EQ(characters.count(gram.bucket), 1u);
  EXPECT_EQ(words.size(), features.words.size());
  EXPECT_EQ(characters.size(), features.characters.size());
}

TEST(TextFeaturesTest, ReadsEightLanguages) {
  TextReader reader({14, 14});
  for (const char* prompt :
       {"Prove that it converges", "Demuestra que converge", "Beweise die Konvergenz",
        "Démontre la convergence", "Докажи сходимость", "证明它收敛", "Demonstre que converge"}) {
    EXPECT_GT(hand(reader.read(prompt), "opens_with_proof"), 0) << prompt;
  }
  EXPECT_EQ(hand(reader.read("What is a cat?"), "opens_with_proof"), 0);
  EXPECT_EQ(hand(reader.read("ÄRGER ДОМ"), "upper_ratio"), 8.0f / 9.0f);
  EXPECT_GT(hand(reader.read("1. x\nA. cat\nB. zebras"), "option_spread"), 0);
}

TEST(TextFeaturesTest, FoldsCaseInsideGrams) {
  TextReader reader({14, 14}), other({14, 14});
  const TextFeatures a = reader.read("ÉCRIS ДОКАЖИ Hello"), b = other.read("écris докажи hello");
  ASSERT_EQ(a.characters.size(), b.characters.size());
  for (std::size_t i = 0; i < a.characters.size(); ++i) {
    EXPECT_EQ(a.characters[i].bucket, b.characters[i].bucket);
  }
}

TEST(TextFeaturesTest, EveryNameIsUnique) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kHandFeatures; ++i) names.insert(hand_feature_name(i));
  EXPECT_EQ(names.size(), kHandFeatures);
}

// Text of any kind: words, keywords, options, marks, other scripts, broken bytes.
std::string any_text(RandomStream& stream) {
  static constexpr std::string_view kPieces[] = {" ",
                                                 " ",
                                                 " ",
                                                 "\n",
                                                 "\t",
                                                 "the ",
                                                 "prove",
                                                 "Proof",
                                                 "don't",
                                                 "x'y'z",
                                                 "'",
                                                 "''",
                                                 "A. one\n",
                                                 "(b) two\n",
                                                 "c) ",
                                                 "1,234.5",
                                                 "0",
                                                 "__",
                                                 "_",
                                                 "___ ",
                                                 "?",
                                                 "!",
                                                 ". ",
                                                 "...",
                                                 "{x;}",
                                                 "a<b>",
                                                 "`code`",
                                                 "^2+3=5",
                                                 "\\frac$",
                                                 "\"quoted\"",
                                                 ":",
                                                 "(",
                                                 "Answer:",
                                                 "\nAnswer:\n\n",
                                                 "User: ",
                                                 "> quoted\n",
                                                 "<context>in</context>",
                                                 "\xc3\x89"
                                                 "cole",
                                                 "\xd0\x94\xd0\xbe\xd0\xba\xd0\xb0",
                                                 "\xe8\xaf\x81\xe6\x98\x8e",
                                                 "\xe3\x80\x82",
                                                 "\xef\xbc\x9f",
                                                 "\xef\xbc\x91",
                                                 "\xef\xbc\xa1",
                                                 "\xe2\x88\x91",
                                                 "\xe2\x80\x9c",
                                                 "\xe3\x80\x80",
                                                 "\xc2\xa0",
                                                 "\xff",
                                                 "\xe4\xb8",
                                                 "\xf0\x9f\x98\x80",
                                                 "abcdefghijklmnopqrstuvwxyz",
                                                 "implementation",
                                                 "requirements",
                                                 "\r\n",
                                                 std::string_view("\0", 1)};
  std::string text;
  const std::uint64_t pieces = stream.below(10) == 0 ? stream.below(4'000) : stream.below(120);
  for (std::uint64_t i = 0; i < pieces; ++i) {
    if (stream.below(3) == 0) {
      for (std::uint64_t k = stream.below(9); k > 0; --k) {
        text += static_cast<char>((stream.below(9) == 0 ? 'A' : 'a') + stream.below(26));
      }
    } else {
      text += kPieces[stream.below(std::size(kPieces))];
    }
  }
  return text;
}

void expect_same(std::span<const GramCount> quick, std::span<const GramCount> slow) {
  ASSERT_EQ(quick.size(), slow.size());
  for (std::size_t i = 0; i < slow.size(); ++i) {
    ASSERT_EQ(quick[i].bucket, slow[i].bucket) << i;
    ASSERT_EQ(quick[i].count, slow[i].count) << i;
  }
}

// Goal: model files stay valid: features are the same to the last bit, in the same order.
// Method: the reader that takes one concern a pass.
TEST(TextFeaturesTest, AreThoseOfTheSlowReader) {
  const RandomKey key(8, 0, Purpose::kTest);
  TextReader quick({13, 12});
  slow::TextReader slow({13, 12});
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    RandomStream stream(key, seed);
    const std::string prompt = any_text(stream);
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    const TextFeatures ours = quick.read(prompt), theirs = slow.read(prompt);
    for (std::size_t i = 0; i < kHandFeatures; ++i) {
      ASSERT_EQ(ours.hand[i], theirs.hand[i]) << hand_feature_name(i);
    }
    expect_same(ours.words, theirs.words);
    expect_same(ours.characters, theirs.characters);
  }
}

// Goal: any bytes are read, to finite features, and never more of them than promised.
TEST(TextFeaturesTest, SurvivesAnyBytes) {
  const RandomKey key(7, 0, Purpose::kTest);
  TextReader reader({12, 12});
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomStream stream(key, seed);
    std::string prompt(stream.below(seed % 10 == 0 ? 20'000 : 200), ' ');
    for (char& c : prompt) {
      static constexpr std::string_view kLikely = "<>/ \nA:nswer.documentUser:\xe4\xb8\xad";
      c = stream.below(2) == 0 ? kLikely[stream.below(kLikely.size())]
                               : static_cast<char>(stream.below(256));
    }
    const TextFeatures features = reader.read(prompt);
    for (const float value : features.hand) ASSERT_TRUE(std::isfinite(value));
    ASSERT_LE(total(features.characters), 3 * (kPromptBytesRead + 2));
    ASSERT_FALSE(prompt_hash(prompt).empty());
  }
}

TEST(TextFeaturesTest, AllocatesNothingOnceWarm) {
  TextReader reader({14, 14});
  std::string longest;
  while (longest.size() < 20'000) longest += "some words, 中文 and <context>x</context> more\n";
  reader.read(longest);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) {
    reader.read(longest);
    reader.read("short");
  }
  EXPECT_EQ(allocations() - before, 0u);
}

}  // namespace
}  // namespace fare
