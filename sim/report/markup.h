#pragma once

#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace routesim {

// HTML that is safe to put into a page.  A name from a scenario is only text and becomes Markup
// through escaped(), so that the compiler notices where that was forgotten.
struct Markup {
  std::string html;
};

// The text with &, <, > and both quotes escaped: for content and for quoted attributes.  Control
// characters, which HTML cannot hold, become the replacement character.
Markup escaped(std::string_view text);

// The text in grey; as a paragraph of that style.
Markup muted(std::string_view text);
std::string paragraph(std::string_view style, std::string_view text);

// A line of a list of definitions.
std::string definition(std::string_view term, const Markup& meaning);

// A section with its heading.  `content` is finished HTML.
std::string section(std::string_view id, std::string_view heading, const std::string& content);

// A table with its caption, in a box of its own that scrolls sideways where the page is too narrow.
// The first cell of every row is its header.
class HtmlTable {
 public:
  enum class Row {
    kPlain,
    kGroup,   // Opens a group of rows, which it sums up.
    kMember,  // One of the group's parts.
    kTotal,
  };

  HtmlTable(std::string_view caption, const std::vector<Markup>& header);

  // REQUIRES: as many cells as the header has.
  void add(Row kind, const std::vector<Markup>& cells);

  std::string html() const;

 private:
  std::string caption_;  // Escaped.
  std::size_t columns_;
  std::string head_;
  std::string body_;
};

}  // namespace routesim
