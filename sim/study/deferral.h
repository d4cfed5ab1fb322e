#pragma once

#include <cstdint>  // std::uint64_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

namespace routesim {

// How well a score decides which requests deserve the strong of two models.
//
// Definitions are RouteLLM's (Ong et al., "RouteLLM: Learning to route LLMs with preference data",
// 2024): a router sends the share a of requests with the highest scores to the strong model; the
// performance gap recovered is PGR(a) = (q(a) - q_weak) / (q_strong - q_weak).
struct PairOutcome {
  double weak = 0, strong = 0;  // Qualities.
  double score = 0;             // Higher: more in need of the strong model.
};

struct DeferralPoint {
  double share;      // Sent to the strong model.
  double recovered;  // PGR.
};

struct Deferral {
  // Exact: one point for every score that occurs; requests with equal scores go in random order,
  // which is a straight line between points.
  std::vector<DeferralPoint> curve;
  double apgr = 0;              // The area below the curve.
  double cpt50 = 1, cpt80 = 1;  // The least share with PGR of at least .5, .8; 1 if there is none.
  // As the published program computes them: eleven thresholds at the deciles of the score.
  double apgr_deciles = 0;
};

// REQUIRES: not empty.  If strong is no better than weak, there is no gap to recover: all PGR are
// 0.
Deferral deferral(std::span<const PairOutcome> rows);

}  // namespace routesim
