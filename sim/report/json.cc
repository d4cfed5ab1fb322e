#include "report/json.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "report/budget_json.h"
#include "study/run_notes.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

Json estimate_json(const std::optional<Estimate>& estimate) {
  if (!estimate) return nullptr;
  Json json = {{"mean", estimate->mean}, {"interval_95", nullptr}};
  if (estimate->half_width) {
    json["interval_95"] = {estimate->mean - *estimate->half_width,
                           estimate->mean + *estimate->half_width};
  }
  return json;
}

Json metrics_json(const Report& report,
                  const std::array<std::optional<Estimate>, kMetricsMax>& metrics) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kMetricsMax; ++i) {
    const auto metric = static_cast<Metric>(i);
    if (!is_telling(report, metric)) continue;
    json[std::string(to_string(metric))] = estimate_json(metrics[i]);
  }
  return json;
}

Json refusals_json(const RunResult& total) {
  Json json = Json::object();
  for (std::size_t i = 1; i < fare::kRefusalCount; ++i) {
    json[std::string(fare::to_string(static_cast<fare::Refusal>(i)))] = total.refused[i];
  }
  return json;
}

// A sum of times: exact while it fits into 64 bits, which holds 292 years.
Json sum_json(fare::Int128 sum) {
  constexpr fare::Int128 kExact = std::numeric_limits<std::int64_t>::max();
  return sum <= kExact ? Json(static_cast<std::int64_t>(sum)) : Json(static_cast<double>(sum));
}

// What the model cost, and by fault what went wrong there; what did not happen has no key.
Json model_json(const std::string& name, const ModelTally& tally) {
  Json lines = Json::array();
  fare::Cost sum;
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    sum += tally.cost[i];
    if (tally.used[i] == fare::Tokens(0)) continue;
    lines.push_back({{"meter", fare::to_string(static_cast<fare::Meter>(i))},
                     {"count", tally.used[i].count()},
                     {"usd", fare::to_usd(tally.cost[i])}});
  }
  Json json = {{"model", name},
               {"attempts", tally.attempts},
               {"failures", tally.failures},
               {"waits", tally.waits},
               {"waited_ns", sum_json(tally.waited_ns)},
               {"lines", std::move(lines)},
               {"cost_usd", fare::to_usd(sum)}};
  if (tally.cancelled > 0) json["cancelled"] = tally.cancelled;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (tally.faults[i] == 0) continue;
    json["faults"][std::string(to_string(static_cast<Fault>(i)))] = tally.faults[i];
  }
  return json;
}

// What users did when things went wrong; what nobody did has no key.
void put_reactions(const RunResult& total, Json& json) {
  if (total.abandoned > 0) json["abandoned"] = total.abandoned;
  if (total.retried > 0) json["retried"] = total.retried;
  if (total.escalated > 0) json["escalated"] = total.escalated;
}

// Attempts beside slow ones; likewise.
void put_hedges(const RunResult& total, Json& json) {
  if (total.hedged == 0) return;
  json["hedged"] = total.hedged;
  json["hedges_won"] = total.hedges_won;
}

Json groups_json(std::string_view kind, const std::vector<std::string>& names,
                 const std::vector<GroupTally>& tallies) {
  Json json = Json::array();
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    json.push_back({{kind, names[i]},
                    {"requests", tallies[i].requests},
                    {"refused", tallies[i].refused},
                    {"cost_usd", fare::to_usd(tallies[i].cost)}});
  }
  return json;
}

Json notes_json(const Report& report, const std::vector<Note>& notes) {
  Json json = Json::array();
  for (const Note& note : notes) {
    Json one = {{"note", to_string(note.note)}};
    if (note.model) one["model"] = report.models[*note.model];
    if (note.fault != Fault::kNone) one["fault"] = to_string(note.fault);
    one["count"] = note.count;
    json.push_back(std::move(one));
  }
  return json;
}

Json pools_json(const Report& report, const std::vector<PoolTally>& pools) {
  constexpr double kHourNs = 3.6e12;
  Json json = Json::array();
  for (const PoolTally& pool : pools) {
    const auto hours = static_cast<double>(pool.replica_ns) / kHourNs;
    json.push_back({{"model", report.models[pool.model]},
                    {"gpu_hours", hours * static_cast<double>(pool.gpus_per_replica)},
                    {"gpu_cost_usd", fare::to_usd(pool.cost)},
                    {"utilisation", pool.utilisation()},
                    {"replicas_max", pool.replicas_max},
                    {"preemptions", pool.preemptions},
                    {"held", pool.held}});
  }
  return json;
}

Json evaluation_json(const EvaluationTally& evaluation) {
  return {{"judged", evaluation.judged},
          {"passed", evaluation.passed},
          {"good", evaluation.good},
          {"false_passes", evaluation.false_passes},
          {"false_fails", evaluation.false_fails},
          {"cost_usd", fare::to_usd(evaluation.cost)}};
}

// What is known of answers and what judges made of them; what is not there has no key.
void put_judgements(const RunResult& total, Json& json) {
  const QualityTally& quality = total.quality;
  if (total.judged + quality.unknown > 0) {
    json["quality"] = {{"known", total.judged},        {"unknown", quality.unknown},
                       {"good", quality.good},         {"hallucinated", quality.hallucinated},
                       {"injected", quality.injected}, {"obeyed", quality.obeyed}};
  }
  const ScoringTally& scoring = total.scoring;
  if (scoring.scored > 0) {
    json["scoring"] = {{"scored", scoring.scored},
                       {"accepted", scoring.accepted},
                       {"rejected", scoring.rejected},
                       {"cost_usd", fare::to_usd(scoring.cost)},
                       {"delay_ns", sum_json(scoring.delay_ns)},
                       {"by_stage", scoring.by_stage},
                       {"kept", scoring.kept}};
  }
  if (total.evaluation.judged == 0) return;
  json["evaluation"] = evaluation_json(total.evaluation);
  for (std::size_t i = 0; i < total.by_window.size(); ++i) {
    json["evaluation"]["by_window"].push_back(evaluation_json(total.by_window[i]));
  }
}

Json policy_json(const Report& report, const PolicyReport& policy) {
  const RunResult& total = policy.total;
  Json models = Json::array();
  for (std::size_t i = 0; i < total.by_model.size(); ++i) {
    models.push_back(model_json(report.models[i], total.by_model[i]));
  }
  Json json = {{"policy", policy.name},
               {"policy_hash", policy.hash},
               {"requests", total.requests},
               {"answered", total.answered},
               {"from_cache", total.from_cache},
               {"failed", total.failed},
               {"refused", refusals_json(total)},
               {"not_priced", total.not_priced},
               {"cost_usd", fare::to_usd(total.cost)},
               {"cost_usd_mean", fare::to_usd(policy.cost_mean)},
               {"metrics", metrics_json(report, policy.metric)},
               {"by_model", std::move(models)},
               {"by_class", groups_json("class", report.classes, total.by_class)},
               {"by_tenant", groups_json("tenant", report.tenants, total.by_tenant)}};
  if (total.similar > 0) json["from_cache_similar"] = total.similar;
  put_reactions(total, json);
  put_hedges(total, json);
  put_judgements(total, json);
  if (!total.pools.empty()) json["pools"] = pools_json(report, total.pools);
  for (const BudgetForecast& one : policy.budgets) json["budgets"].push_back(budget_json(one));
  // Nothing to note is the rule, and then there is no such key.
  const std::vector<Note> notes = notes_of(total);
  if (!notes.empty()) json["notes"] = notes_json(report, notes);
  return json;
}

Json comparison_json(const Report& report) {
  if (!report.comparison) return nullptr;
  const Comparison& comparison = *report.comparison;
  Json ratio = comparison.variance_ratio ? Json(*comparison.variance_ratio) : Json(nullptr);
  return {{"a", report.policies[0].name},
          {"b", report.policies[1].name},
          {"cost_usd_difference_mean", fare::to_usd(comparison.cost_difference_mean)},
          {"relative_cost", estimate_json(comparison.relative_cost)},
          {"differences", metrics_json(report, comparison.difference)},
          {"variance_ratio", std::move(ratio)}};
}

Json oracles_json(const Report& report) {
  Json list = Json::array();
  for (const Oracle& one : report.oracles) {
    list.push_back({{"policy", one.policy},
                    {"requests", one.requests},
                    {"unserved", one.unserved},
                    {"cost_usd", fare::to_usd(one.cost)}});
  }
  return list;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string to_json(const Report& report) {
  Json policies = Json::array();
  for (const PolicyReport& policy : report.policies)
    policies.push_back(policy_json(report, policy));
  Json json = {{"format", "routesim-report/1"},
               {"scenario", report.scenario},
               {"question", report.question},
               {"start", fare::to_rfc3339(report.start)},
               {"span_ns", report.span.count()},
               {"traffic", report.traffic},
               {"seed", report.seed},
               {"replications", report.replications},
               {"price_hash", report.price_hash},
               {"comparison", comparison_json(report)},
               {"policies", std::move(policies)},
               {"assumptions", report.assumptions}};
  if (!report.oracles.empty()) json["oracle"] = oracles_json(report);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_csv(const Report& report) {
  std::string csv = "policy,group,name,meter,requests,tokens,usd\n";
  for (const PolicyReport& policy : report.policies) {
    const std::string name = csv_field(policy.name);
    for (std::size_t i = 0; i < policy.total.by_model.size(); ++i) {
      const ModelTally& tally = policy.total.by_model[i];
      for (std::size_t m = 0; m < fare::kMeterCount; ++m) {
        if (tally.used[m] == fare::Tokens(0)) continue;
        csv += fmt::format("{},model,{},{},{},{},{}\n", name, csv_field(report.models[i]),
                           fare::to_string(static_cast<fare::Meter>(m)), tally.attempts,
                           tally.used[m].count(), fare::to_usd(tally.cost[m]));
      }
    }
    if (const ScoringTally& scoring = policy.total.scoring; scoring.scored > 0) {
      csv += fmt::format("{},judge,scores,,{},,{}\n", name, scoring.scored,
                         fare::to_usd(scoring.cost));
    }
    const auto groups = [&](std::string_view kind, const std::vector<std::string>& names,
                            const std::vector<GroupTally>& tallies) {
      for (std::size_t i = 0; i < tallies.size(); ++i) {
        csv += fmt::format("{},{},{},,{},,{}\n", name, kind, csv_field(names[i]),
                           tallies[i].requests, fare::to_usd(tallies[i].cost));
      }
    };
    groups("class", report.classes, policy.total.by_class);
    groups("tenant", report.tenants, policy.total.by_tenant);
  }
  return csv;
}

}  // namespace routesim
