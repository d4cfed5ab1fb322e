#include "fare/decision.h"

#include "fare/check.h"
#include "fare/outcome.h"

namespace fare {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kChosen:
      return "chosen";
    case Verdict::kFallback:
      return "fallback";
    case Verdict::kCostsMore:
      return "costs_more";
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
    case Verdict::kUnpriced:
      return "unpriced";
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

const Candidate& Decision::chosen() const {
  for (const Candidate& one : considered()) {
    if (one.verdict == Verdict::kChosen) return one;
  }
  FARE_CHECK(refusal != Refusal::kNone);  // A decision that is not refused has a chosen candidate.
  FARE_CHECK(refusal == Refusal::kNone);  // chosen() of a refusal.
  return candidate.front();
}

}  // namespace fare
