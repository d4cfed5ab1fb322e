#include <fmt/format.h>

#include "report/format.h"
#include "report/html_sections.h"
#include "report/svg.h"

namespace routesim {
namespace {

constexpr double kHourNs = 3.6e12;

double gpu_hours(const PoolTally& pool, std::uint32_t replications) {
  return static_cast<double>(pool.replica_ns) / kHourNs / replications *
         static_cast<double>(pool.gpus_per_replica);
}

// How busy one pool was under one policy, as a bar on the track of all the time paid for.
std::string busy_bar(const Report& report, std::size_t policy, std::size_t index) {
  const PoolTally& pool = report.policies[policy].total.pools[index];
  const std::string name =
      fmt::format("{}: {}", policy_labels(report)[policy], report.models[pool.model]);
  const std::string busy = fmt::format("{:.1f} % busy", pool.utilisation() * 100);
  return fmt::format("<p class=\"head\"><strong>{}</strong> <span>{}</span></p>\n",
                     escaped(name).html, busy) +
         share_bar({.id = fmt::format("pool-{}-{}", policy, index),
                    .title = name,
                    .description = busy + " of the time that its replicas were paid for."},
                   pool.utilisation(), policy);
}

std::string pools_table(const Report& report) {
  HtmlTable table("Pools, " + mean_words(report) + "; what is counted, over all replications",
                  {{"Pool"},
                   {"Policy"},
                   {"Attempts"},
                   {"GPU hours"},
                   {"Busy"},
                   {"GPU cost"},
                   {"Cost an attempt"},
                   {"Most replicas"},
                   {"Preempted"},
                   {"Found none ready"}});
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const RunResult& total = report.policies[i].total;
    for (const PoolTally& pool : total.pools) {
      const std::uint64_t attempts = total.by_model[pool.model].attempts;
      const double each = attempts == 0 ? 0
                                        : static_cast<double>(pool.cost.count()) * 1e-12 /
                                              static_cast<double>(attempts);
      table.add(HtmlTable::Row::kPlain,
                {escaped(report.models[pool.model]),
                 escaped(labels[i]),
                 {count_text(attempts)},
                 {fmt::format("{:.1f}", gpu_hours(pool, report.replications))},
                 {fmt::format("{:.1f} %", pool.utilisation() * 100)},
                 {dollars_text(mean_cost(pool.cost, report.replications))},
                 {attempts == 0 ? "-" : dollars_text(each)},
                 {count_text(pool.replicas_max)},
                 {count_text(pool.preemptions)},
                 {count_text(pool.held)}});
    }
  }
  return table.html();
}

}  // namespace

std::string pools_section(const Report& report) {
  std::string bars;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    for (std::size_t pool = 0; pool < report.policies[i].total.pools.size(); ++pool) {
      bars += busy_bar(report, i, pool);
    }
  }
  if (bars.empty()) return "";
  return section("pools", "Pools of one’s own",
                 paragraph("note",
                           "GPUs are paid for by the hour, busy or not. That money is in no figure "
                           "of cost above.") +
                     "<figure>\n" + bars +
                     "<figcaption>The share of the paid time in which replicas worked.</figcaption>"
                     "\n</figure>\n" +
                     pools_table(report));
}

}  // namespace routesim
