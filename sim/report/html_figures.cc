#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/format.h"
#include "report/html_sections.h"
#include "report/svg.h"
#include "report/verdict.h"

namespace routesim {
namespace {

constexpr std::array<std::string_view, 5> kVerdictStyles = {"open", "open", "better", "worse",
                                                            "open"};

// One line of the picture of changes.
struct Change {
  Metric metric;
  Verdict verdict;
  Estimate change;  // Of the scale that all lines share: 0.01 is a percent, or a percentage point.
};

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

std::string figures_table(const Report& report) {
  std::vector<Markup> header = {{"Figure"}};
  for (const std::string& name : policy_labels(report)) header.push_back(escaped(name));
  if (report.comparison) header.push_back({"Difference"});
  header.push_back({"95 % interval"});
  HtmlTable table("All figures, " + mean_words(report), header);
  for (const Metric metric : figures_of(report)) {
    std::vector<Markup> row = {escaped(label(metric))};
    for (const PolicyReport& policy : report.policies) row.push_back(value_cell(policy, metric));
    if (report.comparison) row.push_back(difference_cell(*report.comparison, metric));
    row.push_back(interval_cell(
        report.comparison ? (*report.comparison)[metric] : report.policies.front()[metric], metric,
        report.comparison.has_value()));
    table.add(HtmlTable::Row::kPlain, row);
  }
  return table.html();
}

// Shares and quality change by points, all else by percents of what policy a has.  Nothing where
// that is nothing.
std::optional<Estimate> change_of(const Report& report, Metric metric) {
  const std::optional<Estimate>& difference = (*report.comparison)[metric];
  if (!difference) return std::nullopt;
  if (metric == Metric::kCost && report.comparison->relative_cost) {
    return report.comparison->relative_cost;
  }
  if (is_share(metric)) return difference;
  const double base = report.policies[0][metric]->mean;
  if (!(base > 0)) return std::nullopt;
  Estimate change{.mean = difference->mean / base, .half_width = std::nullopt};
  if (difference->half_width) change.half_width = *difference->half_width / base;
  return change;
}

std::vector<Change> changes_of(const Report& report) {
  std::vector<Change> changes;
  for (const Metric metric : figures_of(report)) {
    const std::optional<Estimate> change = change_of(report, metric);
    if (!change || !std::isfinite(change->mean)) continue;
    changes.push_back({metric, verdict_on(metric, (*report.comparison)[metric]), *change});
  }
  return changes;
}

// "-70.97 % ± 0.12 %", "-7.85 points ± 0.03".
std::string change_text(const Change& one) {
  if (one.change.mean == 0 && one.change.half_width.value_or(0) == 0) return "0";
  const bool points = is_share(one.metric);
  const double half = one.change.half_width.value_or(0);
  const int decimals = std::max(std::abs(one.change.mean), half) < 0.0001 ? 4 : 2;
  std::string text =
      fmt::format("{:+.{}f} {}", one.change.mean * 100, decimals, points ? "points" : "%");
  if (one.change.half_width) {
    text += fmt::format(" ± {:.{}f}{}", half * 100, decimals, points ? "" : " %");
  }
  return text;
}

// A line: what changes, by how much, the picture, the verdict.
std::string change_row(const Change& one, const Scale& scale) {
  const auto verdict = static_cast<std::size_t>(one.verdict);
  const std::string name(label(one.metric));
  const std::string text = change_text(one);
  const std::string_view words = words_of(one.verdict);
  const std::string picture =
      interval_chart({.id = fmt::format("change-{}", static_cast<std::size_t>(one.metric)),
                      .title = "Change of " + name,
                      .description = fmt::format("{}{}{}", text, words.empty() ? "" : ": ", words)},
                     one.change, scale, kVerdictStyles[verdict]);
  return fmt::format(
      "<div class=\"change\"><span class=\"what\">{}</span><span class=\"much\">{}</span>\n{}"
      "<span class=\"verdict {}\">{}</span></div>\n",
      name, text, picture, kVerdictStyles[verdict], words);
}

std::string changes_figure(const Report& report) {
  if (!report.comparison) return "";
  const std::vector<Change> changes = changes_of(report);
  std::vector<Estimate> estimates;
  for (const Change& one : changes) estimates.push_back(one.change);
  const Scale scale = scale_around(estimates, true);
  const std::vector<std::string> labels = policy_labels(report);
  std::string html = "<figure class=\"changes\">\n";
  for (const Change& one : changes) html += change_row(one, scale);
  html += fmt::format("<div class=\"change\">{}</div>\n", scale_axis(scale, AxisUnit::kPercent));
  return html +
         fmt::format(
             "<figcaption>What changes from {} to {}, with 95 % intervals: money and time in "
             "percent of what {} has, shares and quality in percentage points.</figcaption>\n"
             "</figure>\n",
             escaped(labels[0]).html, escaped(labels[1]).html, escaped(labels[0]).html);
}

}  // namespace

Markup value_cell(const PolicyReport& policy, Metric metric) {
  const std::optional<Estimate>& estimate = policy[metric];
  if (!estimate) return muted(missing_text(metric, policy.total));
  if (metric == Metric::kCost) return {dollars_text(policy.cost_mean)};
  return {value_text(metric, estimate->mean)};
}

std::string mean_words(const Report& report) {
  return report.replications == 1 ? "one replication"
                                  : fmt::format("mean of {} replications", report.replications);
}

std::string figures_section(const Report& report) {
  return section("figures", "All figures", changes_figure(report) + figures_table(report));
}

}  // namespace routesim
