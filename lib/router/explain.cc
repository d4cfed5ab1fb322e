#include <fmt/format.h>

#include "router/router_state.h"

namespace fare {
namespace {

std::string name_of(const Snapshot* snapshot, TargetId target) {
  const auto index = static_cast<std::size_t>(target);
  if (snapshot == nullptr) return fmt::format("target {}", index);
  return snapshot->policy.targets[index].name;
}

std::string head_of(const Decision& decision) {
  if (decision.refusal != Refusal::kNone) {
    std::string text = fmt::format("refused: {}", to_string(decision.refusal));
    if (decision.retry_at) text += fmt::format(", until {}", to_rfc3339(*decision.retry_at));
    return text;
  }
  if (decision.action == Action::kAnswerCached) return "the cached answer";
  return fmt::format("{} attempt{}{}", decision.attempts, decision.attempts == 1 ? "" : "s",
                     decision.action == Action::kDefer ? ", later" : "");
}

std::string line_of(const Candidate& one) {
  std::string text(to_string(one.verdict));
  if (one.expected_cost) text += fmt::format(", ${} expected", to_usd(*one.expected_cost));
  if (one.cache_effect != Cost()) {
    text += fmt::format(" (${} by the cache)", to_usd(one.cache_effect));
  }
  if (one.quality) text += fmt::format(", quality {}", *one.quality);
  if (one.latency) {
    const auto latency = std::chrono::duration_cast<std::chrono::milliseconds>(*one.latency);
    text += fmt::format(", {} ms", latency.count());
  }
  return text;
}

}  // namespace

std::string Router::explain(const Decision& decision) const {
  const std::scoped_lock guard(state_->structure);
  const auto slot = state_->generations.find(decision.generation);
  const Snapshot* snapshot = slot ? &state_->generations[*slot] : nullptr;
  std::string text = head_of(decision);
  if (!decision.rule.empty()) text += fmt::format(", by rule \"{}\"", decision.rule);
  for (const Degradation& step : decision.degradations) {
    text += fmt::format("\n  step \"{}\"{}", step.step, step.by_forecast ? ", by forecast" : "");
  }
  if (decision.reserved != Money()) {
    text += fmt::format("\n  ${} reserved", to_usd(decision.reserved));
  }
  for (const Candidate& one : decision.considered()) {
    text += fmt::format("\n  {}: {}", name_of(snapshot, one.target), line_of(one));
  }
  return text + "\n";
}

}  // namespace fare
