#include "report/table.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

std::string coloured(bool on, const char* code, const std::string& text) {
  return on ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

// Characters of UTF-8 text: the bytes that do not continue one.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  }));
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line = "  ";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string blanks(widths[i] - width_of(cells[i]), ' ');
    if (i > 0) line += "  ";
    line += i == 0 ? cells[i] + blanks : blanks + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string Style::bold(const std::string& text) const { return coloured(colour, "1", text); }
std::string Style::dim(const std::string& text) const { return coloured(colour, "2", text); }
std::string Style::good(const std::string& text) const { return coloured(colour, "32", text); }
std::string Style::bad(const std::string& text) const { return coloured(colour, "31", text); }

std::string Table::text(const Style& style) const {
  std::vector<std::size_t> widths;
  for (const std::string& cell : header_) widths.push_back(width_of(cell));
  for (const auto& row : rows_) {
    FARE_CHECK(row.size() == widths.size());
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text = style.dim(line_of(header_, widths)) + "\n";
  for (const auto& row : rows_) text += line_of(row, widths) + "\n";
  return text;
}

}  // namespace routesim
