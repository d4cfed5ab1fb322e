#pragma once

#include <cstdint>   // std::uint16_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/decision.h"  // TargetId.
#include "fare/money.h"     // Cost.
#include "fare/time.h"      // Duration.

namespace fare {

// A rule that asks a cheap target first, has its answer scored, and escalates.  The stages are
// planned when the router is made, class by class, from the targets' predicted quality, cost and
// latency (fare/cascade.h).
struct Cascade {
  // How well the scorer tells good answers from bad ones, and what it takes.
  double true_accept = 1;   // Share of the good answers that it accepts.
  double false_accept = 0;  // Share of the bad ones.
  double accept_min = 0.5;  // Its score from which on an answer counts as accepted.
  Cost scorer_cost;         // Of one score: a judge's call; 0 for a local scorer.
  Duration scorer_time{};
  std::size_t stages_max = 3;  // 2 to kAttemptsMax.
};

}  // namespace fare
