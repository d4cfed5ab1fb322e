#include "world/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {

using fare::Purpose;
using fare::RandomStream;

QualityDraws::QualityDraws(const QualityModel& model, std::uint64_t seed, std::uint32_t replication)
    : model_(model),
      difficulty_(seed, replication, Purpose::kDifficulty),
      quality_(seed, replication, Purpose::kQuality) {}

AnswerQuality QualityDraws::draw(std::size_t model, std::size_t request_class,
                                 std::uint64_t request, std::uint64_t answer,
                                 fare::Duration at) const {
  FARE_CHECK(model < model_.models.size());
  FARE_CHECK(request_class < model_.difficulty.size());
  const ModelQuality& of_model = model_.models[model];
  const Difficulty& of_class = model_.difficulty[request_class];
  RandomStream of_request(difficulty_, request);
  const double difficulty =
      of_class.mean + of_class.sd * fare::normal_quantile(of_request.uniform());
  double skill = of_model.skill[request_class];
  double hallucination_rate = of_model.hallucination_rate;
  if (of_model.degradation && at >= of_model.degradation->from) {
    skill -= of_model.degradation->skill_loss;
    hallucination_rate = of_model.degradation->hallucination_rate.value_or(hallucination_rate);
  }
  // One draw for each event, whether it matters or not: so no event moves another's luck.
  AnswerQuality quality;
  const double slope = model_.discrimination[request_class];
  quality.probability = 1 / (1 + std::exp(slope * (difficulty - skill)));
  quality.injected = of_request.uniform() < model_.injected_share;
  RandomStream of_answer(quality_, answer);
  quality.good = of_answer.uniform() < quality.probability;
  quality.hallucinates = of_answer.uniform() < hallucination_rate;
  quality.obeys = of_answer.uniform() < of_model.injection_rate && quality.injected;
  return quality;
}

OutcomeQuality::OutcomeQuality(const fare::OutcomeData& data, std::uint64_t seed,
                               std::uint32_t replication)
    : data_(data),
      rows_(data.classes.size() + 1),
      difficulty_(seed, replication, Purpose::kDifficulty),
      quality_(seed, replication, Purpose::kQuality) {
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const std::uint32_t of_row = data.rows[i].prompt_class;
    if (of_row != fare::kNoIndex) rows_[of_row].push_back(i);
    rows_.back().push_back(i);
  }
}

std::optional<std::size_t> OutcomeQuality::row(std::optional<std::uint32_t> request_class,
                                               std::uint64_t request) const {
  if (request_class) FARE_CHECK(*request_class < data_.classes.size());
  const std::vector<std::size_t>& rows = request_class ? rows_[*request_class] : rows_.back();
  if (rows.empty()) return std::nullopt;
  return rows[RandomStream(difficulty_, request).below(rows.size())];
}

std::optional<AnswerQuality> OutcomeQuality::draw(std::size_t row, std::size_t target,
                                                  std::uint64_t answer) const {
  FARE_CHECK(row < data_.rows.size());
  FARE_CHECK(target < data_.targets.size());
  const std::optional<fare::TargetOutcome>& outcome = data_.rows[row].outcomes[target];
  if (!outcome) return std::nullopt;
  AnswerQuality quality;
  quality.probability = outcome->quality;
  quality.good = RandomStream(quality_, answer).uniform() < quality.probability;
  return quality;
}

}  // namespace routesim
