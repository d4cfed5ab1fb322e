#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

namespace fare {

enum class CharacterKind : std::uint8_t {
  kSpace,
  kLetter,
  kDigit,
  kIdeograph,  // Chinese, Japanese, Korean: a word of its own.
  kSymbol,     // Everything else.
};

// One character of a text, folded to lower case.
struct CodePoint {
  std::uint32_t value;  // Digits stay digits; a byte that is no UTF-8 becomes U+FFFD.
  CharacterKind kind;
  bool upper;           // Whether it was an upper-case letter.
  std::uint8_t length;  // Bytes, at least 1.
};

// The characters that are one byte, and all others.
extern const std::array<CodePoint, 128> kAsciiCodePoints;
CodePoint decode_long(std::string_view text, std::size_t at);

// The character at `text[at]`.  REQUIRES: at < text.size().
inline CodePoint decode(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte < 0x80 ? kAsciiCodePoints[byte] : decode_long(text, at);
}

// Appends the UTF-8 of a code point that decode() gave.
void append_utf8(std::uint32_t value, std::string& text);

}  // namespace fare
