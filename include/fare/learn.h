#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/choice_model.h"   // ChoiceModel, ModelKind.
#include "fare/expected.h"       // Expected.
#include "fare/outcome_data.h"   // OutcomeData.
#include "fare/text_features.h"  // GramBits.

namespace fare {

enum class CalibrationKind : std::uint8_t {
  kPlatt,     // A logistic curve through the scores (for ridge and neighbours: a straight line).
  kIsotonic,  // A rising staircase; needs about 1,000 rows.
};

struct LearnOptions {
  std::optional<ModelKind> kind;     // None: tier if only classes are labelled; ridge below 400
                                     // rows; else linear.
  std::vector<std::string> targets;  // Learn these only; empty: all of the data.
  std::uint64_t seed = 0;            // Draws the folds.
  GramBits bits;
  CalibrationKind calibration = CalibrationKind::kPlatt;
  std::optional<double> penalty;  // None: the best of a short list by cross-validation.
  // A cascade's scorer: learns whether the answer of this target, read together with its prompt
  // (answered_prompt()), is good enough.  The model has this one target.
  std::optional<std::string> cascade;
  bool familiarity = true;    // Keep an index of prompts learnt from: for second opinions and to
                              // abstain; a few microseconds a forecast.
  bool use_embedding = true;  // Where the data has embeddings and the kind can use them
                              // (neighbours, item response, factors).
};

// At least this many training rows are needed to learn, and this many labels of a target.
inline constexpr std::size_t kLearnRowsMin = 20;

// Learns from the rows that are not of the test split.  Deterministic: the same data, options and
// seed give the same bytes.  One thread; a second for 1,500 prompts and two targets, about ten for
// 7,000.
//
// Errors: fewer rows or labels than needed; a target whose qualities are all the same, or a single
// class; a target that the data does not know; the kind kRules, which learns nothing.
[[nodiscard]] Expected<ChoiceModel> learn(const OutcomeData& data, const LearnOptions& options);

}  // namespace fare
