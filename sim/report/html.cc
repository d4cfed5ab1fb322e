#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/apportion.h"
#include "report/format.h"
#include "report/html_sections.h"
#include "report/markup.h"
#include "report/style_sheet.h"
#include "report/svg.h"

namespace routesim {
namespace {

constexpr std::array<Metric, 3> kFirstToken = {Metric::kFirstTokenP50, Metric::kFirstTokenP95,
                                               Metric::kFirstTokenP99};
constexpr std::array<Metric, 3> kEndToEnd = {Metric::kEndToEndP50, Metric::kEndToEndP95,
                                             Metric::kEndToEndP99};

Markup muted(std::string_view text) {
  return {fmt::format("<span class=\"muted\">{}</span>", escaped(text).html)};
}

std::string paragraph(std::string_view style, std::string_view text) {
  return fmt::format("<p class=\"{}\">{}</p>\n", style, escaped(text).html);
}

std::string replications_text(const Report& report) {
  return fmt::format("{} replication{}", report.replications, report.replications == 1 ? "" : "s");
}

// Why a policy has no such figure.
std::string_view missing_text(Metric metric, const RunResult& total) {
  const bool of_requests =
      metric == Metric::kCost || metric == Metric::kRefusedShare || metric == Metric::kFailedShare;
  const bool of_models = metric == Metric::kQuality || metric == Metric::kAboveFloor;
  if (total.requests == 0 || of_requests) return "no requests";
  if (total.answered + (of_models ? 0 : total.from_cache) == 0) return "no answers";
  if (of_models && total.judged == 0) return "not modelled";
  if (metric == Metric::kAboveFloor && total.with_floor == 0) return "no rule has a floor";
  return "not in every replication";
}

Markup value_cell(const PolicyReport& policy, Metric metric) {
  const std::optional<Estimate>& estimate = policy[metric];
  if (!estimate) return muted(missing_text(metric, policy.total));
  if (metric == Metric::kCost) return {dollars_text(policy.cost_mean)};
  return {value_text(metric, estimate->mean)};
}

Markup difference_cell(const Comparison& comparison, Metric metric) {
  const std::optional<Estimate>& estimate = comparison[metric];
  if (!estimate) return muted("-");
  const fare::Cost cost = comparison.cost_difference_mean;
  if (metric != Metric::kCost || cost == fare::Cost(0)) {
    return {difference_text(metric, estimate->mean)};
  }
  return {cost < fare::Cost(0) ? dollars_text(cost) : "+" + dollars_text(cost)};
}

// Half of the interval's length, and whether it leaves the sign of a difference open.
Markup interval_cell(const std::optional<Estimate>& estimate, Metric metric, bool difference) {
  if (!estimate) return {""};
  if (!estimate->half_width) return muted("one replication");
  const std::string text = interval_text(metric, *estimate);
  const bool open = difference && *estimate->half_width > 0 && !estimate->excludes_zero();
  if (!open) return {text};
  return {fmt::format("<span class=\"muted\">includes 0,</span> {}", text)};
}

std::string metrics_section(const Report& report) {
  std::vector<Markup> header = {{"Figure"}};
  for (const std::string& name : policy_labels(report)) header.push_back(escaped(name));
  if (report.comparison) header.push_back({"Difference"});
  header.push_back({"95 % interval"});
  HtmlTable table(
      "All figures, " + (report.replications == 1 ? std::string("one replication")
                                                  : "means of " + replications_text(report)),
      header);
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    std::vector<Markup> row = {escaped(label(metric))};
    for (const PolicyReport& policy : report.policies) row.push_back(value_cell(policy, metric));
    if (report.comparison) row.push_back(difference_cell(*report.comparison, metric));
    row.push_back(interval_cell(
        report.comparison ? (*report.comparison)[metric] : report.policies.front()[metric], metric,
        report.comparison.has_value()));
    table.add(HtmlTable::Row::kPlain, row);
  }
  return "<section id=\"figures\">\n<h2>All figures</h2>\n" + table.html() + "</section>\n";
}

// One policy's line of a latency figure: its name, its percentiles, the picture.
std::string latency_row(const PolicyReport& policy, const std::string& name, std::size_t index,
                        const std::array<Metric, 3>& metrics, const std::string& id, double end) {
  constexpr std::array<std::string_view, 3> kMarks = {"●", "◆", "■"};
  constexpr std::array<std::string_view, 3> kNames = {"p50", "p95", "p99"};
  std::array<std::optional<double>, 3> values;
  std::string shown;
  std::string description;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::optional<Estimate>& estimate = policy[metrics[i]];
    if (!estimate) continue;
    values[i] = estimate->mean;
    const std::string text = value_text(metrics[i], estimate->mean);
    shown +=
        fmt::format("<span><span class=\"mark-{}\" aria-hidden=\"true\">{}</span> {} {}</span>",
                    index, kMarks[i], kNames[i], text);
    description += fmt::format("{}{} {}", description.empty() ? "" : ", ", kNames[i], text);
  }
  if (shown.empty()) shown = muted(missing_text(metrics[0], policy.total)).html;
  std::string html = fmt::format(
      "<p class=\"head stacked\"><strong>{}</strong> <span class=\"percentiles\">{}</span></p>\n",
      escaped(name).html, shown);
  if (description.empty()) return html;
  return html +
         range_chart(
             {.id = fmt::format("{}-{}", id, index), .title = name, .description = description},
             values, end, index);
}

std::string latency_figure(const Report& report, std::string_view title, const std::string& id,
                           const std::array<Metric, 3>& metrics) {
  double end = 0;
  for (const PolicyReport& policy : report.policies) {
    for (const Metric metric : metrics) {
      if (policy[metric]) end = std::max(end, policy[metric]->mean);
    }
  }
  std::string html = fmt::format("<figure>\n<h3>{}</h3>\n", title);
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    html += latency_row(report.policies[i], labels[i], i, metrics, id, end);
  }
  if (end > 0) html += range_axis(end);
  return html + "</figure>\n";
}

std::string latency_section(const Report& report) {
  return "<section id=\"latency\">\n<h2>How long answers take</h2>\n"
         "<p class=\"note\">From arrival, waiting and failed attempts included. Of 100 answers, 50 "
         "are no slower than p50, 95 than p95, 99 than p99.</p>\n<div class=\"grid\">\n" +
         latency_figure(report, "Until the first token", "first-token", kFirstToken) +
         latency_figure(report, "Until the last token", "end-to-end", kEndToEnd) +
         "</div>\n</section>\n";
}

// The reasons that refused anything under any policy.
std::vector<std::size_t> refusals_met(const Report& report) {
  std::vector<std::size_t> refusals;
  for (std::size_t i = 0; i < fare::kRefusalCount; ++i) {
    const auto met = [i](const PolicyReport& one) { return one.total.refused[i] > 0; };
    if (std::any_of(report.policies.begin(), report.policies.end(), met)) refusals.push_back(i);
  }
  return refusals;
}

bool is_any_abandoned(const Report& report) {
  return std::any_of(report.policies.begin(), report.policies.end(),
                     [](const PolicyReport& one) { return one.total.abandoned > 0; });
}

// What became of requests, in words, and how often under one policy in the same order.
std::vector<std::string> ends_of(const Report& report) {
  std::vector<std::string> ends = {"Answered by a model", "Answered from the gateway's cache",
                                   "Failed: no attempt was answered"};
  if (is_any_abandoned(report)) ends.push_back("Given up by whoever asked");
  for (const std::size_t refusal : refusals_met(report)) {
    std::string reason(fare::to_string(static_cast<fare::Refusal>(refusal)));
    std::replace(reason.begin(), reason.end(), '_', ' ');
    ends.push_back("Refused: " + reason);
  }
  return ends;
}

std::vector<fare::Int128> counts_of(const Report& report, const RunResult& total) {
  std::vector<fare::Int128> counts = {total.answered, total.from_cache, total.failed};
  if (is_any_abandoned(report)) counts.push_back(total.abandoned);
  for (const std::size_t refusal : refusals_met(report)) counts.push_back(total.refused[refusal]);
  return counts;
}

std::string counts_table(const Report& report) {
  std::vector<Markup> header = {{"Requests"}};
  std::vector<Markup> total = {{"Total"}};
  std::vector<std::vector<Markup>> columns;
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const RunResult& result = report.policies[i].total;
    header.push_back(escaped(labels[i]));
    header.push_back({"Share"});
    const std::vector<fare::Int128> counts = counts_of(report, result);
    const std::vector<fare::Int128> shares = share_tenths(counts, result.requests);
    for (std::size_t row = 0; row < counts.size(); ++row) {
      columns.resize(counts.size());
      columns[row].push_back({count_text(static_cast<std::uint64_t>(counts[row]))});
      columns[row].push_back({result.requests == 0 ? "-" : tenths_text(shares[row])});
    }
    total.push_back({count_text(result.requests)});
    total.push_back({result.requests == 0 ? "-" : "100.0 %"});
  }
  HtmlTable table("What became of the requests, " + replications_text(report), header);
  const std::vector<std::string> ends = ends_of(report);
  for (std::size_t row = 0; row < ends.size(); ++row) {
    std::vector<Markup> cells = {escaped(ends[row])};
    cells.insert(cells.end(), columns[row].begin(), columns[row].end());
    table.add(HtmlTable::Row::kPlain, cells);
  }
  table.add(HtmlTable::Row::kTotal, total);
  return table.html();
}

// Said twice, below the headline and with the counts: a cost that is not whole must not pass for
// one.
std::string price_warning(const Report& report) {
  const std::vector<std::string> labels = policy_labels(report);
  std::string html;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const RunResult& total = report.policies[i].total;
    if (total.not_priced == 0) continue;
    html += fmt::format(
        "<p class=\"warning\"><strong>The cost of {} is not whole:</strong> {} of its {} requests "
        "could not be priced wholly, and what they cost beyond that is in no figure here.</p>\n",
        escaped(labels[i]).html, count_text(total.not_priced), count_text(total.requests));
  }
  return html;
}

// Queues of the worlds' models: what makes answers late under load.
std::string waits(const Report& report) {
  const std::vector<std::string> labels = policy_labels(report);
  std::string html;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const RunResult& total = report.policies[i].total;
    for (std::size_t model = 0; model < total.by_model.size(); ++model) {
      const ModelTally& tally = total.by_model[model];
      if (tally.waits == 0) continue;
      const double mean =
          static_cast<double>(tally.waited.count()) * 1e-6 / static_cast<double>(tally.waits);
      html += paragraph(
          "note",
          fmt::format("{}: {} of {} attempts at {} found all of its places taken and waited "
                      "{} on average.",
                      labels[i], count_text(tally.waits), count_text(tally.attempts),
                      report.models[model], value_text(Metric::kEndToEndP50, mean)));
    }
  }
  return html;
}

std::string counts_section(const Report& report) {
  return "<section id=\"counts\">\n<h2>Requests</h2>\n" + price_warning(report) +
         counts_table(report) + waits(report) + "</section>\n";
}

std::string definition(std::string_view term, const Markup& meaning) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(term).html, meaning.html);
}

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

std::string header(const Report& report) {
  std::string html = "<header>\n";
  html += paragraph("kicker", "routesim · " + report.scenario);
  html += headline(report);
  html += price_warning(report);
  if (!report.question.empty()) html += paragraph("question", report.question);
  html += fmt::format("<ul class=\"facts\"><li>{}</li><li>{}</li><li>{}</li></ul>\n",
                      escaped(span_text(report.span)).html, escaped(report.traffic).html,
                      replications_text(report));
  return html +
         "<nav aria-label=\"Contents\"><ul><li><a href=\"#figures\">All figures</a></li>"
         "<li><a href=\"#money\">Money</a></li><li><a href=\"#latency\">Latency</a></li>"
         "<li><a href=\"#counts\">Requests</a></li>"
         "<li><a href=\"#assumptions\">Assumptions</a></li>"
         "<li><a href=\"#identity\">To run it again</a></li></ul></nav>\n</header>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<title>" +
         escaped(report.scenario).html + " · routesim</title>\n<style>" + std::string(kStyleSheet) +
         "</style>\n</head>\n<body>\n" + header(report) + "<main>\n" + answer_section(report) +
         metrics_section(report) + money_section(report) + latency_section(report) +
         counts_section(report) + assumptions_section(report) + identity_section(report) +
         "</main>\n</body>\n</html>\n";
}

}  // namespace routesim
