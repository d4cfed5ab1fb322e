#pragma once

#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace routesim {

// Rows of CSV whose quoted fields may span lines (RFC 4180): a doubled quote inside quotes is one.
class CsvText {
 public:
  explicit CsvText(std::string_view text) : rest_(text) {}

  // The next row; false at the end.  A text that ends inside quotes ends the row.
  bool next(std::vector<std::string>& row);

  std::size_t line() const { return row_line_; }  // Where the row began, from 1.

 private:
  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t row_line_ = 1;
};

// Reads the strings of a Python list literal, as repr() writes it: ['a', "b\n"].
std::optional<std::vector<std::string>> python_strings(std::string_view text);

}  // namespace routesim
