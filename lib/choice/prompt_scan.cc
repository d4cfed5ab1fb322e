#include "choice/prompt_scan.h"

#include <cstring>
#include <string>

#include "choice/asking_part.h"
#include "fare/text_features.h"

namespace fare {
namespace {

struct AsciiEntry {
  std::uint8_t value, flags;
};

std::uint8_t flags_of(const CodePoint& point) {
  switch (point.kind) {
    case CharacterKind::kSpace:
      return PromptScan::kSpace;
    case CharacterKind::kLetter:
      return point.upper ? PromptScan::kLetter | PromptScan::kUpper : PromptScan::kLetter;
    case CharacterKind::kDigit:
      return PromptScan::kDigit;
    case CharacterKind::kIdeograph:
      return PromptScan::kIdeograph;
    case CharacterKind::kSymbol:
      break;
  }
  return PromptScan::kSymbol;
}

const std::array<AsciiEntry, 128>& ascii_entries() {
  static const std::array<AsciiEntry, 128> entries = [] {
    std::array<AsciiEntry, 128> all{};
    for (std::size_t byte = 0; byte < all.size(); ++byte) {
      const char text = static_cast<char>(byte);
      const CodePoint point = decode({&text, 1}, 0);
      all[byte] = {static_cast<std::uint8_t>(point.value), flags_of(point)};
      if (point.kind == CharacterKind::kDigit) all[byte].value = '0';
      if (point.kind == CharacterKind::kSpace) all[byte].value = ' ';
    }
    all['\n'].flags |= PromptScan::kNewLine;
    return all;
  }();
  return entries;
}

}  // namespace

PromptScan::PromptScan()
    : values_(kPromptBytesRead + 2), flags_(values_.size()), blanks_(values_.size()) {}

void PromptScan::read(std::string_view prompt) {
  ascii_.fill(0);
  long_ = {};
  size_ = 0;
  values_[0] = ' ';
  flags_[0] = kSpace;
  blanks_[0] = 0;
  blank_count_ = 1;
  const AskingPieces pieces = asking_pieces(prompt);
  for (std::size_t i = 0; i < pieces.size; ++i) read_piece(pieces.piece[i]);
  values_[size_ + 1] = ' ';
  flags_[size_ + 1] = kSpace;
  blanks_[blank_count_++] = static_cast<std::uint32_t>(size_ + 1);
}

void PromptScan::read_piece(std::string_view piece) {
  const AsciiEntry* const entries = ascii_entries().data();
  std::uint32_t* const values = values_.data();
  std::uint8_t* const flags = flags_.data();
  std::uint32_t* const blanks = blanks_.data();
  std::uint16_t* const ascii = ascii_.data();
  std::size_t place = size_, count = blank_count_;
  for (std::size_t at = 0; at < piece.size();) {
    const auto byte = static_cast<unsigned char>(piece[at]);
    if (byte >= 0x80) {
      const CodePoint point = decode_long(piece, at);
      size_ = place;
      put_long(point);
      ++place;
      if (point.kind == CharacterKind::kSpace) blanks[count++] = static_cast<std::uint32_t>(place);
      at += point.length;
      continue;
    }
    ++at;
    ++place;
    const AsciiEntry entry = entries[byte];
    values[place] = entry.value;
    flags[place] = entry.flags;
    ++ascii[byte];
    // Without a branch: where words end is a toss of a coin.
    blanks[count] = static_cast<std::uint32_t>(place);
    count += entry.value == ' ' ? 1 : 0;
  }
  size_ = place;
  blank_count_ = count;
}

// Any character that takes several bytes, or a byte that is none.
void PromptScan::put_long(const CodePoint& point) {
  const std::uint32_t c = point.kind == CharacterKind::kDigit ? '0' : point.value;
  ++size_;
  values_[size_] = c;
  flags_[size_] = flags_of(point);
  long_.digits += point.kind == CharacterKind::kDigit ? 1 : 0;
  long_.ideographs += point.kind == CharacterKind::kIdeograph ? 1 : 0;
  if (point.kind == CharacterKind::kLetter) {
    long_.upper += point.upper ? 1 : 0;
    long_.foreign += c >= 0x80 ? 1 : 0;
    long_.accented += c >= 0xc0 && c < 0x250 ? 1 : 0;
    long_.cyrillic += c >= 0x400 && c < 0x530 ? 1 : 0;
  }
  if (point.kind != CharacterKind::kSymbol) return;
  ++long_.symbols;
  long_.questions += c == 0xff1f ? 1 : 0;
  long_.full_stops += c == 0x3002 ? 1 : 0;
  long_.commas += c == 0xff0c || c == 0x3001 ? 1 : 0;
  long_.math += c >= 0x2200 && c < 0x2300 ? 1 : 0;
  long_.quotes += c == 0x201c || c == 0x201d ? 1 : 0;
  long_.colons += c == 0xff1a ? 1 : 0;
  long_.parentheses += c == 0xff08 ? 1 : 0;
}

std::size_t PromptScan::line_end(std::size_t place) const {
  const void* const found =
      std::memchr(flags_.data() + place, kSpace | kNewLine, size_ + 1 - place);
  if (found == nullptr) return size_ + 1;
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - flags_.data());
}

// How many rows of "_" there are.
std::size_t PromptScan::blank_runs() const {
  std::size_t runs = 0;
  for (std::size_t i = 1; i <= size_; ++i) {
    runs += values_[i] == '_' && values_[i - 1] != '_' ? 1 : 0;
  }
  return runs;
}

MarkCounts PromptScan::marks() const {
  MarkCounts marks = long_;
  const auto of = [this](std::string_view characters) {
    std::size_t sum = 0;
    for (const char c : characters) sum += ascii_[static_cast<unsigned char>(c)];
    return sum;
  };
  const auto between = [this](unsigned char first, unsigned char last) {
    std::size_t sum = 0;
    for (unsigned c = first; c <= last; ++c) sum += ascii_[c];
    return sum;
  };
  marks.digits += between('0', '9');
  marks.upper += between('A', 'Z');
  marks.symbols += between(0, 127) - between('0', '9') - between('A', 'Z') - between('a', 'z') -
                   between('\t', '\r') - ascii_[' '];
  marks.questions += ascii_['?'];
  marks.commas += ascii_[','];
  marks.blanks = ascii_['_'] == 0 ? 0 : blank_runs();
  marks.code += of("{};`<>");
  marks.math += of("^+=\\$/*");
  marks.quotes += ascii_['"'];
  marks.colons += ascii_[':'];
  marks.parentheses += ascii_['('];
  marks.lines = ascii_['\n'];
  return marks;
}

}  // namespace fare
