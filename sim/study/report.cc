#include "study/report.h"

#include <fmt/format.h>
#include <algorithm>

#include <functional>

#include "study/budget_watch.h"

namespace routesim {
namespace {

constexpr double kPicodollarsPerDollar = 1e12;
constexpr double kNanosecondsPerMillisecond = 1e6;

constexpr std::array<std::string_view, kMetricsMax> kMetricNames = {"cost_usd",
                                                                    "cost_usd_per_answer",
                                                                    "refused_share",
                                                                    "failed_share",
                                                                    "first_token_ms_p50",
                                                                    "first_token_ms_p95",
                                                                    "first_token_ms_p99",
                                                                    "end_to_end_ms_p50",
                                                                    "end_to_end_ms_p95",
                                                                    "end_to_end_ms_p99",
                                                                    "quality",
                                                                    "above_floor_share",
                                                                    "good_share",
                                                                    "hallucinated_share",
                                                                    "obeyed_share",
                                                                    "unknown_share",
                                                                    "scoring_usd",
                                                                    "scoring_ms",
                                                                    "rejected_share",
                                                                    "first_stage_share",
                                                                    "second_stage_share",
                                                                    "later_stage_share",
                                                                    "evaluated_passed_share",
                                                                    "evaluated_good_share",
                                                                    "evaluation_error",
                                                                    "evaluation_usd"};

double dollars(fare::Cost cost) {
  return static_cast<double>(cost.count()) / kPicodollarsPerDollar;
}

std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<double> milliseconds(const Histogram& histogram, double quantile) {
  if (histogram.count() == 0) return std::nullopt;
  return static_cast<double>(histogram.quantile(quantile).count()) / kNanosecondsPerMillisecond;
}

// What is known of cascades in a run; nothing for the metrics of other things.
std::optional<double> measure_scoring(Metric metric, const ScoringTally& scoring) {
  std::uint64_t with_cascade = 0;
  for (const std::uint64_t count : scoring.by_stage) with_cascade += count;
  switch (metric) {
    case Metric::kScoringCost:
      if (scoring.scored == 0) return std::nullopt;
      return dollars(scoring.cost);
    case Metric::kScoringTime:
      if (scoring.scored == 0) return std::nullopt;
      return static_cast<double>(scoring.delay_ns) / kNanosecondsPerMillisecond /
             static_cast<double>(scoring.scored);
    case Metric::kRejectedShare:
      return share(scoring.rejected, scoring.accepted + scoring.rejected);
    case Metric::kFirstStageShare:
      return share(scoring.by_stage[0], with_cascade);
    case Metric::kSecondStageShare:
      return share(scoring.by_stage[1], with_cascade);
    case Metric::kLaterStageShare:
      return share(with_cascade - scoring.by_stage[0] - scoring.by_stage[1], with_cascade);
    default:
      return std::nullopt;
  }
}

std::optional<double> measure_evaluation(Metric metric, const EvaluationTally& evaluation) {
  if (evaluation.judged == 0) return std::nullopt;
  const auto judged = static_cast<double>(evaluation.judged);
  switch (metric) {
    case Metric::kEvaluatedPassed:
      return share(evaluation.passed, evaluation.judged);
    case Metric::kEvaluatedGood:
      return share(evaluation.good, evaluation.judged);
    case Metric::kEvaluationError:
      return (static_cast<double>(evaluation.false_passes) -
              static_cast<double>(evaluation.false_fails)) /
             judged;
    case Metric::kEvaluationCost:
      return dollars(evaluation.cost);
    default:
      return std::nullopt;
  }
}

std::optional<double> measure(Metric metric, const RunResult& run) {
  const std::uint64_t answers = run.answered + run.from_cache;
  switch (metric) {
    case Metric::kCost:
      return dollars(run.cost);
    case Metric::kCostPerAnswer:
      if (answers == 0) return std::nullopt;
      return dollars(run.cost) / static_cast<double>(answers);
    case Metric::kRefusedShare:
      return share(run.refusals(), run.requests);
    case Metric::kFailedShare:
      return share(run.failed, run.requests);
    case Metric::kFirstTokenP50:
      return milliseconds(run.first_token, 0.50);
    case Metric::kFirstTokenP95:
      return milliseconds(run.first_token, 0.95);
    case Metric::kFirstTokenP99:
      return milliseconds(run.first_token, 0.99);
    case Metric::kEndToEndP50:
      return milliseconds(run.end_to_end, 0.50);
    case Metric::kEndToEndP95:
      return milliseconds(run.end_to_end, 0.95);
    case Metric::kEndToEndP99:
      return milliseconds(run.end_to_end, 0.99);
    case Metric::kQuality:
      if (run.judged == 0) return std::nullopt;
      return run.quality_sum / static_cast<double>(run.judged);
    case Metric::kAboveFloor:
      return share(run.above_floor, run.with_floor);
    case Metric::kGoodShare:
      return share(run.quality.good, run.judged);
    case Metric::kHallucinatedShare:
      return share(run.quality.hallucinated, run.judged);
    case Metric::kObeyedShare:
      return share(run.quality.obeyed, run.quality.injected);
    case Metric::kUnknownShare:
      return share(run.quality.unknown, run.quality.unknown + run.judged);
    default:
      break;
  }
  const std::optional<double> scoring = measure_scoring(metric, run.scoring);
  return scoring ? scoring : measure_evaluation(metric, run.evaluation);
}

// One figure a replication; nothing unless every replication has it.
std::optional<std::vector<double>> measure_all(Metric metric, const std::vector<RunResult>& runs) {
  std::vector<double> values;
  for (const RunResult& run : runs) {
    const std::optional<double> value = measure(metric, run);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

template <class T, std::size_t n>
void add(std::array<T, n>& sum, const std::array<T, n>& more) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += more[i];
}

void add(std::vector<GroupTally>& sum, const std::vector<GroupTally>& more) {
  sum.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) {
    sum[i].requests += more[i].requests;
    sum[i].refused += more[i].refused;
    sum[i].cost += more[i].cost;
  }
}

void add(std::vector<ModelTally>& sum, const std::vector<ModelTally>& more) {
  sum.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) {
    sum[i].attempts += more[i].attempts;
    sum[i].failures += more[i].failures;
    sum[i].cancelled += more[i].cancelled;
    sum[i].kept += more[i].kept;
    sum[i].unseen += more[i].unseen;
    sum[i].waits += more[i].waits;
    sum[i].waited_ns += more[i].waited_ns;
    add(sum[i].used, more[i].used);
    add(sum[i].cost, more[i].cost);
    add(sum[i].faults, more[i].faults);
  }
}

void add(std::vector<PoolTally>& sum, const std::vector<PoolTally>& more) {
  if (sum.empty()) {
    sum = more;
    return;
  }
  for (std::size_t i = 0; i < more.size(); ++i) {
    sum[i].replica_ns += more[i].replica_ns;
    sum[i].busy_ns += more[i].busy_ns;
    sum[i].cost += more[i].cost;
    sum[i].preemptions += more[i].preemptions;
    sum[i].held += more[i].held;
    sum[i].replicas_max = std::max(sum[i].replicas_max, more[i].replicas_max);
  }
}

void add(ScoringTally& sum, const ScoringTally& more) {
  sum.scored += more.scored;
  sum.accepted += more.accepted;
  sum.rejected += more.rejected;
  sum.cost += more.cost;
  sum.delay_ns += more.delay_ns;
  add(sum.by_stage, more.by_stage);
  sum.kept += more.kept;
}

void add(QualityTally& sum, const QualityTally& more) {
  sum.unknown += more.unknown;
  sum.good += more.good;
  sum.hallucinated += more.hallucinated;
  sum.injected += more.injected;
  sum.obeyed += more.obeyed;
}

void add(RunResult& sum, const RunResult& more) {
  sum.requests += more.requests;
  sum.answered += more.answered;
  sum.from_cache += more.from_cache;
  sum.similar += more.similar;
  sum.failed += more.failed;
  sum.abandoned += more.abandoned;
  sum.retried += more.retried;
  sum.escalated += more.escalated;
  add(sum.refused, more.refused);
  add(sum.held_back, more.held_back);
  sum.degraded += more.degraded;
  sum.refused_unpriced += more.refused_unpriced;
  sum.not_priced += more.not_priced;
  sum.hedged += more.hedged;
  sum.hedges_won += more.hedges_won;
  sum.beyond_clock += more.beyond_clock;
  sum.undeferred += more.undeferred;
  sum.cost += more.cost;
  add(sum.by_model, more.by_model);
  add(sum.pools, more.pools);
  add(sum.by_class, more.by_class);
  add(sum.by_tenant, more.by_tenant);
  sum.first_token.merge(more.first_token);
  sum.end_to_end.merge(more.end_to_end);
  add(sum.scoring, more.scoring);
  sum.evaluation += more.evaluation;
  if (sum.by_window.size() < more.by_window.size()) sum.by_window.resize(more.by_window.size());
  for (std::size_t i = 0; i < more.by_window.size(); ++i) sum.by_window[i] += more.by_window[i];
  add(sum.quality, more.quality);
  sum.judged += more.judged;
  sum.quality_sum += more.quality_sum;
  sum.with_floor += more.with_floor;
  sum.above_floor += more.above_floor;
  sum.length = std::max(sum.length, more.length);  // A sum of centuries is no Duration.
  sum.in_flight_ns += more.in_flight_ns;
  sum.sojourn_ns += more.sojourn_ns;
}

PolicyReport sum_up(const Variant& variant, const std::vector<RunResult>& runs) {
  PolicyReport report;
  report.name = variant.name;
  report.hash = variant.policy.hash();
  for (const RunResult& run : runs) add(report.total, run);
  report.cost_mean = mean_cost(report.total.cost, static_cast<std::uint32_t>(runs.size()));
  for (std::size_t i = 0; i < kMetricsMax; ++i) {
    const auto values = measure_all(static_cast<Metric>(i), runs);
    if (values) report.metric[i] = estimate(*values);
  }
  return report;
}

std::optional<std::vector<double>> pair_up(Metric metric, const std::vector<RunResult>& a,
                                           const std::vector<RunResult>& b,
                                           const std::function<double(double, double)>& combine) {
  const auto of_a = measure_all(metric, a);
  const auto of_b = measure_all(metric, b);
  if (!of_a || !of_b) return std::nullopt;
  std::vector<double> values(of_a->size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = combine((*of_a)[i], (*of_b)[i]);
  return values;
}

Comparison compare(const std::vector<RunResult>& a, const std::vector<RunResult>& b) {
  Comparison comparison;
  const auto minus = [](double x, double y) { return y - x; };
  for (std::size_t i = 0; i < kMetricsMax; ++i) {
    const auto values = pair_up(static_cast<Metric>(i), a, b, minus);
    if (values) comparison.difference[i] = estimate(*values);
  }
  bool free_run = false;
  for (const RunResult& run : a) free_run = free_run || run.cost == fare::Cost(0);
  if (!free_run) {
    const auto relative = [](double x, double y) { return (y - x) / x; };
    comparison.relative_cost = estimate(*pair_up(Metric::kCost, a, b, relative));
  }
  const double paired = variance(*pair_up(Metric::kCost, a, b, minus));
  const double apart =
      variance(*measure_all(Metric::kCost, a)) + variance(*measure_all(Metric::kCost, b));
  if (paired > 0 && apart > 0) comparison.variance_ratio = apart / paired;
  return comparison;
}

std::string describe(const TrafficModel& traffic) {
  if (traffic.trace) {
    return fmt::format("{} ({} requests, {} bad lines skipped)", traffic.trace->name,
                       traffic.trace->rows.size(), traffic.trace->bad_lines.size());
  }
  return fmt::format("synthetic, {:.6g} requests a second on average", traffic.arrivals.per_second);
}

}  // namespace

fare::Duration span_of(const TrafficModel& traffic) {
  if (traffic.trace) return traffic.trace->rows.back().at;
  if (traffic.arrivals.length.count() > 0) return traffic.arrivals.length;
  const double seconds =
      static_cast<double>(traffic.arrivals.requests) / traffic.arrivals.per_second;
  return fare::Duration(static_cast<std::int64_t>(seconds * 1e9));
}

fare::Cost mean_cost(fare::Cost total, std::uint32_t count) {
  const fare::Int128 quotient = total.count() / count;
  const fare::Int128 twice = (total.count() % count) * 2;
  const bool up = twice > count || (twice == count && quotient % 2 != 0);
  return fare::Cost(quotient + (up ? 1 : 0));
}

std::string_view to_string(Metric metric) { return kMetricNames[static_cast<std::size_t>(metric)]; }

bool is_telling(const Report& report, Metric metric) {
  if (static_cast<std::size_t>(metric) < kMetricCount) return true;
  for (const PolicyReport& policy : report.policies) {
    const std::optional<Estimate>& estimate = policy[metric];
    if (estimate && (estimate->mean != 0 || estimate->half_width.value_or(0) != 0)) return true;
  }
  return false;
}

Report study(const Scenario& scenario, const std::vector<const Variant*>& variants,
             unsigned threads, std::atomic<std::uint64_t>& progress) {
  FARE_CHECK(!variants.empty());
  FARE_CHECK(variants.size() <= 2);
  WatchedRuns watched = run_watched(scenario, variants, threads, progress);
  const std::vector<std::vector<RunResult>>& runs = watched.runs;
  Report report;
  report.scenario = scenario.name;
  report.question = scenario.question;
  if (scenario.traffic.trace) {
    report.assumptions.push_back(
        "Times and lengths are those of the trace, whatever is said of arrivals and lengths below. "
        "Intervals tell how much the simulated luck matters, not how typical the trace is.");
  }
  report.assumptions.insert(report.assumptions.end(), scenario.assumptions.begin(),
                            scenario.assumptions.end());
  report.start = scenario.start;
  report.span = span_of(scenario.traffic);
  report.traffic = describe(scenario.traffic);
  report.seed = scenario.seed;
  report.replications = scenario.replications;
  report.price_hash = scenario.prices.hash();
  for (const WorldModel& model : scenario.world.models) {
    const fare::ModelFacts facts = scenario.prices.facts(model.id);
    report.models.push_back(fmt::format("{}/{}", facts.provider, facts.model));
  }
  for (const ClassMix& mix : scenario.traffic.classes) report.classes.push_back(mix.name);
  for (const TenantMix& mix : scenario.traffic.tenants) report.tenants.push_back(mix.name);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    report.policies.push_back(sum_up(*variants[i], runs[i]));
    report.policies.back().budgets = std::move(watched.budgets[i]);
  }
  if (variants.size() == 2) {
    report.comparison = compare(runs[0], runs[1]);
    report.comparison->cost_difference_mean =
        report.policies[1].cost_mean - report.policies[0].cost_mean;
  }
  return report;
}

}  // namespace routesim
