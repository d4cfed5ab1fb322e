#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::uint64_t.

#include "fare/decision.h"  // kAttemptsMax.
#include "fare/money.h"     // Cost, Int128.

namespace routesim {

// What the judge of a variant's cascades did.
struct ScoringTally {
  std::uint64_t scored = 0;    // Answers; of them
  std::uint64_t accepted = 0;  // these were good enough,
  std::uint64_t rejected = 0;  // and these not.  Of the others the user gave up meanwhile.
  fare::Cost cost;             // Of all scores; part of RunResult::cost.
  fare::Int128 delay_ns = 0;   // The sum of the times that scores took.
  // Requests with a cascade that were answered, by how many answers that took.
  std::array<std::uint64_t, fare::kAttemptsMax> by_stage{};
  std::uint64_t kept = 0;  // Of them: given a rejected answer, as no further one was to be had.

  friend bool operator==(const ScoringTally&, const ScoringTally&) = default;
};

// What a judge beside the traffic found out about the answers that were given.
struct EvaluationTally {
  std::uint64_t judged = 0;
  std::uint64_t passed = 0;        // As the judge has it.
  std::uint64_t good = 0;          // In truth.
  std::uint64_t false_passes = 0;  // Passed, but bad;
  std::uint64_t false_fails = 0;   // good, but not passed.
  fare::Cost cost;                 // No part of RunResult::cost: no request is asked to pay it.

  EvaluationTally& operator+=(const EvaluationTally& more) {
    judged += more.judged;
    passed += more.passed;
    good += more.good;
    false_passes += more.false_passes;
    false_fails += more.false_fails;
    cost += more.cost;
    return *this;
  }
  friend bool operator==(const EvaluationTally&, const EvaluationTally&) = default;
};

// How good the answers that models gave were.
struct QualityTally {
  std::uint64_t unknown = 0;       // The outcome was not recorded: neither good nor bad.
  std::uint64_t good = 0;          // Of RunResult::judged: good enough,
  std::uint64_t hallucinated = 0;  // asserting something false,
  std::uint64_t injected = 0;      // with an injected instruction in the request,
  std::uint64_t obeyed = 0;        // which the model followed.

  friend bool operator==(const QualityTally&, const QualityTally&) = default;
};

}  // namespace routesim
