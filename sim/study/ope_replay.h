#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <span>     // std::span.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "fare/bandit.h"        // Bandit.
#include "fare/choice_model.h"  // ChoiceModel.
#include "fare/expected.h"      // Expected.
#include "fare/off_policy.h"    // OffPolicyOptions.
#include "fare/outcome_data.h"  // OutcomeData.

namespace routesim {

// Requests whose outcome on every arm is known, so that what a log of choices would have said can
// be checked against the truth.
struct KnownOutcomes {
  std::vector<std::string> arms;  // The targets of the model.
  std::size_t dimensions = 0;
  std::vector<double> features;  // By row and dimension: dense_features.h.
  std::vector<double> forecast;  // By row and arm: the model's quality.
  std::vector<double> quality;   // By row and arm: what came true.
  std::vector<double> length;    // By row: bytes of the prompt.
  std::vector<double> price;     // By arm: what its call takes off a reward; reward = quality -
                                 // price.

  std::size_t rows() const { return length.size(); }
  double reward(std::size_t row, std::size_t arm) const {
    return quality[row * arms.size() + arm] - price[arm];
  }
};

// The rows of the test split where every target of the model has an outcome.  `price`: by target of
// the model.  REQUIRES: a model with targets that reads text, all known to the data.
KnownOutcomes known_outcomes(const fare::OutcomeData& data, const fare::ChoiceModel& model,
                             std::vector<double> price);

// For every row the arm with the best forecast reward, for certain: probabilities by row and arm.
std::vector<double> offline_policy(const KnownOutcomes& known);

// A data set in RouteLLM's layout, of two models: what a model learnt from `train` of its prompts
// makes of all others.
struct PairReplay {
  KnownOutcomes known;
  fare::ChoiceModel model;
  std::vector<std::string> prompts;  // Learnt from.
  std::size_t strong = 0, weak = 1;  // Arms: the better one, and the other.
};

[[nodiscard]] fare::Expected<PairReplay> replay_pair(const std::string& folder, double train,
                                                     std::uint64_t seed, double strong_price,
                                                     double weak_price);

// How often intervals held what they promise, over replications of a log: rows drawn with
// replacement; the logger sends prompts longer than the median to `long_arm`, others to
// `short_arm`, and draws evenly from all arms with probability `mixing`.
struct CoverageOptions {
  std::size_t long_arm = 0, short_arm = 0;
  double mixing = 0.05;
  std::size_t rows = 6'000;
  std::size_t replications = 300;
  std::uint64_t seed = 1;
  fare::OffPolicyOptions estimates{};
};

struct EstimatorRecord {
  double bias = 0, rmse = 0, coverage = 0;
  double width = 0;  // Mean half-width of the intervals.
};

struct CoverageReport {
  double truth = 0;   // The policy's mean reward over all rows.
  double logged = 0;  // The logger's.
  EstimatorRecord ips, clipped_ips, snips, direct, doubly_robust;
  EstimatorRecord snips_gain, doubly_robust_gain;  // Of truth - logged.
};

[[nodiscard]] fare::Expected<CoverageReport> check_coverage(const KnownOutcomes& known,
                                                            std::span<const double> policy,
                                                            const CoverageOptions& options);

// One pass of a learner over rows in a drawn order: each is chosen for, and only what was chosen is
// learnt from.
struct OnlineOptions {
  std::size_t incumbent = 0;
  std::size_t rows = 12'000;
  double tolerance = 1;
  std::uint64_t seed = 1;
};

struct OnlineResult {
  double reward = 0, incumbent_reward = 0;  // Means.
  double explored = 0;                      // The share that did not go to the incumbent.
};

// REQUIRES: options.rows <= known.rows(); the bandit fits `known`.
OnlineResult replay_online(const KnownOutcomes& known, fare::Bandit bandit,
                           const OnlineOptions& options);

}  // namespace routesim
