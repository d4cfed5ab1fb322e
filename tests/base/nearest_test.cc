#include "base/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fare {
namespace {

// Levenshtein's definition, word for word.
std::size_t slow_distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return std::max(a.size(), b.size());
  const std::size_t replaced =
      slow_distance(a.substr(1), b.substr(1)) + (a.front() == b.front() ? 0 : 1);
  return std::min({replaced, slow_distance(a.substr(1), b) + 1, slow_distance(a, b.substr(1)) + 1});
}

TEST(NearestTest, FindsWhatWasMeant) {
  const std::string long_word(64, 'a');
  const struct {
    const char* name;
    std::string word;
    std::vector<std::string_view> candidates;
    std::string_view expected;
  } cases[] = {
      {"none given", "opus", {}, ""},
      {"equal", "opus", {"opas", "opus"}, "opus"},
      {"letter replaced", "opsu", {"gpt-5", "opus"}, "opus"},
      {"letter dropped",
       "claude-haiku-45",
       {"claude-opus-4-5", "claude-haiku-4-5"},
       "claude-haiku-4-5"},
      {"letter added", "contextt", {"content", "context"}, "context"},
      {"the nearer of two",
       "gpt-5.4-mimi",
       {"gpt-5.4", "gpt-5.4-nano", "gpt-5.4-mini"},
       "gpt-5.4-mini"},
      {"a tie goes to the first", "gpt-5", {"gpt-4", "gpt-6"}, "gpt-4"},
      {"nothing in common", "ab", {"xy"}, ""},
      {"too far", "temperature", {"candidates", "name"}, ""},
      {"a third of twelve letters", "abcdefghijkl", {"abcdefghWXYZ"}, "abcdefghWXYZ"},
      {"more than a third of twelve", "abcdefghijkl", {"abcdefgVWXYZ"}, ""},
      {"empty word", "", {"a", "ab", "abc"}, ""},
      {"empty candidate", "a", {""}, ""},
      {"bytes, not letters", "caf\xc3\xa9", {"cafe"}, "cafe"},
      {"64 bytes still compare", long_word, {long_word}, long_word},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(nearest(test.word, test.candidates), test.expected) << test.name;
  }
}

TEST(NearestTest, LooksAtNoWordLongerThanSixtyFourBytes) {
  const std::string longer(65, 'a');
  const std::string just(64, 'a');
  EXPECT_EQ(nearest(longer, std::vector<std::string_view>{just}), "");
  EXPECT_EQ(nearest(just, std::vector<std::string_view>{longer}), "");
}

// Goal: the answer is a candidate of the least distance, the first of those, and none is passed
// over. Method: random words of few letters against the recursive definition of the distance.
TEST(NearestTest, ReturnsTheFirstCandidateOfLeastDistance) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 rng(seed);
    const auto word_of = [&rng] {
      std::string word(rng() % 7, ' ');
      for (char& c : word) c = static_cast<char>('a' + rng() % 3);
      return word;
    };
    const std::string word = word_of();
    std::vector<std::string> all(rng() % 5);
    for (std::string& one : all) one = word_of();
    const std::vector<std::string_view> candidates(all.begin(), all.end());
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    std::string_view expected;
    for (const std::string_view candidate : candidates) {
      const std::size_t distance = slow_distance(word, candidate);
      if (distance >= least || distance >= candidate.size()) continue;
      least = distance;
      expected = candidate;
    }
    const std::string_view found = nearest(word, candidates);
    ASSERT_EQ(found, expected) << word;
    ASSERT_TRUE(found.empty() || found.data() == expected.data());
  }
}

TEST(NearestTest, AHintIsTheEndOfASentence) {
  EXPECT_EQ(did_you_mean("seed"), "; did you mean \"seed\"?");
  EXPECT_EQ(did_you_mean(""), "");
}

}  // namespace
}  // namespace fare
