#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/choice_model.h"        // ChoiceModel.
#include "fare/learn.h"               // LearnOptions.
#include "fare/outcome_data.h"        // OutcomeData.
#include "fare/probability_scores.h"  // Forecast.
#include "study/cost_front.h"         // CostPoint.
#include "study/deferral.h"           // DeferralPoint.
#include "study/resample.h"           // Interval, Weights.

namespace routesim {

// How one way of routing did on the rows that were tested.
struct RouterResult {
  std::string name;  // "model", "random", "prompt length", "keyword score", "best single", "zero",
                     // "label table", "oracle", "cascade".
  std::optional<Interval> apgr, cpt50, cpt80, apgr_deciles;  // Where there is a pair.
  std::optional<Interval> aiq, aiq_published, cost_at_95;    // Where all outcomes have costs.
  std::vector<DeferralPoint> curve;
  std::vector<CostPoint> hull;
};

// How probabilities held.
struct ProbabilityResult {
  std::string target;  // Empty: all targets together, or the classes.
  std::size_t rows = 0;
  Interval auroc, brier, brier_of_mean, ece;
  struct Bin {
    double forecast, truth;
    std::size_t rows;
  };
  std::vector<Bin> bins;  // Of the calibration picture; empty bins are left out.
};

struct LearnReport {
  std::string kind;
  std::size_t rows = 0;         // Tested.
  std::size_t priced_rows = 0;  // Of them with every outcome's quality and cost: AIQ's.
  std::string strong, weak;
  double strong_quality = 0, weak_quality = 0;
  std::size_t abstained = 0;
  std::vector<RouterResult> routers;
  std::vector<ProbabilityResult> probabilities;
  // Of classes.
  std::optional<Interval> accuracy, under_routed;
  std::optional<Interval> rules_accuracy;  // Of the model without labels, on the same rows.
  std::optional<Interval> consistency;     // The same class after a perturbation.
};

// Scores forecasts; `owner`: the row that each belongs to, which `weights` are by.
ProbabilityResult score_probabilities(std::string name,
                                      const std::vector<fare::Forecast>& forecasts,
                                      const std::vector<std::size_t>& owner,
                                      const Weights& weights);

struct LearnEvaluation {
  std::string strong, weak;  // Empty: the best single target, and the cheapest or worst.
  std::size_t resamples = 200;
  std::uint64_t seed = 0;
};

// A model and the rows that it did not learn from: one with the test split, or K of a
// cross-validation.
struct TestedModel {
  fare::ChoiceModel model;
  std::vector<std::size_t> rows;
};

// Tests models beside the baselines.  Errors: no row to test; a target that the data does not know;
// a pair that is not among the model's targets; a model of classes and data without. REQUIRES:
// `tested` is not empty and its models have the same targets and classes.
[[nodiscard]] fare::Expected<LearnReport> evaluate(const fare::OutcomeData& data,
                                                   const std::vector<TestedModel>& tested,
                                                   const LearnEvaluation& options);

// Tests a cascade's scorer: the weak target answers first, and where the scorer doubts its answer
// the strong one answers too.  The weak call's dollars are paid always.  Errors as above, and a
// model that reads no answers, or data without them.
[[nodiscard]] fare::Expected<LearnReport> evaluate_cascade(const fare::OutcomeData& data,
                                                           const std::vector<TestedModel>& tested,
                                                           const LearnEvaluation& options);

}  // namespace routesim
