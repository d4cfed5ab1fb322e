#include <fmt/format.h>

#include "base/samplers.h"
#include "policy/policy_reading.h"
#include "spend/budget_names.h"

namespace fare {
namespace {

// Takes those out that the rule denies, and remembers them.
void deny(const JsonNode& node, PolicyRule& rule, const PolicyData& data) {
  rule.denied = read_target_list(node, 1, data);
  const auto is_denied = [&rule](std::uint16_t target) { return contains(rule.denied, target); };
  const bool had_candidates = !rule.candidates.empty();
  std::erase_if(rule.candidates, is_denied);
  std::erase_if(rule.fallback, is_denied);
  if (had_candidates && rule.candidates.empty()) {
    node.problem(ErrorCode::kConflict, "denies every candidate of the rule");
  }
}

void check_sizes(const JsonNode& node, const PolicyRule& rule) {
  const bool adds_canary = rule.canary && !contains(rule.candidates, rule.canary->target) &&
                           !contains(rule.fallback, rule.canary->target);
  const std::size_t named = rule.candidates.size() + rule.fallback.size();
  if (named > kCandidatesMax) {
    node.problem(
        ErrorCode::kOutOfRange,
        fmt::format("candidates and fallback together must be at most {} targets", kCandidatesMax));
  } else if (named + (adds_canary ? 1 : 0) > kCandidatesMax) {
    node.problem(ErrorCode::kOutOfRange,
                 fmt::format("candidates, fallback and canary together must be at most {} targets",
                             kCandidatesMax));
  }
  if (rule.fallback.size() + 1 > kAttemptsMax) {
    node.problem(ErrorCode::kOutOfRange,
                 fmt::format("fallback must be at most {} targets", kAttemptsMax - 1));
  }
  for (const DegradeStep& step : rule.degrade) {
    if (step.candidates.size() + rule.fallback.size() <= kCandidatesMax) continue;
    node.problem(
        ErrorCode::kOutOfRange,
        fmt::format("candidates of \"{}\" and fallback together must be at most {} targets",
                    step.name, kCandidatesMax));
  }
}

// The region that a target names must be one that the rule allows; one at least must be.
void check_regions(const JsonNode& node, const PolicyRule& rule, const PolicyData& data) {
  if (rule.regions.empty() || rule.candidates.empty()) return;
  const auto is_allowed = [&](std::uint16_t target) {
    const std::string& region = data.targets[target].region;
    return std::find(rule.regions.begin(), rule.regions.end(), region) != rule.regions.end();
  };
  if (std::any_of(rule.candidates.begin(), rule.candidates.end(), is_allowed)) return;
  node.problem(ErrorCode::kConflict,
               fmt::format("no candidate of rule \"{}\" is in any of them", rule.name));
}

// A share of 0.5 to 0.999: how sure it must be that the floor holds.
void read_floor(const JsonNode& node, PolicyRule& rule) {
  if (!node.is_object()) {
    rule.quality_floor = json::number(0, 1)(node);
    return;
  }
  ObjectReader reader(node);
  double floor = 0;
  if (reader.required("min", floor, json::number(0, 1))) rule.quality_floor = floor;
  if (reader.required("confidence", rule.floor_confidence, json::number(0.5, 0.999))) {
    rule.floor_deviations = normal_quantile(rule.floor_confidence);
  }
  reader.finish();
}

std::optional<SessionPin> read_session(const JsonNode& node) {
  SessionPin pin;
  bool is_pinned = false;
  Cost most;
  ObjectReader reader(node);
  reader.required("pin", is_pinned, json::boolean());
  if (reader.optional("switch_usd_max", most, read_usd)) pin.switch_max = most;
  reader.finish();
  if (!is_pinned && pin.switch_max) {
    node.member("switch_usd_max")
        .problem(ErrorCode::kConflict, "means nothing where \"pin\" is not true");
  }
  return is_pinned ? std::optional<SessionPin>(pin) : std::nullopt;
}

std::optional<HedgeRule> read_hedge(const JsonNode& node) {
  HedgeRule hedge;
  ObjectReader reader(node);
  reader.required("after_ms", hedge.after, read_positive_milliseconds);
  reader.required("scope", hedge.scope, json::text(kScopeIdMax));
  reader.finish();
  return reader.ok() ? std::optional<HedgeRule>(std::move(hedge)) : std::nullopt;
}

// What stands on the candidates.
void read_choice(ObjectReader& reader, PolicyRule& rule, const PolicyData& data) {
  if (const auto regions = reader.member("regions", false)) {
    rule.regions = read_names(*regions);
    check_regions(*regions, rule, data);
  }
  if (const auto floor = reader.member("quality_floor", false)) read_floor(*floor, rule);
  Duration bound{};
  if (reader.optional("latency_bound_ms", bound, read_milliseconds)) rule.latency_bound = bound;
  if (const auto objective = reader.member("objective", false)) {
    rule.objective = read_objective(*objective, rule, data).value_or(Objective{});
  }
  if (const auto canary = reader.member("canary", false)) {
    rule.canary = read_canary(*canary, rule, data);
  }
  if (const auto session = reader.member("session", false)) rule.pin = read_session(*session);
  if (const auto hedge = reader.member("hedge", false)) rule.hedge = read_hedge(*hedge);
  if (const auto cascade = reader.member("cascade", false)) {
    rule.cascade = read_cascade(*cascade, rule);
  }
  if (const auto ladder = reader.member("degrade", false)) read_ladder(*ladder, data, rule);
}

}  // namespace

void read_rule(const JsonNode& node, PolicyData& data) {
  PolicyRule rule;
  ObjectReader reader(node);
  if (reader.required("name", rule.name, json::text(kNameMax))) {
    check_new(node, rule.name, names_of(data.rules));
  }
  if (const auto when = reader.member("when", false)) rule.when = read_when(*when, data);
  if (const auto list = reader.member("candidates", true)) {
    rule.candidates = read_target_list(*list, 1, data);
  }
  if (const auto list = reader.member("fallback", false)) {
    rule.fallback = read_target_list(*list, 0, data);
  }
  if (const auto list = reader.member("deny", false)) deny(*list, rule, data);
  read_choice(reader, rule, data);
  check_sizes(node, rule);
  reader.finish();
  check_reachable(node, rule, data);
  data.rules.push_back(std::move(rule));
}

}  // namespace fare
