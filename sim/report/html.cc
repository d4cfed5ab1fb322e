#include "report/html.h"

#include <fmt/format.h>

#include <array>

#include "report/format.h"
#include "report/html_sections.h"
#include "report/style_sheet.h"
#include "report/verdict.h"

namespace routesim {
namespace {

// The answer, with numbers kept on one line with their units.
std::string headline(const Report& report) {
  std::string html = escaped(answer_text(report)).html;
  for (const std::string_view piece : {" %", "± "}) {
    for (std::size_t at = html.find(piece); at != std::string::npos; at = html.find(piece, at)) {
      const std::size_t blank = html.find(' ', at);
      html.replace(blank, 1, "\u00a0");
    }
  }
  return fmt::format("<h1>{}</h1>\n", html);
}

// What else is better or worse, beside the cost of the headline.
std::string verdict(const Report& report) {
  std::string html;
  for (const std::string& one : verdict_sentences(report)) {
    html += fmt::format("<li>{}</li>", escaped(one).html);
  }
  return html.empty() ? "" : "<ul class=\"verdicts\">" + html + "</ul>\n";
}

std::string contents(const std::string& main) {
  constexpr std::array<std::array<std::string_view, 2>, 10> kParts = {
      {{"figures", "All figures"},
       {"money", "Money"},
       {"latency", "Latency"},
       {"quality", "Quality"},
       {"counts", "Requests"},
       {"budgets", "Budgets"},
       {"pools", "Pools"},
       {"faults", "Faults"},
       {"assumptions", "Assumptions"},
       {"identity", "To run it again"}}};
  std::string html = "<nav aria-label=\"Contents\"><ul>";
  for (const auto& [id, name] : kParts) {
    if (main.find(fmt::format("<section id=\"{}\"", id)) == std::string::npos) continue;
    html += fmt::format("<li><a href=\"#{}\">{}</a></li>", id, name);
  }
  return html + "</ul></nav>\n";
}

std::string header(const Report& report, const std::string& main) {
  std::string html = "<header>\n";
  html += paragraph("kicker", "routesim · " + report.scenario);
  html += headline(report);
  html += verdict(report) + price_warning(report) + caveats_box(report);
  if (!report.question.empty()) html += paragraph("question", report.question);
  html += fmt::format("<ul class=\"facts\"><li>{}</li><li>{}</li><li>{} replication{}</li></ul>\n",
                      escaped(span_text(report.span)).html, escaped(report.traffic).html,
                      report.replications, report.replications == 1 ? "" : "s");
  return html + contents(main) + "</header>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  const std::string main =
      answer_section(report) + figures_section(report) + money_section(report) +
      latency_section(report) + quality_section(report) + counts_section(report) +
      budgets_section(report) + pools_section(report) + faults_section(report) +
      assumptions_section(report) + identity_section(report);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<title>" +
         escaped(report.scenario).html + " · routesim</title>\n<style>" + std::string(kStyleSheet) +
         "</style>\n</head>\n<body>\n" + header(report, main) + "<main>\n" + main +
         "</main>\n</body>\n</html>\n";
}

}  // namespace routesim
