#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "report/format.h"
#include "report/html_sections.h"
#include "report/svg.h"

namespace routesim {
namespace {

constexpr std::array<Metric, 3> kFirstToken = {Metric::kFirstTokenP50, Metric::kFirstTokenP95,
                                               Metric::kFirstTokenP99};
constexpr std::array<Metric, 3> kEndToEnd = {Metric::kEndToEndP50, Metric::kEndToEndP95,
                                             Metric::kEndToEndP99};

std::vector<Estimate> estimates_of(const Report& report, std::span<const Metric> metrics) {
  std::vector<Estimate> estimates;
  for (const PolicyReport& policy : report.policies) {
    for (const Metric metric : metrics) {
      if (policy[metric]) estimates.push_back(*policy[metric]);
    }
  }
  return estimates;
}

// One policy's line of a latency figure: its name, its percentiles, the picture.
std::string latency_row(const PolicyReport& policy, const std::string& name, std::size_t index,
                        const std::array<Metric, 3>& metrics, const std::string& id,
                        const Scale& scale) {
  std::array<std::optional<Estimate>, 3> values;
  constexpr std::array<std::string_view, 3> kMarks = {"●", "◆", "■"};
  constexpr std::array<std::string_view, 3> kNames = {"p50", "p95", "p99"};
  std::string shown;
  std::string description;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::optional<Estimate>& estimate = policy[metrics[i]];
    if (!estimate) continue;
    values[i] = estimate;
    const std::string text = value_text(metrics[i], estimate->mean);
    shown +=
        fmt::format("<span><span class=\"mark-{}\" aria-hidden=\"true\">{}</span> {} {}</span>",
                    index, kMarks[i], kNames[i], text);
    description += fmt::format("{}{} {}", description.empty() ? "" : ", ", kNames[i], text);
  }
  if (shown.empty()) shown = value_cell(policy, metrics[0]).html;
  std::string html = fmt::format(
      "<p class=\"head stacked\"><strong>{}</strong> <span class=\"percentiles\">{}</span></p>\n",
      escaped(name).html, shown);
  if (description.empty()) return html;
  return html +
         range_chart(
             {.id = fmt::format("{}-{}", id, index), .title = name, .description = description},
             values, scale, index);
}

std::string latency_figure(const Report& report, std::string_view title, const std::string& id,
                           const std::array<Metric, 3>& metrics) {
  const std::vector<Estimate> estimates = estimates_of(report, metrics);
  const Scale scale = scale_from_zero(estimates);
  std::string html = fmt::format("<figure>\n<h3>{}</h3>\n", title);
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    html += latency_row(report.policies[i], labels[i], i, metrics, id, scale);
  }
  if (!estimates.empty()) html += scale_axis(scale, AxisUnit::kMilliseconds);
  return html + "</figure>\n";
}

// One figure of every policy, each as a dot with its interval; without pictures where none has any.
std::string share_figure(const Report& report, Metric metric, std::string_view title,
                         bool with_zero) {
  const std::vector<Estimate> estimates = estimates_of(report, {{metric}});
  const Scale scale = scale_around(estimates, with_zero);
  const bool is_empty = std::all_of(estimates.begin(), estimates.end(), [](const Estimate& one) {
    return one.mean == 0 && one.half_width.value_or(0) == 0;
  });
  const std::vector<std::string> labels = policy_labels(report);
  std::string html = fmt::format("<figure>\n<h3>{}</h3>\n", title);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const PolicyReport& policy = report.policies[i];
    const std::optional<Estimate>& estimate = policy[metric];
    const std::string value = value_cell(policy, metric).html;
    const std::string interval = estimate ? interval_text(metric, *estimate) : "";
    html += fmt::format(
        "<p class=\"head\"><strong>{}</strong> <span>{} <span class=\"muted\">{}</span></span>"
        "</p>\n",
        escaped(labels[i]).html, value, interval);
    if (!estimate || is_empty) continue;
    html += interval_chart({.id = fmt::format("share-{}-{}", static_cast<std::size_t>(metric), i),
                            .title = fmt::format("{}: {}", title, labels[i]),
                            .description = fmt::format("{} {}", value, interval)},
                           *estimate, scale, fmt::format("policy-{}", i));
  }
  const AxisUnit unit = metric == Metric::kQuality ? AxisUnit::kPlain : AxisUnit::kPercent;
  if (!is_empty) html += scale_axis(scale, unit);
  return html + "</figure>\n";
}

}  // namespace

std::string latency_section(const Report& report) {
  return section(
      "latency", "How long answers take",
      "<p class=\"note\">From arrival, waiting and failed attempts included. Of 100 answers, 50 "
      "are no slower than p50, 95 than p95, 99 than p99.</p>\n<div class=\"grid\">\n" +
          latency_figure(report, "Until the first token", "first-token", kFirstToken) +
          latency_figure(report, "Until the last token", "end-to-end", kEndToEnd) + "</div>\n");
}

std::string quality_section(const Report& report) {
  return section(
      "quality", "How good, and how sure to come",
      "<p class=\"note\">Dots are means, lines their 95 % intervals. Scales of quality begin where "
      "the figures do, those of refusals and failures at zero.</p>\n<div class=\"grid\">\n" +
          share_figure(report, Metric::kQuality, "Quality of answers", false) +
          share_figure(report, Metric::kAboveFloor, "Answers above the floor", false) +
          share_figure(report, Metric::kRefusedShare, "Requests refused", true) +
          share_figure(report, Metric::kFailedShare, "Requests failed", true) + "</div>\n");
}

}  // namespace routesim
