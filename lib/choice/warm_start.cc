#include "fare/warm_start.h"

#include <vector>

#include "fare/check.h"
#include "fare/dense_features.h"

namespace fare {

void warm_start(Bandit& bandit, const ChoiceModel& model, std::span<const std::string> prompts,
                double rows) {
  const std::size_t size = dense_size(model);
  FARE_CHECK(model.dimensions() == 0);
  FARE_CHECK(!prompts.empty());
  FARE_CHECK(bandit.options().arms == model.targets().size());
  FARE_CHECK(bandit.options().dimensions == size);
  std::vector<double> sample(prompts.size() * size);
  ChoiceScratch scratch;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    dense_features(model.forecast(prompts[i], scratch), std::span(sample).subspan(i * size, size));
  }
  for (std::size_t arm = 0; arm < model.targets().size(); ++arm) {
    bandit.believe(arm, dense_forecast(arm), sample, rows);
  }
}

}  // namespace fare
