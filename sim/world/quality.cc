#include "world/quality.h"

#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {

using fare::Purpose;
using fare::RandomStream;

QualityDraws::QualityDraws(const std::vector<Difficulty>& difficulty, double injected_share,
                           std::uint64_t seed, std::uint32_t replication)
    : difficulty_(difficulty),
      injected_share_(injected_share),
      difficulty_key_(seed, replication, Purpose::kDifficulty),
      quality_key_(seed, replication, Purpose::kQuality) {}

AnswerQuality QualityDraws::draw(const ModelQuality& model, const AnswerEntity& entity) const {
  AnswerQuality quality;
  if (model.skill.empty()) return quality;
  FARE_CHECK(entity.request_class < difficulty_.size());
  const Difficulty& of_class = difficulty_[entity.request_class];
  RandomStream of_request(difficulty_key_, entity.request);
  const double difficulty =
      of_class.mean + of_class.sd * fare::normal_quantile(of_request.uniform());
  double skill = model.skill[entity.request_class];
  double hallucination_rate = model.hallucination_rate;
  if (model.degradation && entity.begun >= model.degradation->from) {
    skill -= model.degradation->skill_loss;
    hallucination_rate = model.degradation->hallucination_rate.value_or(hallucination_rate);
  }
  // Numbers are drawn in a fixed order, each for one event: so no event moves another's luck, and
  // the last ones are drawn only where they matter.
  quality.status = AnswerQuality::Status::kKnown;
  quality.probability = 1 / (1 + std::exp(of_class.discrimination * (difficulty - skill)));
  quality.injected = injected_share_ > 0 && of_request.uniform() < injected_share_;
  RandomStream of_answer(quality_key_, entity.answer);
  quality.good = of_answer.uniform() < quality.probability;
  if (hallucination_rate == 0 && !quality.injected) return quality;
  quality.hallucinates = of_answer.uniform() < hallucination_rate;
  quality.obeys = quality.injected && of_answer.uniform() < model.injection_rate;
  return quality;
}

OutcomeQuality::OutcomeQuality(const fare::OutcomeData& data, std::uint64_t seed,
                               std::uint32_t replication)
    : data_(data),
      rows_(data.classes.size() + 1),
      row_key_(seed, replication, Purpose::kDifficulty),
      quality_key_(seed, replication, Purpose::kQuality) {
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
  return rows[RandomStream(row_key_, request).below(rows.size())];
}

AnswerQuality OutcomeQuality::draw(std::size_t row, std::size_t target,
                                   std::uint64_t answer) const {
  FARE_CHECK(row < data_.rows.size());
  FARE_CHECK(target < data_.targets.size());
  const std::optional<fare::TargetOutcome>& outcome = data_.rows[row].outcomes[target];
  AnswerQuality quality;
  quality.status = AnswerQuality::Status::kUnknown;
  if (!outcome) return quality;
  quality.status = AnswerQuality::Status::kKnown;
  quality.probability = outcome->quality;
  quality.good = RandomStream(quality_key_, answer).uniform() < quality.probability;
  return quality;
}

}  // namespace routesim
