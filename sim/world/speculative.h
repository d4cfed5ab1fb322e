#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::int64_t.

#include "base/random.h"  // RandomStream.

namespace routesim {

// Speculative decoding: a draft model proposes `draft_tokens` tokens a step, the served model
// checks them in one iteration and keeps those before the first that it rejects, and one of its
// own. Leviathan, Kalman, Matias, "Fast inference from transformers via speculative decoding",
// 2023.
struct Speculation {
  double acceptance = 0;          // Of each proposed token, independently; in [0, 1].
  std::int64_t draft_tokens = 1;  // A step; in [1, kDraftTokensMax].
  double draft_us = 0;            // One proposal for the whole batch, of each of the draft_tokens,
  double draft_us_per_sequence = 0;  // and what each sequence of the batch adds to it.
};

inline constexpr std::int64_t kDraftTokensMax = 16;

// The mean number of tokens a step yields: (1 - a^(g+1)) / (1 - a), and g + 1 for a = 1.
// REQUIRES: in the ranges above.
double tokens_per_step(const Speculation& speculation);

// Draws how many steps an answer takes.  A value; allocates nothing.
class StepSampler {
 public:
  explicit StepSampler(const Speculation& speculation);  // REQUIRES: in the ranges above.

  // The tokens of one step, 1 to draft_tokens + 1: a truncated geometric, from one uniform number.
  std::int64_t tokens(fare::RandomStream& luck) const;

  // The steps that yield `tokens` tokens, of which the last may yield more than are needed: one
  // uniform number a step.  O(steps).  REQUIRES: tokens >= 0.
  std::int64_t steps(std::int64_t tokens, fare::RandomStream& luck) const;

 private:
  std::array<double, kDraftTokensMax> reach_{};  // P(more than k proposals are kept), by k.
  std::int64_t draft_tokens_;
};

}  // namespace routesim
