#include "router/cascades.h"

#include <algorithm>

#include "router/snapshot.h"

namespace fare {
namespace {

constexpr double kRounding = 1e-12;  // As plan_cascade() allows.

std::optional<Tokens> expected_output(const PolicyData& policy, std::uint32_t request_class) {
  if (request_class == policy.classes.size()) return policy.expected_output;
  return policy.classes[request_class].expected_output;
}

// What a call of the target comes to, if all of it is known.
std::optional<CascadeTarget> figures_of(const Snapshot& snapshot, std::uint16_t target,
                                        std::uint32_t request_class, Tokens output, Instant now) {
  const RoutedTarget& routed = snapshot.targets[target];
  const std::optional<double> quality = snapshot.quality(request_class, target);
  Usage usage;
  usage[Meter::kInput] = kCascadeInput;
  usage[Meter::kOutput] = output;
  const auto cost = snapshot.config.prices.cost(routed.model, usage, now, routed.terms);
  if (!quality || !cost) return std::nullopt;
  CascadeTarget figures{.quality = *quality, .cost = *cost, .latency = {}};
  if (routed.latency) {
    figures.latency =
        routed.latency->first_token + routed.latency->per_output_token * (output.count() - 1);
  }
  return figures;
}

}  // namespace

bool CascadeStages::keeps(std::uint32_t mask, const CascadeScorer& scorer, double floor) const {
  InlineList<std::uint8_t, kAttemptsMax> left;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if ((mask >> i & 1u) != 0) left.push_back(static_cast<std::uint8_t>(i));
  }
  if (left.size() < 2) return false;
  return evaluate_cascade(figures, scorer, {left.begin(), left.size()}).quality >=
         floor - kRounding;
}

CascadeScorer scorer_of(const PolicyRule& rule) {
  return {.true_accept = rule.cascade->true_accept,
          .false_accept = rule.cascade->false_accept,
          .cost = rule.cascade->scorer_cost,
          .time = rule.cascade->scorer_time};
}

CascadeStages plan_stages(const Snapshot& snapshot, const PolicyRule& rule,
                          std::uint32_t request_class, Instant now) {
  CascadeStages stages;
  const std::optional<Tokens> output = expected_output(snapshot.policy, request_class);
  if (!rule.cascade || !rule.quality_floor || !output) return stages;
  std::vector<CascadeTarget> all;
  std::vector<TargetId> ids;
  for (const std::uint16_t target : rule.candidates) {
    const bool needs_latency = rule.latency_bound && !snapshot.targets[target].latency;
    const auto figures = figures_of(snapshot, target, request_class, *output, now);
    if (!figures || needs_latency) continue;
    all.push_back(*figures);
    ids.push_back(static_cast<TargetId>(target));
  }
  const auto plan = plan_cascade(
      all, scorer_of(rule),
      {.quality_floor = *rule.quality_floor,
       .latency_bound = rule.latency_bound,
       .stages_max = std::min(rule.cascade->stages_max, snapshot.policy.attempts_max)});
  if (!plan || plan->stages.size() < 2) return stages;
  for (const std::uint8_t stage : plan->stages) {
    stages.targets.push_back(ids[stage]);
    stages.figures.push_back(all[stage]);
  }
  return stages;
}

}  // namespace fare
