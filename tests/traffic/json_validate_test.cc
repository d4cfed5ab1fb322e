#include "traffic/json_validate.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "base/random.h"
#include "traffic/digit_masks.h"

namespace routesim {
namespace {

fare::RandomStream stream_of(std::uint64_t seed) {
  return fare::RandomStream(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
}

bool is_plain(const std::string& text) {
  // What is behind it must not matter: digits, so that it would if it did.
  const std::string padded = text + std::string(DigitMasks::kBytes, '7');
  return is_plain_list(std::string_view(padded).substr(0, text.size()));
}

TEST(DigitMasksTest, NamesEveryByteAtEveryPlaceAlikeOnEveryMachine) {
  for (std::size_t at = 0; at < DigitMasks::kBytes; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text(DigitMasks::kBytes, 'x');
      text[at] = static_cast<char>(byte);
      const std::uint64_t bit = std::uint64_t{1} << at;
      const DigitMasks due = {.digits = byte >= '0' && byte <= '9' ? bit : 0,
                              .zeros = byte == '0' ? bit : 0,
                              .commas = byte == ',' ? bit : 0,
                              .blanks = byte == ' ' ? bit : 0};
      EXPECT_EQ(digit_masks(text.data()), due) << at << " " << byte;
      EXPECT_EQ(portable_digit_masks(text.data()), due) << at << " " << byte;
    }
  }
}

TEST(JsonValidateTest, KnowsPlainLists) {
  for (const char* text : {"[]", "[0]", "[7]", "[0, 0]", "[10,20, 30]", "[123456789012345678]"}) {
    EXPECT_TRUE(is_plain(text)) << text;
  }
  for (const char* text : {"",
                           "[",
                           "]",
                           "[ ]",
                           "[,]",
                           "[ 1]",
                           "[1 ]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[1,  2]",
                           "[1 ,2]",
                           "[01]",
                           "[1, 00]",
                           "[-1]",
                           "[1.5]",
                           "[1e3]",
                           "[\"1\"]",
                           "[[1]]",
                           "[1\t]",
                           "[1, 2}",
                           "{1]",
                           "[1234567890123456789]",
                           "[1,1234567890123456789]"}) {
    EXPECT_FALSE(is_plain(text)) << text;
  }
}

// Goal: a list is looked at as its rule says wherever a rule meets the end of a block.
// Method: random lists, half of them with one byte exchanged; the reference is a regular
// expression.
TEST(JsonValidateTest, AgreesWithARegularExpressionOnRandomLists) {
  const std::regex rule(R"(\[((0|[1-9]\d{0,17})(, ?(0|[1-9]\d{0,17}))*)?\])");
  int plain = 0;
  constexpr int kRounds = 20'000;
  for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
    fare::RandomStream stream = stream_of(seed);
    std::string text = "[";
    const std::uint64_t items = stream.below(40);
    const std::uint64_t digits_max = 1 + stream.below(19);
    for (std::uint64_t i = 0; i < items; ++i) {
      if (i > 0) text += stream.below(2) == 0 ? "," : ", ";
      const std::uint64_t digits = 1 + stream.below(digits_max);
      text += static_cast<char>((digits == 1 ? '0' : '1') + stream.below(9));
      for (std::uint64_t k = 1; k < digits; ++k) text += static_cast<char>('0' + stream.below(10));
    }
    text += "]";
    if (stream.below(2) == 0) text[stream.below(text.size())] = "0189, x[]\n/:"[stream.below(12)];
    const bool due = std::regex_match(text, rule);
    plain += due;
    ASSERT_EQ(is_plain(text), due) << "seed=" << seed << " " << text;
  }
  EXPECT_GT(plain, kRounds / 4);
  EXPECT_LT(plain, kRounds * 3 / 4);
}

// Where a number of 18 or 19 digits lies must not matter.
TEST(JsonValidateTest, CountsDigitsAcrossBlocks) {
  for (std::size_t before = 3; before <= 3 * DigitMasks::kBytes; ++before) {
    std::string text = "[";
    while (text.size() + 2 <= before) text += "7,";
    if (text.size() < before) text.insert(1, "7");
    EXPECT_TRUE(is_plain(text + std::string(18, '9') + ",5]")) << before;
    EXPECT_FALSE(is_plain(text + std::string(19, '9') + ",5]")) << before;
    EXPECT_FALSE(is_plain(text + std::string(200, '9') + ",5]")) << before;
    EXPECT_FALSE(is_plain(text + "01,5]")) << before;
  }
}

}  // namespace
}  // namespace routesim
