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
// Method: the bytes are read as one policy; in what comes out, every index points at something,
// every number is in its range and every limit holds.

namespace {

using fare::Policy;
using fare::PolicyClass;
using fare::PolicyData;
using fare::PolicyRule;
using fare::PolicyTarget;

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
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
  if (!target.latency) return;
  FARE_CHECK(target.latency->first_token >= fare::Duration(0));
  FARE_CHECK(target.latency->per_output_token >= fare::Duration(0));
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
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const fare::Expected<Policy> policy = Policy::parse("fuzz", text);
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
  FARE_CHECK(Policy::parse("again", text).value().hash() == policy->hash());
  return 0;
}
