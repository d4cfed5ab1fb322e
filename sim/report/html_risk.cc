#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "report/apportion.h"
#include "report/format.h"
#include "report/html_sections.h"
#include "report/verdict.h"

namespace routesim {
namespace {

std::string replications_text(const Report& report) {
  return fmt::format("{} replication{}", report.replications, report.replications == 1 ? "" : "s");
}

// "over budget": an identifier for people.
std::string spaced(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
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
    ends.push_back("Refused: " + spaced(fare::to_string(static_cast<fare::Refusal>(refusal))));
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

// What else happened to requests, which is no end of theirs.
using CountOf = std::function<std::uint64_t(const RunResult&)>;

std::string happenings_table(const Report& report) {
  std::vector<std::pair<std::string, CountOf>> kinds = {
      {"Took a step down a ladder", [](const RunResult& one) { return one.degraded; }},
      {"Were asked again after a refusal or failure",
       [](const RunResult& one) { return one.retried; }},
      {"Were asked again after a bad answer", [](const RunResult& one) { return one.escalated; }},
      {"Were hedged: a second attempt beside a slow one",
       [](const RunResult& one) { return one.hedged; }},
      {"Were answered by the second one", [](const RunResult& one) { return one.hedges_won; }},
      {"Were refused for want of a price",
       [](const RunResult& one) { return one.refused_unpriced; }},
      {"Could not be priced whole", [](const RunResult& one) { return one.not_priced; }}};
  for (std::size_t i = 1; i < fare::kTopUpStatusCount; ++i) {
    kinds.emplace_back(
        "Further attempt held back: " + spaced(fare::to_string(static_cast<fare::TopUpStatus>(i))),
        [i](const RunResult& one) { return one.held_back[i]; });
  }
  std::vector<Markup> header = {{"What else happened"}};
  for (const std::string& name : policy_labels(report)) header.push_back(escaped(name));
  HtmlTable table("What else happened to requests, " + replications_text(report), header);
  bool any = false;
  for (const auto& [name, count] : kinds) {
    std::vector<Markup> row = {{name}};
    bool met = false;
    for (const PolicyReport& policy : report.policies) {
      row.push_back({count_text(count(policy.total))});
      met = met || count(policy.total) > 0;
    }
    if (met) table.add(HtmlTable::Row::kPlain, row);
    any = any || met;
  }
  return any ? table.html() : "";
}

// The faults that any attempt under any policy met.
std::vector<std::size_t> faults_met(const Report& report) {
  std::vector<std::size_t> faults;
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    const auto met = [i](const PolicyReport& policy) {
      return std::any_of(policy.total.by_model.begin(), policy.total.by_model.end(),
                         [i](const ModelTally& tally) { return tally.faults[i] > 0; });
    };
    if (std::any_of(report.policies.begin(), report.policies.end(), met)) faults.push_back(i);
  }
  return faults;
}

bool went_wrong(const ModelTally& tally) {
  return tally.failures > 0 || tally.cancelled > 0 || tally.waits > 0;
}

std::string mean_wait(const ModelTally& tally) {
  if (tally.waits == 0) return "-";
  const double mean =
      static_cast<double>(tally.waited_ns) * 1e-6 / static_cast<double>(tally.waits);
  return value_text(Metric::kEndToEndP50, mean);
}

// "1,234" and what share of the attempts that is.
Markup part_cell(std::uint64_t part, std::uint64_t attempts) {
  if (part == 0 || attempts == 0) return {count_text(part)};
  const double share = static_cast<double>(part) / static_cast<double>(attempts);
  return {fmt::format("{} {}", count_text(part), muted(fmt::format("{:.1f} %", share * 100)).html)};
}

std::string faults_table(const Report& report, std::size_t index) {
  const RunResult& total = report.policies[index].total;
  const std::vector<std::size_t> faults = faults_met(report);
  std::vector<Markup> header = {{"Model"}, {"Attempts"}, {"Failed"}};
  for (const std::size_t fault : faults) {
    header.push_back({std::string(words_of(static_cast<Fault>(fault)))});
  }
  for (const char* name : {"Given up", "Waited in line", "Mean wait"}) header.push_back({name});
  HtmlTable table(policy_labels(report)[index] + ": attempts that failed, by kind, or waited; " +
                      replications_text(report),
                  header);
  bool any = false;
  for (std::size_t model = 0; model < total.by_model.size(); ++model) {
    const ModelTally& tally = total.by_model[model];
    if (!went_wrong(tally)) continue;
    any = true;
    std::vector<Markup> row = {escaped(report.models[model]), {count_text(tally.attempts)}};
    row.push_back(part_cell(tally.failures, tally.attempts));
    for (const std::size_t fault : faults) {
      row.push_back(part_cell(tally.faults[fault], tally.attempts));
    }
    row.push_back(part_cell(tally.cancelled, tally.attempts));
    row.push_back(part_cell(tally.waits, tally.attempts));
    row.push_back({mean_wait(tally)});
    table.add(HtmlTable::Row::kPlain, row);
  }
  return any ? table.html() : "";
}

}  // namespace

std::string caveats_box(const Report& report) {
  const std::vector<std::string> list = caveats(report);
  if (list.empty()) return "";
  std::string html =
      "<aside class=\"caveats\" aria-labelledby=\"caveats-title\">\n"
      "<p id=\"caveats-title\"><strong>Before you trust this</strong></p>\n<ul>\n";
  for (const std::string& one : list) html += fmt::format("<li>{}</li>\n", escaped(one).html);
  return html + "</ul>\n</aside>\n";
}

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

std::string counts_section(const Report& report) {
  return section("counts", "Requests",
                 price_warning(report) + counts_table(report) + happenings_table(report));
}

std::string faults_section(const Report& report) {
  std::string tables;
  for (std::size_t i = 0; i < report.policies.size(); ++i) tables += faults_table(report, i);
  if (tables.empty()) return "";
  return section("faults", "What went wrong at the models", tables);
}

}  // namespace routesim
