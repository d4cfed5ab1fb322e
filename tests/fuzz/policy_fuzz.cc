#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fare/check.h"
#include "fare/decision.h"
#include "fare/policy.h"
#include "policy/policy_data.h"

// Goal: no bytes make a policy crash, or give one that a router could not trust.
// Method: the bytes are read as one policy, which may extend itself or a sound one; in what comes
// out, every index points at something, every number is in its range and every limit holds.

namespace {

using fare::Policy;
using fare::PolicyClass;
using fare::PolicyData;
using fare::PolicyRule;
using fare::PolicyTarget;

constexpr const char* kBase = R"({"format": "fare-policy/1", "name": "base",
  "expected_output_tokens": 1, "targets": [{"name": "opus", "model": "m"}],
  "rules": [{"name": "all", "candidates": ["opus"]}]})";

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

void check_limits(const PolicyTarget& target) {
  if (!target.limits) return;
  for (const auto& flow : {target.limits->requests, target.limits->input, target.limits->output}) {
    if (!flow) continue;
    FARE_CHECK(flow->count >= 1);
    FARE_CHECK(flow->burst >= 1);
    FARE_CHECK(flow->burst <= flow->count);
  }
  FARE_CHECK(!target.limits->slots || *target.limits->slots >= 1);
}

void check_target(const PolicyData& data, const PolicyTarget& target) {
  FARE_CHECK(!target.name.empty());
  FARE_CHECK(!target.model.empty());
  FARE_CHECK(target.quality.size() == data.classes.size() + 1);
  for (const std::optional<double>& quality : target.quality) {
    if (!quality) continue;
    FARE_CHECK(*quality >= 0);
    FARE_CHECK(*quality <= 1);
  }
  const std::size_t known = data.capabilities.size();
  FARE_CHECK(known <= fare::kCapabilitiesMax);
  FARE_CHECK(known == 64 || target.capabilities >> known == 0);
  check_limits(target);
  if (!target.latency) return;
  FARE_CHECK(target.latency->first_token >= fare::Duration(0));
  FARE_CHECK(target.latency->per_output_token >= fare::Duration(0));
}

// What decides among candidates refers to targets, and to the rule's candidates.
void check_choice(const PolicyData& data, const PolicyRule& rule) {
  const auto is_candidate = [&rule](std::uint16_t target) {
    return std::find(rule.candidates.begin(), rule.candidates.end(), target) !=
           rule.candidates.end();
  };
  const fare::Objective& objective = rule.objective;
  if (objective.kind == fare::ObjectiveKind::kThreshold) {
    FARE_CHECK(is_candidate(objective.strong));
    FARE_CHECK(is_candidate(objective.weak));
    FARE_CHECK(objective.strong != objective.weak);
  }
  if (objective.kind == fare::ObjectiveKind::kSplit) {
    FARE_CHECK(objective.shares.size() == rule.candidates.size());
    FARE_CHECK(std::any_of(objective.shares.begin(), objective.shares.end(),
                           [](std::uint32_t share) { return share > 0; }));
  }
  if (rule.canary) FARE_CHECK(rule.canary->target < data.targets.size());
  if (rule.canary) FARE_CHECK(rule.canary->share_ppm <= 1'000'000);
  if (rule.cascade) FARE_CHECK(rule.cascade->false_accept < rule.cascade->true_accept);
  if (rule.cascade) FARE_CHECK(rule.quality_floor.has_value());
  FARE_CHECK(rule.floor_confidence >= 0 && rule.floor_confidence < 1);
  FARE_CHECK(rule.degrade.size() <= fare::kDegradeStepsMax);
  for (const fare::DegradeStep& step : rule.degrade) {
    FARE_CHECK(step.on_refusal || step.on_forecast);
    for (const std::uint16_t target : step.candidates) {
      FARE_CHECK(target < data.targets.size());
      FARE_CHECK(step.kind != fare::DegradeKind::kDefer ||
                 data.targets[target].tier == fare::ServiceTier::kBatch);
    }
  }
}

void check_rule(const PolicyData& data, const PolicyRule& rule) {
  FARE_CHECK(!rule.name.empty());
  FARE_CHECK(!rule.candidates.empty());
  FARE_CHECK(rule.candidates.size() + rule.fallback.size() <= fare::kCandidatesMax);
  FARE_CHECK(rule.fallback.size() < fare::kAttemptsMax);
  const auto known = [&data](std::uint16_t target) { return target < data.targets.size(); };
  FARE_CHECK(std::all_of(rule.candidates.begin(), rule.candidates.end(), known));
  FARE_CHECK(std::all_of(rule.fallback.begin(), rule.fallback.end(), known));
  const std::size_t classes = data.classes.size();
  FARE_CHECK(classes == 64 || rule.when.classes >> classes == 0);
  FARE_CHECK(rule.when.any_class == (rule.when.classes == 0));
  FARE_CHECK(!rule.quality_floor || (*rule.quality_floor >= 0 && *rule.quality_floor <= 1));
  FARE_CHECK(!rule.latency_bound || *rule.latency_bound >= fare::Duration(0));
  FARE_CHECK(!rule.when.holds_always() || &rule == &data.rules.back());
  check_choice(data, rule);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const fare::FindPolicy find = [text](std::string_view name, std::string_view) {
    fare::PolicyText found{"fuzz/" + std::string(name), std::string(text)};
    if (name == "base.json") found.text = kBase;
    return fare::Expected<fare::PolicyText>(std::move(found));
  };
  const fare::Expected<Policy> policy = Policy::parse("fuzz", text, find);
  if (!policy) {
    check_errors(policy.error());
    return 0;
  }
  const PolicyData& parts = policy->data();
  FARE_CHECK(!policy->name().empty());
  FARE_CHECK(policy->hash().size() == 32);
  FARE_CHECK(parts.classes.size() <= fare::kClassesMax);
  for (const PolicyClass& one : parts.classes) {
    FARE_CHECK(!one.name.empty());
    FARE_CHECK(one.expected_output > fare::Tokens(0));
  }
  FARE_CHECK(!parts.targets.empty());
  for (const PolicyTarget& target : parts.targets) check_target(parts, target);
  FARE_CHECK(!parts.rules.empty());
  for (const PolicyRule& rule : parts.rules) check_rule(parts, rule);
  FARE_CHECK(Policy::parse("again", policy->text()).value().hash() == policy->hash());
  return 0;
}
