#include "fare/dense_features.h"

#include <algorithm>
#include <array>

#include "fare/check.h"
#include "fare/text_features.h"

namespace fare {
namespace {

constexpr double kHandMax = 4;  // Standard deviations, beyond which models do not look either.

// Lengths, what kind of characters, and the marks of code, mathematics and choices.
constexpr std::array<std::string_view, kDenseHand> kChosen = {
    "log_characters", "log_words",  "mean_word_length", "digit_ratio", "symbol_ratio",
    "foreign_ratio",  "questions",  "sentences",        "numbers",     "options",
    "option_spread",  "code_marks", "math_marks",       "lines",       "distinct_ratio"};

const std::array<std::size_t, kDenseHand>& chosen_features() {
  static const std::array<std::size_t, kDenseHand> chosen = [] {
    std::array<std::size_t, kDenseHand> all{};
    for (std::size_t i = 0; i < kDenseHand; ++i) {
      while (hand_feature_name(all[i]) != kChosen[i]) ++all[i];
    }
    return all;
  }();
  return chosen;
}

std::size_t forecasts_of(const ChoiceModel& model) {
  return model.classes().empty() ? model.targets().size() : model.classes().size();
}

}  // namespace

std::size_t dense_size(const ChoiceModel& model) { return 2 + forecasts_of(model) + kDenseHand; }

std::string dense_name(const ChoiceModel& model, std::size_t feature) {
  FARE_CHECK(feature < dense_size(model));
  const std::size_t forecasts = forecasts_of(model);
  if (feature == 0) return "one";
  if (feature <= forecasts) {
    return model.classes().empty() ? "quality of " + model.targets()[feature - 1]
                                   : "class " + model.classes()[feature - 1];
  }
  if (feature == 1 + forecasts) return "familiarity";
  return std::string(kChosen[feature - 2 - forecasts]);
}

void dense_features(const ChoiceForecast& forecast, std::span<double> out) {
  const std::size_t forecasts = forecast.targets.size() + forecast.class_probabilities.size();
  FARE_CHECK(out.size() == 2 + forecasts + kDenseHand);
  std::size_t next = 0;
  out[next++] = 1;
  for (const TargetForecast& one : forecast.targets) out[next++] = one.quality;
  for (const double one : forecast.class_probabilities) out[next++] = one;
  out[next++] = forecast.familiarity;
  for (const std::size_t feature : chosen_features()) {
    out[next++] = forecast.hand.empty() ? 0 : forecast.hand[feature] / kHandMax;
  }
}

}  // namespace fare
