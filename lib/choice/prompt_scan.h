#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "choice/code_points.h"  // CodePoint.

namespace fare {

// What characters that are no part of words come to, and some that are.
struct MarkCounts {
  std::size_t symbols = 0, questions = 0, full_stops = 0, commas = 0, blanks = 0, code = 0;
  std::size_t math = 0, quotes = 0, colons = 0, parentheses = 0, lines = 0;
  std::size_t digits = 0, upper = 0, foreign = 0, accented = 0, cyrillic = 0, ideographs = 0;
};

// The characters of a prompt's asking part, folded, in one pass: the hot loop of reading.  Places
// count from 1; before the first and behind the last character stands a blank.  Keeps its memory.
class PromptScan {
 public:
  // Bits that tell what a character is.
  enum Flag : std::uint8_t {
    kLetter = 1,
    kDigit = 2,
    kInWord = kLetter | kDigit,
    kIdeograph = 4,
    kUpper = 8,
    kSpace = 16,
    kNewLine = 32,  // Besides kSpace; nothing else has both.
    kSymbol = 64,
  };

  PromptScan();

  void read(std::string_view prompt);

  std::size_t size() const { return size_; }  // Characters: at 1 ... size().
  // Digits are '0', all blanks ' '.  Readable from 0 to size() + 1.
  const std::uint32_t* values() const { return values_.data(); }
  const std::uint8_t* flags() const { return flags_.data(); }
  // Where the blanks stand, ascending, from 0 to size() + 1.
  const std::vector<std::uint32_t>& blank_places() const { return blanks_; }
  std::size_t blank_count() const { return blank_count_; }
  // The first new line at or behind `place`; size() + 1 if there is none.
  std::size_t line_end(std::size_t place) const;

  MarkCounts marks() const;

 private:
  void read_piece(std::string_view piece);
  void put_long(const CodePoint& point);
  std::size_t blank_runs() const;

  std::size_t size_ = 0, blank_count_ = 0;
  std::vector<std::uint32_t> values_;
  std::vector<std::uint8_t> flags_;
  std::vector<std::uint32_t> blanks_;
  std::array<std::uint16_t, 128> ascii_{};  // How often each came.
  MarkCounts long_;                         // What is not ASCII.
};

}  // namespace fare
