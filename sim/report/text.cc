#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/format.h"
#include "report/verdict.h"

namespace routesim {
namespace {

constexpr std::size_t kTenantsShown = 5;

std::string cell(const PolicyReport& policy, Metric metric) {
  const std::optional<Estimate>& estimate = policy[metric];
  if (!estimate) return "-";
  if (metric == Metric::kCost) return dollars_text(policy.cost_mean);
  return value_text(metric, estimate->mean);
}

Table metric_table(const Report& report) {
  const PolicyReport& a = report.policies[0];
  const bool two = report.comparison.has_value();
  Table table(two ? std::vector<std::string>{"", a.name, report.policies[1].name, "difference",
                                             "95 % interval"}
                  : std::vector<std::string>{"", a.name, "95 % interval"});
  for (const Metric metric : figures_of(report)) {
    std::vector<std::string> row{std::string(label(metric)), cell(a, metric)};
    const std::optional<Estimate>& shown = two ? (*report.comparison)[metric] : a[metric];
    if (two) {
      row.push_back(cell(report.policies[1], metric));
      row.push_back(shown ? difference_text(metric, shown->mean) : "-");
    }
    row.push_back(shown ? interval_text(metric, *shown) : "");
    table.add(std::move(row));
  }
  return table;
}

std::string scoring_text(const ScoringTally& scoring) {
  std::string text = fmt::format("{} answers were scored, and {} of them were good enough",
                                 count_text(scoring.scored), count_text(scoring.accepted));
  if (scoring.kept > 0) {
    text += fmt::format("; {} were given all the same, as no other was to be had",
                        count_text(scoring.kept));
  }
  return text +
         ". Its quality is that of answers as they come; what the judge's choice adds shows "
         "in its good answers.";
}

std::string counts_text(const Report& report, const PolicyReport& policy, const Style& style) {
  const RunResult& total = policy.total;
  std::string text = fmt::format("{} requests in {} replication{}: {} answered",
                                 count_text(total.requests), report.replications,
                                 report.replications == 1 ? "" : "s", count_text(total.answered));
  if (total.from_cache > 0)
    text += fmt::format(", {} from the cache", count_text(total.from_cache));
  if (total.similar > 0) {
    text += fmt::format(" ({} of them to a similar request)", count_text(total.similar));
  }
  if (total.failed > 0) text += fmt::format(", {} failed", count_text(total.failed));
  if (total.abandoned > 0) text += fmt::format(", {} given up", count_text(total.abandoned));
  for (std::size_t i = 0; i < total.refused.size(); ++i) {
    if (total.refused[i] == 0) continue;
    text += fmt::format(", {} refused ({})", count_text(total.refused[i]),
                        fare::to_string(static_cast<fare::Refusal>(i)));
  }
  if (total.hedged > 0) {
    text += fmt::format("; {} slow attempts were hedged, and {} of the hedges answered first",
                        count_text(total.hedged), count_text(total.hedges_won));
  }
  for (std::size_t i = 0; i < total.held_back.size(); ++i) {
    if (total.held_back[i] == 0) continue;
    text += fmt::format("; {} further attempts were held back ({})", count_text(total.held_back[i]),
                        fare::to_string(static_cast<fare::TopUpStatus>(i)));
  }
  std::string lines = style.dim(wrapped(policy.name + ": " + text + ".", "  "));
  if (total.scoring.scored > 0) {
    lines += style.dim(wrapped(scoring_text(total.scoring), "  "));
  }
  if (total.not_priced > 0) {
    lines += style.bad(wrapped(fmt::format("{} requests have no whole price: the cost above is not "
                                           "the whole cost.",
                                           count_text(total.not_priced)),
                               "  "));
  }
  return lines;
}

fare::Cost cost_of(const ModelTally& tally) {
  return std::accumulate(tally.cost.begin(), tally.cost.end(), fare::Cost());
}

// A share of the whole; the money itself is never divided.
std::string share_of(fare::Cost part, fare::Cost whole) {
  if (whole == fare::Cost(0)) return "-";
  const double share = static_cast<double>(part.count()) / static_cast<double>(whole.count());
  return fmt::format("{:.1f} %", share * 100);
}

// "575.3M": tables have no room for twelve digits.
std::string tokens_text(fare::Tokens total, std::uint32_t runs) {
  const double count = static_cast<double>(total.count()) / runs;
  if (count >= 1e9) return fmt::format("{:.1f}G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.1f}M", count / 1e6);
  return fmt::format("{:.0f}", count);
}

// What scores cost is no model's.
void add_scores(const PolicyReport& policy, std::uint32_t runs, Table& models) {
  const ScoringTally& scoring = policy.total.scoring;
  if (scoring.scored == 0) return;
  models.add({"scores", count_text(scoring.scored / runs), "-", "-",
              dollars_text(mean_cost(scoring.cost, runs)),
              share_of(scoring.cost, policy.total.cost)});
}

std::vector<std::string> group_row(const std::string& name, const GroupTally& tally,
                                   std::uint32_t runs, fare::Cost whole) {
  return {name, count_text(tally.requests / runs), count_text(tally.refused / runs),
          dollars_text(mean_cost(tally.cost, runs)), share_of(tally.cost, whole)};
}

// What GPUs of one's own cost, which no token's price includes; empty without pools.
std::string pool_table(const Report& report, const PolicyReport& policy, const Style& style) {
  if (policy.total.pools.empty()) return "";
  constexpr double kHourNs = 3.6e12;
  const std::uint32_t runs = report.replications;
  Table table({"pool", "GPU hours", "busy", "most replicas", "GPU cost"});
  for (const PoolTally& pool : policy.total.pools) {
    const double hours = static_cast<double>(pool.replica_ns) / kHourNs / runs *
                         static_cast<double>(pool.gpus_per_replica);
    table.add({report.models[pool.model], fmt::format("{:.1f}", hours),
               fmt::format("{:.1f} %", pool.utilisation() * 100), count_text(pool.replicas_max),
               dollars_text(mean_cost(pool.cost, runs))});
  }
  return table.text(style);
}

std::string money_tables(const Report& report, const PolicyReport& policy, const Style& style) {
  const RunResult& total = policy.total;
  const std::uint32_t runs = report.replications;
  const std::string mean = runs == 1 ? "" : fmt::format(", mean of {} replications", runs);
  std::string text =
      style.bold(fmt::format("Where the money went: {}{}", policy.name, mean)) + "\n";
  Table models({"model", "attempts", "input", "output", "cost", "share"});
  for (std::size_t i = 0; i < total.by_model.size(); ++i) {
    const ModelTally& tally = total.by_model[i];
    if (tally.attempts == 0) continue;
    const auto used = [&](fare::Meter meter) {
      return tokens_text(tally.used[static_cast<std::size_t>(meter)], runs);
    };
    models.add({report.models[i], count_text(tally.attempts / runs), used(fare::Meter::kInput),
                used(fare::Meter::kOutput), dollars_text(mean_cost(cost_of(tally), runs)),
                share_of(cost_of(tally), total.cost)});
  }
  add_scores(policy, runs, models);
  text += models.text(style) + pool_table(report, policy, style);
  Table classes({"class", "requests", "refused", "cost", "share"});
  for (std::size_t i = 0; i < total.by_class.size(); ++i) {
    const GroupTally& tally = total.by_class[i];
    classes.add(group_row(report.classes[i], tally, runs, total.cost));
  }
  return text + classes.text(style);
}

std::string tenant_table(const Report& report, const PolicyReport& policy, const Style& style) {
  const std::vector<GroupTally>& tallies = policy.total.by_tenant;
  std::vector<std::size_t> order(tallies.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return tallies[a].cost > tallies[b].cost; });
  Table table({"tenant", "requests", "refused", "cost", "share"});
  GroupTally others;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const GroupTally& tally = tallies[order[rank]];
    if (rank < kTenantsShown) {
      table.add(
          group_row(report.tenants[order[rank]], tally, report.replications, policy.total.cost));
      continue;
    }
    others.requests += tally.requests;
    others.refused += tally.refused;
    others.cost += tally.cost;
  }
  if (order.size() > kTenantsShown) {
    table.add(group_row(fmt::format("{} others", order.size() - kTenantsShown), others,
                        report.replications, policy.total.cost));
  }
  const GroupTally all = {policy.total.requests, policy.total.refusals(), policy.total.cost};
  table.add(group_row("total", all, report.replications, policy.total.cost));
  return table.text(style);
}

std::string oracle_text(const Report& report, std::size_t i, const Style& style) {
  const Oracle& oracle = report.oracles[i];
  const fare::Cost cost = report.policies[i].cost_mean;
  std::string text =
      fmt::format("oracle of {}: {} requests cost at least {}", oracle.policy,
                  count_text(oracle.requests - oracle.unserved), dollars_text(oracle.cost));
  if (oracle.unserved > 0) text += fmt::format(", {} find no room", count_text(oracle.unserved));
  if (oracle.cost > fare::Cost()) {
    const double above =
        static_cast<double>(cost.count()) / static_cast<double>(oracle.cost.count()) - 1;
    text += fmt::format("; this run is {:+.1f} % from it", 100 * above);
  }
  return style.dim(wrapped(text + ".", "  "));
}

std::string list_text(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    text += wrapped(sentence, "    ").replace(2, 1, "-");
  }
  return text;
}

}  // namespace

std::string to_text(const Report& report, const Style& style) {
  std::string text = style.bold(wrapped(answer_text(report), ""));
  text += style.dim(wrapped(
              fmt::format("{}, {}: {}; seed {}, prices {}", report.scenario, span_text(report.span),
                          report.traffic, report.seed, report.price_hash.substr(0, 12)),
              "")) +
          "\n";
  if (const std::vector<std::string> known = caveats(report); !known.empty()) {
    text += style.bold("Before you trust this") + "\n" + list_text(known) + "\n";
  }
  text += metric_table(report).text(style);
  text += "\n";
  for (const PolicyReport& policy : report.policies) text += counts_text(report, policy, style);
  for (std::size_t i = 0; i < report.oracles.size(); ++i) text += oracle_text(report, i, style);
  for (const PolicyReport& policy : report.policies) {
    text += "\n" + money_tables(report, policy, style);
    text += tenant_table(report, policy, style);
  }
  if (report.assumptions.empty()) return text;
  return text + "\n" + style.bold("Assumed") + "\n" + list_text(report.assumptions);
}

}  // namespace routesim
