#pragma once

#include <cstdint>      // std::uint8_t.
#include <memory>       // std::shared_ptr, std::unique_ptr.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/money.h"     // Cost.

namespace fare {

enum class ModelKind : std::uint8_t {
  kRules,         // Keywords and lengths, without labels: classes only.
  kLinear,        // Logistic regression of each target's quality.
  kRidge,         // Ridge regression; the difference of two targets is the ridge of their gain.
  kNeighbours,    // The mean of the most similar prompts.
  kTier,          // Multinomial regression of the complexity class.
  kItemResponse,  // Two-parameter logistic: ability of the target, difficulty and discrimination
                  // of the prompt, both linear in its features.
  kFactors,       // Matrix factorisation: prompt factors, linear in its features, times target's.
};

[[nodiscard]] std::string_view to_string(ModelKind kind);  // "linear", "irt", "mf" ...
[[nodiscard]] std::optional<ModelKind> model_kind(std::string_view name);  // And back.

// What a prompt is likely to come to on one target.
struct TargetForecast {
  double quality = 0;                  // Calibrated, in [0, 1].
  double score = 0;                    // Before calibration.
  double second_opinion = 0;           // The mean quality of the most similar prompts learnt from.
  std::optional<Cost> cost;            // The expected cost, where outcomes had costs.
  std::optional<double> milliseconds;  // The expected latency, where outcomes had latencies.
};

// The views live until the scratch is used again.
struct ChoiceForecast {
  std::span<const TargetForecast> targets;      // By target, in the model's order.
  std::span<const double> class_probabilities;  // By class; empty unless the kind knows classes.
  std::size_t likely_class = 0;                 // The most probable one, if there are any.
  double familiarity = 1;  // The highest similarity to a prompt learnt from, in [0, 1].
  bool abstains = false;   // The prompt is unlike all that was learnt from: then the qualities and
                           // classes are the base rates, which are the default.
  std::span<const float> hand;  // The hand features, in standard deviations of those learnt from,
                                // within 4; empty if the model learnt from no text.
};

// One feature's part of a score.
struct Contribution {
  std::string feature;  // "log_words", "word: prove that", "characters: integ"; grams that share a
                        // bucket stand together, separated by " | ".
  double value;         // Of the feature, scaled.
  double weight;
  double amount;  // value * weight.
};

// A score, taken apart: score == bias + the sum of all contributions, to rounding.
struct Explanation {
  double score = 0;
  double bias = 0;
  std::vector<Contribution> top;  // The largest by |amount|, first; ties in order of feature.
  double rest = 0;                // The sum of those not shown.
};

// How well a target's (or the likely class's) probabilities held on rows that were not learnt from,
// by cross-fitting inside the training rows.
struct HeldOut {
  std::string name;   // The target, or "class".
  std::string slice;  // The group; empty: all rows.
  std::size_t rows = 0;
  double base_rate = 0, auroc = 0.5, brier = 0, brier_of_mean = 0, ece = 0;
};

struct ChoiceTables;  // What a model holds inside.

// Memory for forecasts, to be used again and again; one a thread.
class ChoiceScratch {
 public:
  ChoiceScratch();
  ~ChoiceScratch();
  ChoiceScratch(ChoiceScratch&&) noexcept;
  ChoiceScratch& operator=(ChoiceScratch&&) noexcept;

 private:
  friend class ChoiceModel;
  struct State;
  std::unique_ptr<State> state_;
};

// Forecasts what a prompt will come to on every target, or which complexity class it is: an
// immutable value.  Copies share one snapshot; any number of threads may read.
//
// A file is JSON that people can review (kind, data and its hash, hyper-parameters, calibration,
// held-out scores by slice), a line with the size and hash of what follows, and the weights.
class ChoiceModel {
 public:
  // Reads a file.  Errors: everything wrong with it; another version; weights that do not match
  // their hash.  Under 10 ms for a megabyte.
  [[nodiscard]] static Expected<ChoiceModel> parse(std::string name, std::string_view bytes);

  // The model without labels: classes simple, medium, complex, reasoning by keywords and lengths.
  [[nodiscard]] static ChoiceModel rules();

  explicit ChoiceModel(std::shared_ptr<const ChoiceTables> tables);

  [[nodiscard]] std::string serialise() const;

  ModelKind kind() const;
  std::span<const std::string> targets() const;  // Sorted by name.
  std::span<const std::string> classes() const;
  std::span<const HeldOut> held_out() const;
  std::string_view data_hash() const;  // Of the outcomes that were learnt from.
  std::size_t dimensions() const;      // Of the embedding it needs; 0: it reads the text.
  bool reads_answer() const;           // Wants answered_prompt() for a prompt: a cascade's scorer.
  double familiarity_min() const;      // Below this it abstains.

  // Whether it learnt from a prompt that asks the same; then testing on it says nothing.
  bool learnt_from(std::string_view prompt) const;

  // Forecasts.  Allocates nothing once the scratch has seen prompts of full length with this model.
  // REQUIRES: `embedding` has dimensions() numbers; the prompt is read whatever they are, except
  // that a model with dimensions needs no prompt.
  ChoiceForecast forecast(std::string_view prompt, std::span<const float> embedding,
                          ChoiceScratch& scratch) const;
  ChoiceForecast forecast(std::string_view prompt, ChoiceScratch& scratch) const {
    return forecast(prompt, {}, scratch);
  }

  // The largest `count` contributions to the score of a target, or of a class if the model knows
  // classes.  Nothing for kinds that are no sum of features: rules, neighbours.
  // REQUIRES: `output` is the index of a target or class; dimensions() == 0.
  [[nodiscard]] std::optional<Explanation> explain(std::string_view prompt, std::size_t output,
                                                   std::size_t count) const;

 private:
  std::shared_ptr<const ChoiceTables> tables_;
};

}  // namespace fare
