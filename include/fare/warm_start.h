#pragma once

#include <span>    // std::span.
#include <string>  // std::string.

#include "fare/bandit.h"        // Bandit.
#include "fare/choice_model.h"  // ChoiceModel.

namespace fare {

// Starts a learner from an offline model instead of from nothing: arm i believes that its quality
// is what the model forecasts of target i, as firmly as if `rows` outcomes of requests like
// `prompts` had said so.  As many rows as the model learnt from is a fair trust; less lets outcomes
// correct it sooner.  The learner reads dense_features() of the model's forecasts from then on.
//
// REQUIRES: the bandit has an arm for each target of the model, in the model's order, and
// dense_size() dimensions; a model that reads prompts, not embeddings; at least one prompt;
// rows >= 0.  O(prompts * dimensions^2) and a forecast each.
void warm_start(Bandit& bandit, const ChoiceModel& model, std::span<const std::string> prompts,
                double rows);

}  // namespace fare
