#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "report/apportion.h"
#include "report/format.h"
#include "report/html_sections.h"
#include "report/svg.h"
#include "report/verdict.h"

namespace routesim {
namespace {

// One colour of the picture: a model, or all those that have none of their own.
struct Part {
  std::string name;
  std::size_t fill = 1;
  std::vector<std::size_t> models;
  std::vector<fare::Cost> cost;  // By policy, over all replications.
};

// Behind the last model stand the scores of answers, which are no model's.
fare::Cost cost_of(const PolicyReport& policy, std::size_t model) {
  if (model == policy.total.by_model.size()) return policy.total.scoring.cost;
  const auto& cost = policy.total.by_model[model].cost;
  return std::accumulate(cost.begin(), cost.end(), fare::Cost());
}

// The models that cost anything, the dearest first; beyond seven, the cheapest in one.
std::vector<Part> parts_of(const Report& report) {
  std::vector<std::pair<fare::Cost, Part>> ranked;
  for (std::size_t model = 0; model <= report.models.size(); ++model) {
    const bool is_scores = model == report.models.size();
    Part part{.name = is_scores ? "scores of answers" : report.models[model],
              .fill = 1,
              .models = {model},
              .cost = {}};
    fare::Cost sum;
    for (const PolicyReport& policy : report.policies) {
      part.cost.push_back(cost_of(policy, model));
      sum += part.cost.back();
    }
    if (sum != fare::Cost(0)) ranked.emplace_back(sum, std::move(part));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Part> parts;
  for (auto& [sum, part] : ranked) {
    if (parts.size() < kFills) {
      part.fill = parts.size() + 1;
      parts.push_back(std::move(part));
      continue;
    }
    parts.back().name = fmt::format("{} other models", ranked.size() - kFills + 1);
    parts.back().models.push_back(part.models.front());
    for (std::size_t i = 0; i < part.cost.size(); ++i) parts.back().cost[i] += part.cost[i];
  }
  return parts;
}

// What each part costs a replication; rounded by model, as in the table of models.
std::vector<std::string> mean_texts(const Report& report, const std::vector<Part>& parts,
                                    std::size_t index) {
  const PolicyReport& policy = report.policies[index];
  std::vector<fare::Cost> totals;
  totals.reserve(report.models.size() + 1);
  for (std::size_t i = 0; i <= report.models.size(); ++i) totals.push_back(cost_of(policy, i));
  const MeanColumn column(totals, report.replications, policy.cost_mean);
  std::vector<std::string> texts;
  texts.reserve(parts.size());
  for (const Part& part : parts) texts.push_back(column.text(part.models));
  return texts;
}

// How far one picture reaches that shows all policies: to the end of the longest interval, GPUs
// included.  In picodollars of one replication.
double scale_of(const Report& report) {
  double scale = 0;
  for (const PolicyReport& policy : report.policies) {
    const std::optional<Estimate>& cost = policy[Metric::kCost];
    const double half = cost ? cost->half_width.value_or(0) * 1e12 : 0;
    const auto mean = static_cast<double>(policy.cost_mean.count());
    const auto gpus =
        static_cast<double>(gpu_cost_mean(report, policy).value_or(fare::Cost()).count());
    scale = std::max({scale, mean + gpus, mean + half});
  }
  return scale;
}

// What a policy costs, in words for above its bar.
std::string cost_head(const Report& report, std::size_t index) {
  const PolicyReport& policy = report.policies[index];
  const std::optional<Estimate>& estimate = policy[Metric::kCost];
  std::string beside = estimate ? interval_text(Metric::kCost, *estimate) : "";
  if (const auto gpus = gpu_cost_mean(report, policy)) {
    beside += fmt::format("{}+ {} for GPUs", beside.empty() ? "" : " ", dollars_text(*gpus));
  }
  return fmt::format(
      "<p class=\"head\"><strong>{}</strong> <span><strong>{}</strong> "
      "<span class=\"muted\">{}</span></span></p>\n",
      escaped(policy_labels(report)[index]).html, dollars_text(policy.cost_mean), beside);
}

std::string bar(const Report& report, const std::vector<Part>& parts, std::size_t index,
                double scale) {
  const PolicyReport& policy = report.policies[index];
  const std::vector<std::string> texts = mean_texts(report, parts, index);
  std::string description = fmt::format("{} in all", dollars_text(policy.cost_mean));
  std::vector<BarSegment> segments;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].cost[index] == fare::Cost(0)) continue;
    const double length =
        static_cast<double>(parts[i].cost[index].count()) / (scale * report.replications);
    const std::string tip = fmt::format("{}: {}", parts[i].name, texts[i]);
    description += "; " + tip;
    segments.push_back({.fill = parts[i].fill, .length = length, .tip = tip});
  }
  const fare::Cost gpus = gpu_cost_mean(report, policy).value_or(fare::Cost());
  if (gpus > fare::Cost(0)) {
    const std::string tip = fmt::format("GPUs of pools, besides: {}", dollars_text(gpus));
    description += "; " + tip;
    segments.push_back(
        {.fill = kGpuFill, .length = static_cast<double>(gpus.count()) / scale, .tip = tip});
  }
  const std::optional<Estimate>& cost = policy[Metric::kCost];
  std::optional<std::array<double, 2>> interval;
  if (cost && cost->half_width && scale > 0) {
    const double dollar = 1e12 / scale;
    interval = {(cost->mean - *cost->half_width) * dollar,
                (cost->mean + *cost->half_width) * dollar};
  }
  return cost_head(report, index) + stacked_bar({.id = fmt::format("bar-{}", index),
                                                 .title = "Cost of " + policy_labels(report)[index],
                                                 .description = description + "."},
                                                segments, interval);
}

// The legend, and the picture in numbers.
std::string legend(const Report& report, const std::vector<Part>& parts) {
  std::vector<Markup> header = {{"Model"}};
  std::vector<Markup> total = {{"Total"}};
  std::vector<std::vector<std::string>> texts;
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    header.push_back(escaped(labels[i]));
    total.push_back({dollars_text(report.policies[i].cost_mean)});
    texts.push_back(mean_texts(report, parts, i));
  }
  HtmlTable table("Cost by model, " + mean_words(report), header);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::vector<Markup> row = {
        {fmt::format("<span class=\"keyed\"><span class=\"swatch fill-{0}\">{0}</span>{1}</span>",
                     parts[i].fill, escaped(parts[i].name).html)}};
    for (const std::vector<std::string>& column : texts) row.push_back(escaped(column[i]));
    table.add(HtmlTable::Row::kPlain, row);
  }
  table.add(HtmlTable::Row::kTotal, total);
  return table.html();
}

std::string cost_figure(const Report& report, const std::vector<Part>& parts) {
  const double scale = scale_of(report);
  std::string html = "<figure>\n";
  bool gpus = false;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    html += bar(report, parts, i, scale);
    gpus = gpus || gpu_cost_mean(report, report.policies[i]).value_or(fare::Cost()) != fare::Cost();
  }
  const bool two = report.policies.size() > 1;
  std::string caption = fmt::format("What {} {} costs, by model; {}.", span_text(report.span),
                                    two ? "under each policy" : "of traffic", mean_words(report));
  if (scale == 0) caption += " Nothing was spent.";
  if (scale > 0 && two) caption += " Both bars have one scale.";
  if (gpus) caption += " Dashed: GPUs of pools, which no other figure of cost includes.";
  return html + fmt::format("<figcaption>{}</figcaption>\n</figure>\n", caption);
}

// What the picture of the difference shows, in words.
std::string difference_words(const Estimate& difference, fare::Cost mean) {
  const bool less = mean < fare::Cost(0);
  const std::string amount =
      mean == fare::Cost(0) ? "0" : (less ? "-" : "+") + dollars_text(less ? -mean : mean);
  if (!difference.half_width) return amount + ". One replication: no interval.";
  if (*difference.half_width == 0) return amount + ", exactly: all replications agree.";
  return fmt::format(
      "{}, 95 % interval {} to {}. {}", amount,
      dollars_text(difference.mean - *difference.half_width),
      dollars_text(difference.mean + *difference.half_width),
      difference.excludes_zero() ? "It excludes zero." : "It includes zero: that could be chance.");
}

std::string difference_figure(const Report& report) {
  const std::optional<Estimate>& difference = (*report.comparison)[Metric::kCost];
  if (!difference) return "";
  const std::vector<std::string> labels = policy_labels(report);
  const std::string title = fmt::format("Difference in cost: {} minus {}", labels[1], labels[0]);
  const std::string text = difference_words(*difference, report.comparison->cost_difference_mean);
  return "<figure>\n" +
         fmt::format("<p class=\"head\"><strong>{}</strong></p>\n", escaped(title).html) +
         difference_chart({.id = "difference", .title = title, .description = text}, *difference) +
         fmt::format("<figcaption>{}</figcaption>\n</figure>\n", escaped(text).html);
}

}  // namespace

std::string answer_section(const Report& report) {
  const std::vector<Part> parts = parts_of(report);
  std::string html = "<section id=\"answer\" aria-label=\"The answer as a picture\">\n";
  html += cost_figure(report, parts);
  html += "<div class=\"grid\">\n" + legend(report, parts);
  if (report.comparison) html += difference_figure(report);
  return html + "</div>\n</section>\n";
}

}  // namespace routesim
