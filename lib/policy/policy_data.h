#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

#include "fare/health.h"          // Breaker.
#include "fare/rate_limit.h"      // RateLimit.
#include "fare/retry.h"           // RetryBudget.
#include "fare/terms.h"           // ServiceTier.
#include "fare/time.h"            // Duration.
#include "fare/tokens.h"          // Tokens.
#include "policy/cascade_spec.h"  // Cascade.
#include "policy/degrade.h"       // DegradeStep, ForecastTrigger.
#include "policy/objective.h"     // Objective, Canary, SessionPin.
#include "policy/when.h"          // When.

namespace fare {

inline constexpr std::size_t kClassesMax = 64;
inline constexpr std::size_t kCapabilitiesMax = 64;
inline constexpr std::size_t kTargetsMax = 1'000;

struct PolicyClass {
  std::string name;
  Tokens expected_output;
};

struct LatencyPrior {
  Duration first_token{};
  Duration per_output_token{};
};

struct PolicyTarget {
  std::string name;
  std::string provider;  // Empty: any.
  std::string model;
  std::string region;  // As price tables name it; empty: anywhere.
  ServiceTier tier = ServiceTier::kStandard;
  std::uint64_t capabilities = 0;              // Bits, as PolicyData::capabilities.
  std::vector<std::optional<double>> quality;  // By class; the last one is for unclassified ones.
  std::optional<LatencyPrior> latency;
  std::optional<RateLimit> limits;
  std::string cache;  // Its cache rules, as CacheRuleBook::find() takes them; empty: not cached.
};

// A second attempt beside one that is slow to begin.
struct HedgeRule {
  Duration after{};   // Since the attempt was granted; above 0.
  std::string scope;  // Of the budgets: pays for hedges, beside whoever pays for the request.
};

struct PolicyRule {
  std::string name;
  When when;
  std::vector<std::uint16_t> candidates;  // Target indices; those denied are left out.
  std::vector<std::uint16_t> fallback;    // Likewise.
  std::vector<std::uint16_t> denied;      // As the rule names them; also never a canary or a step.
  std::vector<std::string> regions;       // Of targets; empty: any.
  std::optional<double> quality_floor;
  double floor_deviations = 0;  // What of "confidence" is needed: the normal quantile z.
  double floor_confidence = 0;  // 0: the prediction itself must reach the floor.  Else the floor
                                // must hold with this probability (see fare/policy.h).
  std::optional<Duration> latency_bound;
  Objective objective;
  std::optional<Canary> canary;
  std::optional<SessionPin> pin;
  std::optional<HedgeRule> hedge;
  std::optional<Cascade> cascade;
  std::vector<DegradeStep> degrade;  // From the mildest on; at most kDegradeStepsMax.
};

struct PolicyData {
  std::string file;
  std::string name;
  std::string text;  // Of the whole, see Policy::text().
  std::string hash;
  std::optional<Tokens> expected_output;  // Of a request without class, if the policy says.
  std::vector<PolicyClass> classes;
  std::vector<std::string> capabilities;
  std::vector<PolicyTarget> targets;
  std::vector<PolicyRule> rules;
  Breaker::Options health;
  RetryBudget::Options retry;
  std::size_t attempts_max = 8;  // Of one request; 1 to kAttemptsMax.
  ForecastTrigger forecast;
};

}  // namespace fare
