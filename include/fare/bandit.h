#pragma once

#include <array>     // std::array.
#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <span>      // std::span.
#include <vector>    // std::vector.

#include "fare/decision.h"  // kCandidatesMax.
#include "fare/expected.h"  // Expected.
#include "fare/money.h"     // Money.
#include "fare/time.h"      // Instant, Duration.

namespace fare {

enum class BanditKind : std::uint8_t {
  kLinUcb,    // Optimism: mean + width * standard error (Li, Chu, Langford, Schapire, "A
              // contextual-bandit approach to personalized news article recommendation", 2010).
  kThompson,  // A draw from the posterior, width * standard error wide (Agrawal, Goyal, "Thompson
              // sampling for contextual bandits with linear payoffs", 2013).
};

inline constexpr std::size_t kBanditDimensionsMax = 64;

struct BanditOptions {
  BanditKind kind = BanditKind::kLinUcb;
  std::size_t arms = 2;        // In [1, kCandidatesMax].
  std::size_t dimensions = 1;  // Of the features (dense_features.h), in [1, 64].
  double penalty = 1;          // Of squared weights, before anything is believed.  Above 0.
  double width = 0.25;         // In [0, 10]; a right-or-wrong quality is 0.5 wide at most.
  double mixing = 0.02;        // The share of choices that are drawn evenly from the allowed arms,
                               // in [0, 1].  At 0 LinUCB leaves a log that nothing can be learnt
                               // from about another policy.
  std::optional<Duration>
      half_life{};  // Observations count half as much after each; none: for ever.
};

// What is known of an arm before a choice.
struct ArmForecast {
  bool feasible = true;  // Otherwise it is never chosen.
  double quality = 0;    // The offline forecast, in [0, 1].
  Money cost;            // Expected; not negative.
};

// One choice to make.  Views are read during choose() only.
struct ArmRequest {
  std::span<const double> features;    // As many as dimensions, finite.
  std::span<const ArmForecast> arms;   // As many as arms.
  std::size_t incumbent = 0;           // What would be chosen without learning; feasible.
  bool pinned = false;                 // The session may not switch: the incumbent, for certain.
  Money budget;                        // Another arm may be expected to cost this much more.
  double tolerance = 0;                // And to be this much worse by forecast; not negative.
  Money worth = Money(1'000'000'000);  // What a whole point of quality is worth; above 0.
  double draw = 0.5;                   // Uniform on (0, 1): all the chance there is.
};

struct ArmChoice {
  std::size_t arm = 0;
  double propensity = 1;  // With which probability it was drawn: exact, what a log must keep.
  std::array<double, kCandidatesMax> probability{};  // Of every arm; 0: it had no chance.
  bool explores = false;                             // It is not the incumbent.
  Money extra;  // How much more than the incumbent it is expected to cost; to take off the budget.
};

// What is believed of an arm's quality, and how firmly.
struct ArmOpinion {
  double mean = 0, error = 0;
};

// Learns online which target is good at what: a ridge regression of quality on a few features for
// each arm.  Chooses by quality - cost / worth, where the cost is known and not learnt.  A value;
// not thread-safe.  Reads no clock and draws nothing: time and chance are arguments.
class Bandit {
 public:
  // Errors: every option out of range.
  [[nodiscard]] static Expected<Bandit> create(const BanditOptions& options);

  // A warm start: believes that the arm's quality is the feature `feature` (the offline model's
  // forecast), as firmly as if `rows` observations had said so, of requests like the `sample`
  // (their features, one request after the other).  Replaces what was believed of the arm; does not
  // age.  REQUIRES: arm and feature exist; rows >= 0; the sample is of whole requests, finite, not
  // empty.  O(sample * dimensions^2).
  void believe(std::size_t arm, std::size_t feature, std::span<const double> sample, double rows);

  // Learns what came of a choice.  What this arm learnt before ages to `now`; an earlier `now` than
  // the arm's latest counts as that.  REQUIRES: the arm exists; finite features; quality in [0, 1].
  // O(dimensions^3): 2 us at 20, 22 us at 64.
  void observe(std::size_t arm, std::span<const double> features, double quality, Instant now);

  // Ages what all arms learnt to `now`, so that those not observed lately are doubted again.  To be
  // called now and then; nothing happens without a half-life.
  void age(Instant now);

  // Chooses among the allowed arms: the incumbent, and those feasible arms whose forecast quality
  // is at most `tolerance` below the incumbent's and whose cost is at most `budget` above its.
  // Pure.  LinUCB's probabilities are 1 - mixing for the best bound (ties: the incumbent, then the
  // first), and an even share of the mixing.  Thompson's are computed by quadrature, at points
  // around each arm's mean (within .01 of the true ones), mixed alike, and the arm is then drawn
  // from just these, so the propensity has no error.  Allocates nothing.  O(arms * dimensions^2):
  // 0.4 us for 2 arms of 20 dimensions; Thompson O(arms^2) normal distribution functions besides, 3
  // us for 2.
  [[nodiscard]] ArmChoice choose(const ArmRequest& request) const;

  // REQUIRES: the arm exists; as many features as dimensions.
  [[nodiscard]] ArmOpinion opinion(std::size_t arm, std::span<const double> features) const;

  const BanditOptions& options() const { return options_; }

 private:
  struct Arm {
    std::vector<double> prior, learnt;  // Precision: what is believed, what was observed; by row.
    std::vector<double> prior_reward, learnt_reward;  // Features times quality.
    std::vector<double> factor;                       // Cholesky, lower: of the sum of both.
    std::vector<double> weights;
    std::optional<Instant> at;
  };

  explicit Bandit(const BanditOptions& options);
  void fade(Arm& arm, Instant now) const;
  void solve(Arm& arm) const;

  BanditOptions options_;
  std::vector<Arm> arms_;
};

}  // namespace fare
