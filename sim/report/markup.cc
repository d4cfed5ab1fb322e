#include "report/markup.h"

#include <fmt/format.h>

#include "fare/check.h"

namespace routesim {
namespace {

std::string escaped_character(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(c);
  const bool control = (code < 0x20 && c != '\n' && c != '\t') || code == 0x7f;
  return control ? "\xef\xbf\xbd" : std::string(1, c);
}

std::string_view row_class(HtmlTable::Row kind) {
  switch (kind) {
    case HtmlTable::Row::kPlain:
      return "";
    case HtmlTable::Row::kGroup:
      return " class=\"group\"";
    case HtmlTable::Row::kMember:
      return " class=\"member\"";
    case HtmlTable::Row::kTotal:
      return " class=\"total\"";
  }
  return "";
}

}  // namespace

Markup escaped(std::string_view text) {
  std::string html;
  for (const char c : text) html += escaped_character(c);
  return {html};
}

Markup muted(std::string_view text) {
  return {fmt::format("<span class=\"muted\">{}</span>", escaped(text).html)};
}

std::string paragraph(std::string_view style, std::string_view text) {
  return fmt::format("<p class=\"{}\">{}</p>\n", style, escaped(text).html);
}

std::string definition(std::string_view term, const Markup& meaning) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(term).html, meaning.html);
}

std::string section(std::string_view id, std::string_view heading, const std::string& content) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, escaped(heading).html,
                     content);
}

HtmlTable::HtmlTable(std::string_view caption, const std::vector<Markup>& header)
    : caption_(escaped(caption).html), columns_(header.size()) {
  for (const Markup& cell : header) head_ += fmt::format("<th scope=\"col\">{}</th>", cell.html);
}

void HtmlTable::add(Row kind, const std::vector<Markup>& cells) {
  FARE_CHECK(cells.size() == columns_);
  if (kind == Row::kGroup && !body_.empty()) body_ += "</tbody>\n<tbody>\n";
  body_ += fmt::format("<tr{}><th scope=\"{}\">{}</th>", row_class(kind),
                       kind == Row::kGroup ? "rowgroup" : "row", cells[0].html);
  for (std::size_t i = 1; i < cells.size(); ++i) body_ += fmt::format("<td>{}</td>", cells[i].html);
  body_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  // Only what can take the focus can be scrolled with the keyboard.
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n"
      "<table>\n<caption>{0}</caption>\n<thead><tr>{1}</tr></thead>\n<tbody>\n{2}</tbody>\n"
      "</table>\n</div>\n",
      caption_, head_, body_);
}

}  // namespace routesim
