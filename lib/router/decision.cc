#include "fare/decision.h"

#include <array>

#include "fare/check.h"
#include "fare/outcome.h"
#include "fare/router_report.h"

namespace fare {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kChosen:
      return "chosen";
    case Verdict::kFallback:
      return "fallback";
    case Verdict::kCostsMore:
      return "costs_more";
    case Verdict::kLessUseful:
      return "less_useful";
    case Verdict::kNotDrawn:
      return "not_drawn";
    case Verdict::kSwitchTooDear:
      return "switch_too_dear";
    case Verdict::kBelowFloor:
      return "below_floor";
    case Verdict::kQualityUnknown:
      return "quality_unknown";
    case Verdict::kTooSlow:
      return "too_slow";
    case Verdict::kLatencyUnknown:
      return "latency_unknown";
    case Verdict::kContextTooShort:
      return "context_too_short";
    case Verdict::kOutputTooLong:
      return "output_too_long";
    case Verdict::kLacksCapability:
      return "lacks_capability";
    case Verdict::kDenied:
      return "denied";
    case Verdict::kUnpriced:
      return "unpriced";
    case Verdict::kEjected:
      return "ejected";
    case Verdict::kRateLimited:
      return "rate_limited";
    case Verdict::kOverBudget:
      return "over_budget";
    case Verdict::kOutputUnbounded:
      return "output_unbounded";
  }
  return "unknown";
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
    case Refusal::kUnknownClass:
      return "unknown_class";
    case Refusal::kUnknownCapability:
      return "unknown_capability";
    case Refusal::kUnknownOutput:
      return "unknown_output";
    case Refusal::kNoRule:
      return "no_rule";
    case Refusal::kNoTarget:
      return "no_target";
    case Refusal::kTooManyOpen:
      return "too_many_open";
    case Refusal::kUnknownScope:
      return "unknown_scope";
    case Refusal::kOverBudget:
      return "over_budget";
    case Refusal::kRateLimited:
      return "rate_limited";
    case Refusal::kTooManyBudgets:
      return "too_many_budgets";
  }
  return "unknown";
}

std::string_view to_string(CostStatus status) {
  switch (status) {
    case CostStatus::kPriced:
      return "priced";
    case CostStatus::kPartiallyPriced:
      return "partially_priced";
    case CostStatus::kUnpriced:
      return "unpriced";
    case CostStatus::kUsageMissing:
      return "usage_missing";
  }
  return "unknown";
}

std::string_view to_string(TopUpStatus status) {
  static constexpr std::array<std::string_view, kTopUpStatusCount> kNames = {
      "granted",         "visited",  "no_attempts_left", "too_late",
      "no_retries_left", "ejected",  "rate_limited",     "over_budget",
      "not_in_plan",     "no_hedge", "too_early",        "no_ticket"};
  return kNames[static_cast<std::size_t>(status)];
}

const Candidate& Decision::chosen() const {
  for (const Candidate& one : considered()) {
    if (one.verdict == Verdict::kChosen) return one;
  }
  FARE_CHECK(refusal != Refusal::kNone);  // A decision that is not refused has a chosen candidate.
  FARE_CHECK(refusal == Refusal::kNone);  // chosen() of a refusal.
  return candidates[0];
}

}  // namespace fare
