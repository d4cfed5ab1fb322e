#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <string>   // std::string.

#include "fare/choice_model.h"  // ChoiceModel, ChoiceForecast.

namespace fare {

// The few numbers that online learners and off-policy evaluation see of a prompt: what an offline
// model forecasts, and how the prompt looks.  In this order:
//
//   one            1, so that weights can shift everything;
//   forecasts      the calibrated quality of every target of the model, or, if it knows classes,
//   the
//                  probability of every class;
//   familiarity    how much the prompt is like those learnt from;
//   hand features  kDenseHand of them, in standard deviations of the training prompts / 4, so in
//                  [-1, 1]; 0 for models that read embeddings and for the rules without labels.
//
// Grams are not among them: they are in the forecasts, and thousands of weights are not learnt from
// a few hundred outcomes.
inline constexpr std::size_t kDenseHand = 15;

[[nodiscard]] std::size_t dense_size(const ChoiceModel& model);

// The stable name of each: "one", "quality of gpt-4", "class simple", "familiarity", "log_words".
// REQUIRES: feature < dense_size(model).
[[nodiscard]] std::string dense_name(const ChoiceModel& model, std::size_t feature);

// Where the forecast of a target or class stands.
[[nodiscard]] constexpr std::size_t dense_forecast(std::size_t target) { return 1 + target; }

// Fills `out` from a forecast.  Allocates nothing.  REQUIRES: the forecast is still valid, and
// `out` has dense_size() numbers of its model.
void dense_features(const ChoiceForecast& forecast, std::span<double> out);

}  // namespace fare
