#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <span>      // std::span.
#include <vector>    // std::vector.

#include "fare/cascade.h"   // CascadeTarget, CascadeScorer.
#include "fare/decision.h"  // TargetId.

namespace fare {

struct Snapshot;
struct PolicyRule;

// Cascades are planned for a prompt of so many tokens: how long prompts will be is not known when a
// policy is loaded, and only how the targets' costs compare matters.
inline constexpr Tokens kCascadeInput{1'000};

// The stages of one rule for one class, in order; none where a single target does as well.
struct CascadeStages {
  std::vector<TargetId> targets;
  std::vector<CascadeTarget> figures;  // Of each stage.

  // Whether those of the stages that `mask` says are still there keep the floor.  Bit i: stage i.
  [[nodiscard]] bool keeps(std::uint32_t mask, const CascadeScorer& scorer, double floor) const;
};

CascadeScorer scorer_of(const PolicyRule& rule);

// Plans a rule's cascade for a class, by the policy's figures and the prices at `now`.
CascadeStages plan_stages(const Snapshot& snapshot, const PolicyRule& rule,
                          std::uint32_t request_class, Instant now);

}  // namespace fare
