#include "world/answer_draws.h"

#include "fare/check.h"

namespace routesim {

AnswerDraws::AnswerDraws(const World& world, std::uint64_t seed, std::uint32_t replication)
    : world_(world), modelled_(world.difficulty, world.injected_share, seed, replication) {
  if (world.outcomes) recorded_.emplace(*world.outcomes->data, seed, replication);
}

AnswerQuality AnswerDraws::look_up(std::uint32_t model, const AnswerEntity& entity) const {
  const WorldOutcomes& outcomes = *world_.outcomes;
  const std::optional<std::uint32_t> target = outcomes.target_of_model[model];
  if (!target) return {};
  const auto row = recorded_->row(outcomes.class_of_class[entity.request_class], entity.request);
  FARE_CHECK(row.has_value());  // Every class of the traffic has rows: read_world() sees to that.
  return recorded_->draw(*row, *target, entity.answer);
}

}  // namespace routesim
