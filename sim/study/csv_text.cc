#include "study/csv_text.h"

#include <charconv>
#include <cstdint>

namespace routesim {
namespace {

void append_utf8(std::uint32_t value, std::string& text) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xc0u | value >> 6);
  } else if (value < 0x10000) {
    put(0xe0u | value >> 12);
    put(0x80u | (value >> 6 & 0x3fu));
  } else {
    put(0xf0u | value >> 18);
    put(0x80u | (value >> 12 & 0x3fu));
    put(0x80u | (value >> 6 & 0x3fu));
  }
  put(0x80u | (value & 0x3fu));
}

// Reads what follows a backslash; returns how many characters it took, 0 if it is broken.
std::size_t read_escape(std::string_view text, std::string& out) {
  if (text.empty()) return 0;
  static constexpr std::string_view kFrom = "ntrabfv0\\'\"";
  static constexpr std::string_view kTo("\n\t\r\a\b\f\v\0\\'\"", 11);
  if (const std::size_t at = kFrom.find(text[0]); at != std::string_view::npos) {
    out += kTo[at];
    return 1;
  }
  const std::size_t digits = text[0] == 'x' ? 2 : text[0] == 'u' ? 4 : text[0] == 'U' ? 8 : 0;
  if (digits == 0 || text.size() <= digits) return 0;
  std::uint32_t value = 0;
  const char* end = text.data() + 1 + digits;
  const auto [stop, error] = std::from_chars(text.data() + 1, end, value, 16);
  if (error != std::errc() || stop != end) return 0;
  append_utf8(value, out);
  return digits + 1;
}

}  // namespace

bool CsvText::next(std::vector<std::string>& row) {
  row.clear();
  row_line_ = line_;
  if (rest_.empty()) return false;
  std::string field;
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    line_ += c == '\n' ? 1 : 0;
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (at + 1 < rest_.size() && rest_[at + 1] == '"') {
        field += rest_[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      row.push_back(std::move(field));
      field.clear();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      field += c;
    }
  }
  row.push_back(std::move(field));
  rest_.remove_prefix(at);
  return true;
}

std::optional<std::vector<std::string>> python_strings(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::vector<std::string> strings;
  for (std::size_t at = 1; at + 1 < text.size();) {
    const char quote = text[at];
    if (quote == ' ' || quote == ',') {
      ++at;
      continue;
    }
    if (quote != '\'' && quote != '"') return std::nullopt;
    std::string one;
    for (++at; at < text.size() && text[at] != quote;) {
      if (text[at] != '\\') {
        one += text[at++];
        continue;
      }
      const std::size_t taken = read_escape(text.substr(at + 1), one);
      if (taken == 0) {
        one += text[at++];
      } else {
        at += 1 + taken;
      }
    }
    if (at == text.size()) return std::nullopt;
    ++at;
    strings.push_back(std::move(one));
  }
  return strings;
}

}  // namespace routesim
