#pragma once

#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "choice/calibration.h"     // Calibration.
#include "choice/neighbours.h"      // Neighbours.
#include "choice/text_transform.h"  // TextTransform.
#include "fare/choice_model.h"      // HeldOut, ModelKind.

namespace fare {

// The logarithm of a positive amount (a cost, a latency) as a linear function of the hand features
// and of the prompt's whole length, which what asking_part() drops still has to be paid for.
struct Trend {
  static constexpr std::size_t kInputs = kHandFeatures + 1;

  std::vector<double> weights;  // kInputs of them; empty: nothing is known.
  double bias = 0;
  double smear = 1;  // The mean of exp(residual): makes the mean right (Duan, "Smearing estimate: a
                     // nonparametric retransformation method", 1983).
};

struct ChoiceTables {
  static constexpr std::size_t kNeighbours = 40;  // Whose mean the kind kNeighbours takes.
  static constexpr std::size_t kOpinion = 16;     // Asked for a second opinion.

  ModelKind kind = ModelKind::kRules;
  std::vector<std::string> targets;
  std::vector<std::string> classes;
  std::string data_name, data_hash;  // What it was learnt from.
  std::size_t rows = 0;              // Learnt from.
  std::uint64_t seed = 0;
  double penalty = 0;
  bool reads_answer = false;
  std::vector<std::uint64_t> learnt;  // The first 16 digits of the prompts' hashes, ascending.
  std::size_t dimensions = 0;         // Of the embedding it reads; 0: the text.

  TextTransform transform;
  std::size_t outputs = 0;     // Columns of `weights`: a target or class each; 0 for neighbours.
  std::vector<float> weights;  // By feature (of the text or embedding), then by output.
  // The weights of grams once more, as forecasts read them: each bucket's idf, then its weights,
  // side by side, because every bucket is a cache miss.  Made by pack().
  std::vector<float> packed;
  std::vector<double> bias;  // By output.

  std::vector<double> base_rate;         // By target, or by class.
  std::vector<Calibration> calibration;  // By target; one for all classes, of which only the slope
                                         // counts.
  std::vector<Trend> cost_trend;         // By target: dollars, milliseconds.
  std::vector<Trend> time_trend;

  Neighbours neighbours;                 // Training rows; may be empty.
  std::vector<float> neighbour_quality;  // By target, then by row; NaN: unknown.
  double familiarity_min = 0;

  std::vector<HeldOut> held_out;

  void pack();
  bool knows_classes() const { return kind == ModelKind::kTier || kind == ModelKind::kRules; }
};

// The number that ChoiceTables::learnt keeps of prompt_hash().
std::uint64_t short_hash(std::string_view hash);

// The input of a Trend.  REQUIRES: `out` has Trend::kInputs numbers.
void trend_input(const TextTransform& transform, const TextFeatures& features,
                 std::size_t prompt_bytes, std::span<double> out);

std::string write_model(const ChoiceTables& tables);
Expected<ChoiceTables> read_model(std::string name, std::string_view bytes);

}  // namespace fare
