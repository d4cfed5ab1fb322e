#pragma once

#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "study/estimate.h"   // Estimate.
#include "study/report.h"     // Metric, Report.
#include "study/run_notes.h"  // Note.

namespace routesim {

// What a difference means for whoever goes from policy a to policy b.
enum class Verdict : std::uint8_t {
  kUnknown,  // Not estimated, or from one replication.
  kSame,     // Exactly, in every replication.
  kBetter,
  kWorse,
  kOpen,  // The interval includes zero: that could be chance.
};

// The figures that the report shows, in their order.
std::vector<Metric> figures_of(const Report& report);

// Less is better, but of quality and what is above the floor or good; kUnknown of those that are
// neither, such as how many answers were scored too low.
Verdict verdict_on(Metric metric, const std::optional<Estimate>& difference);

// "better", "could be chance"; "" for kUnknown.
std::string_view words_of(Verdict verdict);

// Which figures are better under policy b, which worse, which open; empty without a comparison.
std::vector<std::string> verdict_sentences(const Report& report);

// A note in a sentence; the policy is one of policy_labels().
std::string note_sentence(const Report& report, const std::string& policy, const RunResult& total,
                          const Note& note);

// What a reader must know before trusting the answer, the gravest first, each a sentence or two:
// every note of every run; costs of unequal work; GPUs, which no figure of cost includes; budgets
// that are likely to run out.  Costs that are not whole are not among them: their warning stands
// beside every such cost.
std::vector<std::string> caveats(const Report& report);

// What a policy's pools cost a replication, to a picodollar; nothing without pools.
std::optional<fare::Cost> gpu_cost_mean(const Report& report, const PolicyReport& policy);

// "outage", "rate limit": why an attempt got no whole answer.
std::string_view words_of(Fault fault);

}  // namespace routesim
