#pragma once

#include <array>        // std::array.
#include <cstdint>      // std::uint32_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "study/budget_forecast.h"  // BudgetForecast.
#include "study/estimate.h"         // Estimate.
#include "study/oracle.h"           // Oracle.
#include "study/run.h"              // RunResult.
#include "study/scenario.h"         // Scenario.

namespace routesim {

// What is estimated of every policy, from one figure a replication.
enum class Metric : std::uint8_t {
  kCost,           // Dollars a run.
  kCostPerAnswer,  // Dollars an answered request, cached answers included.
  kRefusedShare,
  kFailedShare,
  kFirstTokenP50,  // Milliseconds from arrival, waiting and failed attempts included.
  kFirstTokenP95,
  kFirstTokenP99,
  kEndToEndP50,
  kEndToEndP95,
  kEndToEndP99,
  kQuality,     // Mean probability that an answer is good enough, over answers by models: as they
                // come, so what a judge's choice among them adds shows in kGoodShare only.
  kAboveFloor,  // Share of the answers under a rule with a floor whose quality reaches it.

  // Those of runs where answers go wrong or are judged.
  kGoodShare,          // Of the answers by models whose quality is known: that were good enough,
  kHallucinatedShare,  // and that asserted something false.
  kObeyedShare,        // Of the injected instructions: that were followed.
  kUnknownShare,       // Of the answers by models whose quality is modelled: outcome not recorded.
  kScoringCost,        // Dollars a run, of the cost.
  kScoringTime,        // Mean milliseconds that a score takes.
  kRejectedShare,      // Of the scored answers.
  kFirstStageShare,    // Of the answered requests with a cascade: by the first answer,
  kSecondStageShare,   // by the second,
  kLaterStageShare,    // by a later one.
  kEvaluatedPassed,    // Of the answers judged beside the traffic: that passed,
  kEvaluatedGood,      // and that were good in truth.
  kEvaluationError,    // The first less the second: how far off the judge is.
  kEvaluationCost,     // Dollars a run, beside the cost.
};

// Every report has the first ones; the others, up to kMetricsMax, where there is something to tell.
inline constexpr std::size_t kMetricCount = 12;
inline constexpr std::size_t kMetricsMax = 26;

// The stable name in JSON: "cost_usd", "first_token_ms_p50".
std::string_view to_string(Metric metric);

// What one policy came to.
struct PolicyReport {
  std::string name;
  std::string hash;
  RunResult total;                      // Sums over all replications, exact; the longest length.
  fare::Cost cost_mean;                 // total.cost / replications, rounded to a picodollar.
  std::vector<BudgetForecast> budgets;  // How the first windows of its budgets end; or none.
  // Nothing where a replication has no such figure: no answer, or quality not modelled.
  std::array<std::optional<Estimate>, kMetricsMax> metric;

  const std::optional<Estimate>& operator[](Metric which) const {
    return metric[static_cast<std::size_t>(which)];
  }
};

// Policy b against policy a, replication by replication: both met the same requests and luck.
struct Comparison {
  std::array<std::optional<Estimate>, kMetricsMax> difference;  // b - a.
  std::optional<Estimate> relative_cost;  // (b - a) / a; nothing if a is free.
  fare::Cost cost_difference_mean;        // Of PolicyReport::cost_mean.
  // The variance of the cost difference if the runs were independent, over that of the pairs.
  // Nothing if either is zero.
  std::optional<double> variance_ratio;

  const std::optional<Estimate>& operator[](Metric which) const {
    return difference[static_cast<std::size_t>(which)];
  }
};

// All that a study found out: what every renderer (terminal, JSON, CSV, HTML) shows.
struct Report {
  std::string scenario;
  std::string question;
  std::vector<std::string> assumptions;
  fare::Instant start{};
  fare::Duration span{};  // Of the arrivals: 24 h, or the length of the trace.
  std::string traffic;    // Where requests come from, in words.
  std::uint64_t seed = 0;
  std::uint32_t replications = 0;
  std::string price_hash;
  std::vector<std::string> models;  // "provider/model", as RunResult::by_model.
  std::vector<std::string> classes;
  std::vector<std::string> tenants;
  std::vector<PolicyReport> policies;    // One, or two to compare.
  std::optional<Comparison> comparison;  // Of policies[1] against policies[0].
  std::vector<Oracle> oracles;           // Of the policies, in their order, if asked for.
};

// Whether a metric is to be shown: it is one of every report; or some policy has it, and not zero
// in every replication of every policy.
bool is_telling(const Report& report, Metric metric);

// total / count, to the nearest picodollar, half to even.  REQUIRES: total >= 0, count > 0.
fare::Cost mean_cost(fare::Cost total, std::uint32_t count);

// From the start of a run to the end of its traffic: the length of the arrivals, or of the trace.
fare::Duration span_of(const TrafficModel& traffic);

// Runs the given variants of the scenario (one, or two to compare) and sums up.
Report study(const Scenario& scenario, const std::vector<const Variant*>& variants,
             unsigned threads, std::atomic<std::uint64_t>& progress);

}  // namespace routesim
