#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "report/apportion.h"
#include "report/format.h"
#include "report/html_sections.h"

namespace routesim {
namespace {

constexpr std::size_t kTenantsShown = 10;
constexpr int kCents = 2;
constexpr int kPicodollars = 12;

constexpr std::array<std::string_view, fare::kMeterCount> kMeterWords = {
    "input tokens",
    "input tokens, audio",
    "input tokens, image",
    "input tokens, video",
    "cache read tokens",
    "cache read tokens, audio",
    "cache read tokens, image",
    "cache read tokens, video",
    "cache write tokens, 5 min",
    "cache write tokens, 1 h",
    "cache write tokens, 12 h",
    "output tokens",
    "reasoning tokens",
    "output tokens, audio",
    "output tokens, image",
    "requests",
    "searches",
    "cached token-hours",
    "reserved hours"};

// What one class or tenant, or all others, did and cost.
struct Group {
  std::string name;
  GroupTally tally;
};

// The fewest decimals, at least cents, that write the cost exactly.
int exact_decimals(fare::Cost cost) {
  int decimals = kPicodollars;
  fare::Int128 count = cost.count();
  for (; decimals > kCents && count % 10 == 0; count /= 10) --decimals;
  return decimals;
}

// The decimals that every figure of the policy's tables needs, so that their points align.
int exact_decimals(const RunResult& total) {
  int decimals = exact_decimals(total.cost);
  decimals = std::max(decimals, exact_decimals(total.scoring.cost));
  for (const ModelTally& tally : total.by_model) {
    for (const fare::Cost cost : tally.cost) decimals = std::max(decimals, exact_decimals(cost));
  }
  for (const auto* groups : {&total.by_class, &total.by_tenant}) {
    for (const GroupTally& tally : *groups) {
      decimals = std::max(decimals, exact_decimals(tally.cost));
    }
  }
  return decimals;
}

// The exact amount; what is beyond the cent is set smaller.
Markup exact_dollars(fare::Cost cost, int decimals) {
  const std::string text = "$" + fare::to_usd_rounded(cost, decimals);
  if (decimals == kCents) return {text};
  const std::size_t cents = text.size() - static_cast<std::size_t>(decimals - kCents);
  return {fmt::format("{}<span class=\"less-digits\">{}</span>", text.substr(0, cents),
                      text.substr(cents))};
}

Markup number(std::uint64_t count) { return {count_text(count)}; }

// The columns of money, which all tables of a policy have: what it costs a replication, the share
// of the whole with a bar of its length behind it, and the exact sum over all replications.
class MoneyColumns {
 public:
  MoneyColumns(const Report& report, const PolicyReport& policy)
      : replications_(report.replications),
        decimals_(exact_decimals(policy.total)),
        free_(policy.total.cost == fare::Cost(0)) {}

  std::vector<Markup> header(std::vector<Markup> first) const {
    if (replications_ > 1) first.push_back({"Mean cost"});
    first.push_back({"Share"});
    first.push_back({replications_ > 1 ? fmt::format("Exact sum of {}", replications_) : "Cost"});
    return first;
  }

  std::vector<Markup> row(std::vector<Markup> first, const std::string& mean, fare::Int128 tenths,
                          fare::Cost total) const {
    if (replications_ > 1) first.push_back(escaped(mean));
    const std::string share = tenths_text(tenths);
    first.push_back({free_ ? "-"
                           : fmt::format("<span class=\"share\" style=\"--share:{}%\">{}</span>",
                                         share.substr(0, share.find(' ')), share)});
    first.push_back(exact_dollars(total, decimals_));
    return first;
  }

  std::vector<Markup> total_row(std::vector<Markup> first, const PolicyReport& policy) const {
    return row(std::move(first), dollars_text(policy.cost_mean), 1'000, policy.total.cost);
  }

 private:
  std::uint32_t replications_;
  int decimals_;
  bool free_;
};

fare::Cost cost_of(const ModelTally& tally) {
  return std::accumulate(tally.cost.begin(), tally.cost.end(), fare::Cost());
}

bool is_used(const ModelTally& tally) {
  return tally.attempts > 0 || cost_of(tally) != fare::Cost(0);
}

// Requests are listed only where they are what is paid for: else they repeat the attempts.
bool is_line(const ModelTally& tally, std::size_t meter) {
  if (tally.cost[meter] != fare::Cost(0)) return true;
  return static_cast<fare::Meter>(meter) != fare::Meter::kRequest &&
         tally.used[meter] != fare::Tokens(0);
}

std::vector<fare::Int128> counts_of(const std::vector<fare::Cost>& costs) {
  std::vector<fare::Int128> counts;
  counts.reserve(costs.size());
  for (const fare::Cost cost : costs) counts.push_back(cost.count());
  return counts;
}

// The lines of a model, adding up to its row.
void add_lines(HtmlTable& table, const MoneyColumns& columns, const ModelTally& tally,
               const MeanColumn& means, const std::vector<fare::Int128>& shares) {
  for (std::size_t meter = 0; meter < fare::kMeterCount; ++meter) {
    if (!is_line(tally, meter)) continue;
    const auto used = static_cast<std::uint64_t>(tally.used[meter].count());
    table.add(HtmlTable::Row::kMember,
              columns.row({{std::string(kMeterWords[meter])}, {""}, {""}, number(used)},
                          means.text(meter), shares[meter], tally.cost[meter]));
  }
}

std::string model_table(const Report& report, const PolicyReport& policy,
                        const MoneyColumns& columns) {
  const RunResult& total = policy.total;
  HtmlTable table("By model and meter",
                  columns.header({{"Model"}, {"Attempts"}, {"Failed"}, {"Used"}}));
  std::vector<fare::Cost> costs;
  costs.reserve(total.by_model.size());
  for (const ModelTally& tally : total.by_model) costs.push_back(cost_of(tally));
  costs.push_back(total.scoring.cost);
  const std::vector<fare::Int128> shares = share_tenths(counts_of(costs), total.cost.count());
  const MeanColumn means(costs, report.replications, policy.cost_mean);
  std::uint64_t attempts = 0;
  std::uint64_t failures = 0;
  std::string unused;
  for (std::size_t i = 0; i < total.by_model.size(); ++i) {
    const ModelTally& tally = total.by_model[i];
    if (!is_used(tally)) {
      unused += fmt::format("{}{}", unused.empty() ? "Not used: " : ", ", report.models[i]);
      continue;
    }
    table.add(HtmlTable::Row::kGroup,
              columns.row(
                  {escaped(report.models[i]), number(tally.attempts), number(tally.failures), {""}},
                  means.text(i), shares[i], costs[i]));
    const std::vector<fare::Cost> lines(tally.cost.begin(), tally.cost.end());
    add_lines(table, columns, tally, means.parts_of(i, lines),
              share_tenths(counts_of(lines), total.cost.count(), shares[i]));
    attempts += tally.attempts;
    failures += tally.failures;
  }
  if (total.scoring.scored > 0) {
    table.add(HtmlTable::Row::kGroup,
              columns.row({{"scores of answers"}, {""}, {""}, number(total.scoring.scored)},
                          means.text(costs.size() - 1), shares.back(), costs.back()));
  }
  table.add(HtmlTable::Row::kTotal,
            columns.total_row({{"Total"}, number(attempts), number(failures), {""}}, policy));
  if (unused.empty()) return table.html();
  return table.html() + fmt::format("<p class=\"note\">{}.</p>\n", escaped(unused).html);
}

std::string group_table(const std::string& kind, const std::vector<Group>& groups,
                        const Report& report, const PolicyReport& policy,
                        const MoneyColumns& columns) {
  HtmlTable table("By " + kind, columns.header({{"Name"}, {"Requests"}, {"Refused"}}));
  std::vector<fare::Cost> costs;
  costs.reserve(groups.size());
  for (const Group& group : groups) costs.push_back(group.tally.cost);
  const std::vector<fare::Int128> shares =
      share_tenths(counts_of(costs), policy.total.cost.count());
  const MeanColumn means(costs, report.replications, policy.cost_mean);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const GroupTally& tally = groups[i].tally;
    table.add(HtmlTable::Row::kPlain,
              columns.row({escaped(groups[i].name), number(tally.requests), number(tally.refused)},
                          means.text(i), shares[i], tally.cost));
  }
  const RunResult& total = policy.total;
  table.add(
      HtmlTable::Row::kTotal,
      columns.total_row({{"Total"}, number(total.requests), number(total.refusals())}, policy));
  return table.html();
}

std::vector<Group> by_class(const Report& report, const RunResult& total) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < total.by_class.size(); ++i) {
    groups.push_back({report.classes[i], total.by_class[i]});
  }
  return groups;
}

// The dearest tenants by name, the others in one.
std::vector<Group> by_tenant(const Report& report, const RunResult& total) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < total.by_tenant.size(); ++i) {
    groups.push_back({report.tenants[i], total.by_tenant[i]});
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.tally.cost > b.tally.cost; });
  if (groups.size() <= kTenantsShown) return groups;
  const std::size_t count = groups.size() - kTenantsShown;
  Group others{.name = fmt::format("{} other{}", count, count == 1 ? "" : "s"), .tally = {}};
  for (std::size_t i = kTenantsShown; i < groups.size(); ++i) {
    others.tally.requests += groups[i].tally.requests;
    others.tally.refused += groups[i].tally.refused;
    others.tally.cost += groups[i].tally.cost;
  }
  groups.resize(kTenantsShown);
  groups.push_back(std::move(others));
  return groups;
}

std::string policy_money(const Report& report, std::size_t index) {
  const PolicyReport& policy = report.policies[index];
  const MoneyColumns columns(report, policy);
  return fmt::format("<h3>{}</h3>\n", escaped(policy_labels(report)[index]).html) +
         model_table(report, policy, columns) +
         group_table("class", by_class(report, policy.total), report, policy, columns) +
         group_table("tenant", by_tenant(report, policy.total), report, policy, columns);
}

std::string introduction(const Report& report) {
  constexpr std::string_view kExact = "exact to the last digit; digits beyond the cent are small";
  if (report.replications == 1) return fmt::format("Every cost is {}.", kExact);
  return fmt::format(
      "Counts and sums are those of all {} replications, and sums are {}. Means and shares are "
      "rounded so that each column adds up.",
      report.replications, kExact);
}

// The least that it can cost, beside what it costs.
std::string oracles(const Report& report) {
  if (report.oracles.empty()) return "";
  HtmlTable table("The least that serving the same requests can cost, if all were known beforehand",
                  {{"Policy"}, {"Costs"}, {"At least"}, {"Above it"}, {"Requests"}, {"No room"}});
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.oracles.size(); ++i) {
    const Oracle& oracle = report.oracles[i];
    const fare::Cost cost = report.policies[i].cost_mean;
    std::string above = "-";
    if (oracle.cost > fare::Cost()) {
      above = fmt::format(
          "{:+.1f} %",
          100 * (static_cast<double>(cost.count()) / static_cast<double>(oracle.cost.count()) - 1));
    }
    table.add(HtmlTable::Row::kPlain, {escaped(labels[i]),
                                       {dollars_text(cost)},
                                       {dollars_text(oracle.cost)},
                                       {above},
                                       number(static_cast<std::uint64_t>(oracle.requests)),
                                       number(static_cast<std::uint64_t>(oracle.unserved))});
  }
  return table.html();
}

}  // namespace

std::string money_section(const Report& report) {
  std::string html = paragraph("note", introduction(report)) + oracles(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) html += policy_money(report, i);
  return section("money", "Where the money went", html);
}

}  // namespace routesim
