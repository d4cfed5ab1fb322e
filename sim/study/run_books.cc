#include "study/run_books.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

bool lacks_price(const fare::Candidate& candidate) {
  return candidate.verdict == fare::Verdict::kUnpriced;
}

}  // namespace

RunBooks::RunBooks(const Scenario& scenario) {
  result_.by_model.resize(scenario.world.models.size());
  result_.by_class.resize(scenario.traffic.classes.size());
  result_.by_tenant.resize(scenario.traffic.tenants.size());
}

void RunBooks::arrive(const Arrival& arrival) {
  ++result_.requests;
  ++result_.by_class[arrival.request_class].requests;
  ++result_.by_tenant[arrival.tenant].requests;
}

void RunBooks::answer_from_cache(fare::Duration latency) {
  ++result_.from_cache;
  result_.first_token.record(latency);
  result_.end_to_end.record(latency);
}

void RunBooks::refuse(const Arrival& arrival, const fare::Decision& decision) {
  ++result_.refused[static_cast<std::size_t>(decision.refusal)];
  ++result_.by_class[arrival.request_class].refused;
  ++result_.by_tenant[arrival.tenant].refused;
  const auto considered = decision.considered();
  if (std::any_of(considered.begin(), considered.end(), lacks_price)) ++result_.refused_unpriced;
}

void RunBooks::fail(std::uint32_t model, Fault fault) {
  ++result_.by_model[model].failures;
  ++result_.by_model[model].faults[static_cast<std::size_t>(fault)];
}

void RunBooks::score(const Arrival& arrival, fare::Cost cost, fare::Duration delay) {
  ++result_.scoring.scored;
  result_.scoring.cost += cost;
  result_.scoring.delay_ns += delay.count();
  result_.by_class[arrival.request_class].cost += cost;
  result_.by_tenant[arrival.tenant].cost += cost;
  result_.cost += cost;
}

void RunBooks::evaluate(const EvaluationTally& one, std::optional<std::size_t> window) {
  result_.evaluation += one;
  if (!window) return;
  if (result_.by_window.size() <= *window) result_.by_window.resize(*window + 1);
  result_.by_window[*window] += one;
}

void RunBooks::answer(const Open& open, fare::Duration first_token, fare::Duration now) {
  ++result_.answered;
  result_.first_token.record(first_token - open.arrival.at);
  result_.end_to_end.record(now - open.arrival.at);
}

void RunBooks::grade(const AnswerQuality& quality, const std::optional<double>& floor) {
  if (quality.status == AnswerQuality::Status::kNotModelled) return;
  if (quality.status == AnswerQuality::Status::kUnknown) {
    ++result_.quality.unknown;
    return;
  }
  ++result_.judged;
  result_.quality_sum += quality.probability;
  result_.quality.good += quality.good;
  result_.quality.hallucinated += quality.hallucinates;
  result_.quality.injected += quality.injected;
  result_.quality.obeyed += quality.obeys;
  if (!floor) return;
  ++result_.with_floor;
  if (quality.probability >= *floor) ++result_.above_floor;
}

void RunBooks::settle(const Open& open, const fare::Settlement& settlement, fare::Duration now) {
  for (std::size_t i = 0; i < settlement.charges.size(); ++i) {
    ModelTally& tally = result_.by_model[open.at(i).model];
    for (const fare::CostLine& line : settlement.charges[i].lines) {
      tally.used[static_cast<std::size_t>(line.meter)] += line.count;
      tally.cost[static_cast<std::size_t>(line.meter)] += line.cost;
    }
  }
  result_.by_class[open.arrival.request_class].cost += settlement.total;
  result_.by_tenant[open.arrival.tenant].cost += settlement.total;
  result_.cost += settlement.total;
  if (settlement.cost_status != fare::CostStatus::kPriced) ++result_.not_priced;
  result_.sojourn_ns += (now - open.arrival.at).count();
}

RunResult RunBooks::close(fare::Duration length, const fare::RouterStats& stats) {
  result_.length = length;
  check(stats);
  return std::move(result_);
}

void RunBooks::check(const fare::RouterStats& stats) const {
  fare::Cost models;
  for (const ModelTally& tally : result_.by_model) {
    for (const fare::Cost& cost : tally.cost) models += cost;
    std::uint64_t faults = 0;
    for (const std::uint64_t count : tally.faults) faults += count;
    FARE_CHECK(faults == tally.failures);
  }
  fare::Cost classes;
  for (const GroupTally& tally : result_.by_class) classes += tally.cost;
  fare::Cost tenants;
  for (const GroupTally& tally : result_.by_tenant) tenants += tally.cost;
  const ScoringTally& scoring = result_.scoring;
  FARE_CHECK(models + scoring.cost == result_.cost);
  FARE_CHECK(classes == result_.cost);
  FARE_CHECK(tenants == result_.cost);
  FARE_CHECK(stats.cost + scoring.cost == result_.cost);
  FARE_CHECK(stats.open == 0);
  FARE_CHECK(stats.refused == result_.refusals());
  FARE_CHECK(stats.cached == result_.similar);
  FARE_CHECK(stats.routed == result_.requests - result_.from_cache + result_.similar);
  FARE_CHECK(result_.requests == result_.answered + result_.from_cache + result_.failed +
                                     result_.abandoned + result_.refusals());
  std::uint64_t with_cascade = 0;
  for (const std::uint64_t count : scoring.by_stage) with_cascade += count;
  FARE_CHECK(with_cascade <= result_.answered);
  FARE_CHECK(scoring.accepted <= with_cascade);
  FARE_CHECK(scoring.accepted + scoring.rejected <= scoring.scored);
  FARE_CHECK(result_.judged + result_.quality.unknown <= result_.answered);
  FARE_CHECK(result_.evaluation.judged <= result_.judged);
  // Little's law holds to the nanosecond on a run that starts and ends empty.
  FARE_CHECK(result_.in_flight_ns == result_.sojourn_ns);
}

}  // namespace routesim
