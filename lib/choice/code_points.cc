#include "choice/code_points.h"

#include <array>
#include <string>

namespace fare {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

constexpr CharacterKind ascii_kind(unsigned byte) {
  if (byte == ' ' || (byte >= '\t' && byte <= '\r')) return CharacterKind::kSpace;
  if (byte >= '0' && byte <= '9') return CharacterKind::kDigit;
  const unsigned lower = byte | 0x20u;
  return lower >= 'a' && lower <= 'z' ? CharacterKind::kLetter : CharacterKind::kSymbol;
}

constexpr std::array<CodePoint, 128> make_ascii() {
  std::array<CodePoint, 128> table{};
  for (unsigned byte = 0; byte < 128; ++byte) {
    const bool upper = byte >= 'A' && byte <= 'Z';
    table[byte] = {upper ? byte | 0x20u : byte, ascii_kind(byte), upper, 1};
  }
  return table;
}

bool is_ideograph(std::uint32_t value) {
  return (value >= 0x3040 && value <= 0x30ff) || (value >= 0x3400 && value <= 0x9fff) ||
         (value >= 0xac00 && value <= 0xd7af) || (value >= 0xf900 && value <= 0xfaff) ||
         (value >= 0x20000 && value <= 0x3ffff);
}

bool is_space(std::uint32_t value) {
  return value == 0xa0 || value == 0x1680 || (value >= 0x2000 && value <= 0x200b) ||
         value == 0x2028 || value == 0x2029 || value == 0x202f || value == 0x205f ||
         value == 0x3000 || value == 0xfeff || value == 0x85;
}

bool is_symbol(std::uint32_t value) {
  return value < 0xc0 || value == 0xd7 || value == 0xf7 || (value >= 0x2010 && value <= 0x2bff) ||
         (value >= 0x3001 && value <= 0x303f) || (value >= 0xff00 && value <= 0xff0f) ||
         (value >= 0xff1a && value <= 0xff20) || value >= 0xfff0;
}

// The lower case of Latin-1, Latin Extended-A, Greek and Cyrillic capitals; others as they are.
std::uint32_t fold(std::uint32_t value) {
  if (value >= 0xc0 && value <= 0xde && value != 0xd7) return value + 0x20;
  if (value >= 0x100 && value <= 0x137) return value | 1u;
  if (value >= 0x139 && value <= 0x148) return value + (value & 1u);
  if (value >= 0x14a && value <= 0x177) return value | 1u;
  if (value >= 0x391 && value <= 0x3a9) return value + 0x20;
  if (value >= 0x400 && value <= 0x40f) return value + 0x50;
  if (value >= 0x410 && value <= 0x42f) return value + 0x20;
  if (value >= 0xff21 && value <= 0xff3a) return value - 0xff21 + 'a';  // Full width.
  if (value >= 0xff41 && value <= 0xff5a) return value - 0xff41 + 'a';
  return value;
}

CodePoint classify(std::uint32_t value, std::uint8_t length) {
  if (value >= 0xff10 && value <= 0xff19) {
    return {value - 0xff10 + '0', CharacterKind::kDigit, false, length};
  }
  if (is_ideograph(value)) return {value, CharacterKind::kIdeograph, false, length};
  if (is_space(value)) return {' ', CharacterKind::kSpace, false, length};
  if (is_symbol(value)) return {value, CharacterKind::kSymbol, false, length};
  const std::uint32_t folded = fold(value);
  return {folded, CharacterKind::kLetter, folded != value, length};
}

}  // namespace

const std::array<CodePoint, 128> kAsciiCodePoints = make_ascii();

CodePoint decode_long(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const std::uint32_t first = byte(at);
  const auto tail = [&](std::size_t i) { return byte(at + i) & 0x3fu; };
  const auto continues = [&](std::size_t i) { return (byte(at + i) & 0xc0u) == 0x80u; };
  if (first >= 0xc2 && first < 0xe0 && continues(1)) {
    return classify((first & 0x1fu) << 6 | tail(1), 2);
  }
  if (first >= 0xe0 && first < 0xf0 && continues(1) && continues(2)) {
    const std::uint32_t value = (first & 0x0fu) << 12 | tail(1) << 6 | tail(2);
    const bool valid = value >= 0x800 && (value < 0xd800 || value > 0xdfff);
    if (valid) return classify(value, 3);
  }
  if (first >= 0xf0 && first < 0xf5 && continues(1) && continues(2) && continues(3)) {
    const std::uint32_t value = (first & 7u) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3);
    if (value >= 0x10000 && value <= 0x10ffff) return classify(value, 4);
  }
  return {kReplacement, CharacterKind::kSymbol, false, 1};
}

void append_utf8(std::uint32_t value, std::string& text) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xc0u | value >> 6);
    return put(0x80u | (value & 0x3fu));
  }
  if (value < 0x10000) {
    put(0xe0u | value >> 12);
  } else {
    put(0xf0u | value >> 18);
    put(0x80u | (value >> 12 & 0x3fu));
  }
  put(0x80u | (value >> 6 & 0x3fu));
  put(0x80u | (value & 0x3fu));
}

}  // namespace fare
