#include <fmt/format.h>

#include "report/format.h"
#include "report/html_sections.h"

namespace routesim {
namespace {

std::string interval_meaning(const Report& report) {
  if (report.replications == 1) {
    return "None: one replication does not tell how much of a figure is chance.";
  }
  return "Student’s t over the replications. In 95 of 100 such studies it covers what endless "
         "replications would give; “± 0” means that all were equal.";
}

std::string reading(const Report& report) {
  std::string html = "<h3>How to read the figures</h3>\n<dl>\n";
  html +=
      definition("Figure", {"The mean over the replications: independent simulations of the same "
                            "span, each with chance of its own."});
  html += definition("95 % interval", {interval_meaning(report)});
  if (report.comparison) {
    std::string paired =
        "Both policies met the same requests with the same luck, so the difference is taken within "
        "each replication.";
    if (report.comparison->variance_ratio) {
      paired += fmt::format(" Its variance is that of independent runs divided by {:.3g}.",
                            *report.comparison->variance_ratio);
    }
    html += definition("Difference", {paired});
  }
  html +=
      definition("Quality", {"The probability, from the item-response model of the scenario, that "
                             "an answer is good enough, averaged over answers by models."});
  html +=
      definition("Above the floor", {"The share of those answers whose quality reaches the floor "
                                     "of the rule that routed them, where it has one."});
  html +=
      definition("Money", {"Every request is priced exactly, in whole picodollars, from the dated "
                           "price table below; only what is shown here is rounded."});
  return html + "</dl>\n";
}

}  // namespace

std::string assumptions_section(const Report& report) {
  std::string html = "<section id=\"assumptions\">\n<h2>What this rests on</h2>\n";
  html += "<h3>Assumptions</h3>\n";
  if (report.assumptions.empty()) html += paragraph("note", "The scenario states none.");
  if (!report.assumptions.empty()) {
    html += "<ul>\n";
    for (const std::string& one : report.assumptions) {
      html += fmt::format("<li>{}</li>\n", escaped(one).html);
    }
    html += "</ul>\n";
  }
  return html + reading(report) + "</section>\n";
}

std::string identity_section(const Report& report) {
  const auto code = [](std::string_view text) {
    return Markup{fmt::format("<code>{}</code>", escaped(text).html)};
  };
  std::string html = "<section id=\"identity\">\n<h2>To run it again</h2>\n<dl>\n";
  html += definition("Scenario", escaped(report.scenario));
  html += definition("Seed", code(fmt::format("{}", report.seed)));
  html += definition("Replications", {fmt::format("{}", report.replications)});
  html += definition("Start", code(fare::to_rfc3339(report.start)));
  html += definition("Price table", code(report.price_hash));
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    html += definition("Policy " + labels[i], code(report.policies[i].hash));
  }
  return html + "</dl>\n</section>\n";
}

}  // namespace routesim
