#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/decision.h"     // kAttemptsMax, kCandidatesMax.
#include "fare/inline_list.h"  // InlineList.
#include "fare/money.h"        // Cost.
#include "fare/time.h"         // Duration.

namespace fare {

// Cascades: ask a cheap target first, have its answer scored, and ask the next one if the score is
// too low.  The answer of the last stage is taken without a score.

// What one call of a target comes to.
struct CascadeTarget {
  double quality = 0;  // The probability that its answer is good enough, 0 to 1.
  Cost cost;           // Expected; 0 to a million dollars.
  Duration latency{};  // Until the last token; 0 to a century.
};

// Whoever reads the answers: a judge, or a model of lib/choice that reads answers.
struct CascadeScorer {
  double true_accept = 1;   // Share of the good answers that it accepts, 0 to 1.
  double false_accept = 0;  // Share of the bad ones.
  Cost cost;                // Of one score; 0 to a million dollars.
  Duration time{};          // 0 to a century.
};

// What a plan must keep.
struct CascadeBounds {
  double quality_floor = 0;               // 0 to 1.
  std::optional<Duration> latency_bound;  // For the whole plan, if every stage is asked.
  std::size_t stages_max = 3;             // 1 to kAttemptsMax.
};

// What a plan comes to.  With stage i = 1 ... k, quality q, cost c, latency l, and the scorer's
// true and false accept rates t and f, cost s and time u:
//
//   reach      R_1 = 1,  R_(i+1) = R_i (1 - q_i t - (1 - q_i) f)
//   cost       sum over i < k of R_i (c_i + s),  + R_k c_k
//   quality    sum over i < k of R_i q_i t,      + R_k q_k
//   latency    sum over i < k of (l_i + u),      + l_k
//
// So the weak calls and their scores are always billed, in money and in time.  The stages' answers
// are taken as independent, given the class; where hard prompts fail all targets alike, the quality
// of a real cascade is lower: measure it (`learn eval --cascade`) before trusting a margin.
// Probabilities count in billionths, reaches and qualities in parts of 1e18, costs in picodollars,
// each rounded to the nearest: the same on every machine.
struct CascadeOutlook {
  Cost expected_cost;
  double quality = 0;
  Duration latency{};           // If every stage is asked.
  double last_stage_share = 1;  // R_k: how often the last stage is asked.
};

struct CascadePlan {
  InlineList<std::uint8_t, kAttemptsMax> stages;  // Indices of targets, each once; one is no
                                                  // cascade, but a plan.
  CascadeOutlook outlook;
};

// What asking `stages` in this order comes to.  O(stages); allocates nothing.  REQUIRES: everything
// in its range; 1 to kAttemptsMax stages, each an index of `targets`.
[[nodiscard]] CascadeOutlook evaluate_cascade(std::span<const CascadeTarget> targets,
                                              const CascadeScorer& scorer,
                                              std::span<const std::uint8_t> stages);

// The plan with the least expected cost whose quality reaches the floor (to 1e-12, which is what
// rounding may take) and whose latency keeps the bound; nothing if no plan does.  Exact over all
// sequences of different targets up to stages_max: a resource-constrained shortest path, where a
// partial plan is dropped if another one at the same target costs no more, escalates no more often,
// can become as good, is as fast, and tried no other targets.  Among equally cheap plans any one.
// Some ten microseconds for 32 targets and four stages where short plans will do, exponential in
// stages_max at worst: a class is planned when a policy is loaded, not a request.
// REQUIRES: everything in its range; at most kCandidatesMax targets.
[[nodiscard]] std::optional<CascadePlan> plan_cascade(std::span<const CascadeTarget> targets,
                                                      const CascadeScorer& scorer,
                                                      const CascadeBounds& bounds);

}  // namespace fare
