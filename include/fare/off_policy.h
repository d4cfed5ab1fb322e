#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.

namespace fare {

// What decisions came to, as they were logged, and what another policy would have come to on the
// same requests: off-policy evaluation.  It needs the probability with which each choice was made;
// without it no figure is honest, and there is none here.
//
// Columns by row, then by arm (a candidate) or dimension; a policy is judged without copying them.
struct ChoiceLog {
  std::size_t arms = 0;                // In [1, 1'024].
  std::size_t dimensions = 0;          // In [0, 256].
  std::vector<std::uint32_t> arm{};    // Which one was chosen, below `arms`.
  std::vector<double> propensity{};    // With which probability it was chosen, in (0, 1].
  std::vector<double> reward{};        // What came of it; finite, of any unit.
  std::vector<std::uint8_t> chance{};  // By row and arm: whether it could be chosen at all; empty:
                                       // every arm could, in every row.
  std::vector<float> features{};       // By row and dimension: what was known of the request before
                                       // the choice; finite.  A group is a 1 in a dimension of its
                                       // own.
};

struct OffPolicyOptions {
  std::size_t folds = 5;        // Of the cross-fitting, in [2, 50].
  double penalty = 10;          // Of the reward model's squared weights, its features having been
                                // standardised.  Above 0.
  double weight_max = 20;       // Where clipped estimates cut weights.  Above 0.
  double unsupported_max = 0;   // This share of the policy's choices may lack support, in [0, 1]:
                                // with rewards in [0, 1] it may bias a value by as much.
  double effective_min = 30;    // Fewer effective rows than this say nothing.
  bool supported_only = false;  // Judge only the rows where nothing lacks support.
  std::uint64_t seed = 0;       // Draws the folds.
};

// A mean reward by row, its standard error, and its 95 % interval (normal: 1.96 errors).
struct ValueEstimate {
  double value = 0, error = 0, low = 0, high = 0;
};

// w is a row's weight: the policy's probability of what was chosen / its propensity.
struct PolicyValue {
  // Inverse propensity scoring: the mean of w * reward.  Unbiased, and wild where propensities are
  // small.  Error: of a mean.
  ValueEstimate ips;
  // The same with min(w, weight_max): tamer, and biased by what is cut.
  ValueEstimate clipped_ips;
  // Self-normalised: the sum of w * reward / the sum of w (Swaminathan, Joachims, "The
  // self-normalized estimator for counterfactual learning", 2015).  Error: delta method of the
  // ratio, sqrt(sum w^2 (reward - value)^2) / sum w (Owen, "Monte Carlo theory, methods and
  // examples", 9.2).
  ValueEstimate snips;
  // What the reward model says of the policy's choices.  Its interval knows of the rows that were
  // drawn, not of the model's bias: never decide by it alone.
  ValueEstimate direct;
  // Doubly robust (Dudik, Langford, Li, 2011): direct + the mean of w * (reward - model), where a
  // row's model was fitted without its fold (Chernozhukov et al., "Double/debiased machine
  // learning", 2018).  Error: of the influence function, which is its term of the mean.
  ValueEstimate doubly_robust;
  // What the policy is better than what was logged, row by row: the paired difference.
  ValueEstimate snips_gain, doubly_robust_gain;
};

enum class Identification : std::uint8_t {
  kIdentified,
  kNoSupport,  // The policy chooses what the log never tried there: no data can tell.
  kTooThin,    // Fewer effective rows than asked for.
};

// The stable, lower-case name: "no_support".
[[nodiscard]] std::string_view to_string(Identification identification);

struct OffPolicyAnswer {
  Identification identification = Identification::kIdentified;
  std::size_t rows = 0;      // Judged.
  std::size_t left_out = 0;  // Lacked support, if only the others are judged.
  // Over all rows: which share of them lacks support for any of the policy's choices there, and
  // which share of its choices does.  An arm lacks support where it had no chance, where something
  // else had been chosen with certainty, and if no row of the log chose it.
  double unsupported_rows = 0;
  double unsupported_choices = 0;
  double effective_rows = 0;  // (sum w)^2 / sum w^2, Kish's effective sample size.
  double weight_max = 0;
  ValueEstimate weight_mean;  // 1 on average, if the propensities are true and support is whole.
  ValueEstimate logged;       // The mean reward of what was chosen.
  std::optional<PolicyValue> value;  // If identified.
};

// Judges a policy: `policy` holds the probability with which it would choose each arm, by row and
// arm.  Rows must be independent of each other.  The reward model is a ridge regression of each
// arm's reward on the features.  Deterministic; O(rows * dimensions^2).
//
// Errors, all of them: columns of the wrong length; no row; an arm, propensity, reward, feature or
// probability out of range; a chosen arm that had no chance; a row of the policy whose sum is not
// 1; options out of range.
[[nodiscard]] Expected<OffPolicyAnswer> evaluate_off_policy(const ChoiceLog& log,
                                                            std::span<const double> policy,
                                                            const OffPolicyOptions& options = {});

}  // namespace fare
