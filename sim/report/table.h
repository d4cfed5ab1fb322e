#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

namespace routesim {

// Whether output goes to a terminal that shows colours: it is a terminal, and NO_COLOR is not set.
struct Style {
  bool colour = false;

  std::string bold(const std::string& text) const;
  std::string dim(const std::string& text) const;
  std::string good(const std::string& text) const;
  std::string bad(const std::string& text) const;
};

// Rows of text in aligned columns: the first column to the left, the others to the right.  Widths
// count characters, not bytes.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // The text, indented by two blanks, each line ended by a newline.
  std::string text(const Style& style) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace routesim
