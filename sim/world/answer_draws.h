#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.

#include "world/quality.h"  // AnswerQuality, ModelQuality, QualityDraws, OutcomeQuality.
#include "world/world.h"    // World.

namespace routesim {

// How good the answers of one run are, as its world has it: by skill and difficulty, or by the rows
// of its outcomes.  Immutable; draws allocate nothing and depend on nothing before.
class AnswerDraws {
 public:
  // `world` must outlive it.
  AnswerDraws(const World& world, std::uint64_t seed, std::uint32_t replication);

  // The answer of the world's model of that index, which is now as good as `quality` says.
  AnswerQuality draw(std::uint32_t model, const ModelQuality& quality,
                     const AnswerEntity& entity) const {
    return recorded_ ? look_up(model, entity) : modelled_.draw(quality, entity);
  }

 private:
  AnswerQuality look_up(std::uint32_t model, const AnswerEntity& entity) const;

  const World& world_;
  QualityDraws modelled_;
  std::optional<OutcomeQuality> recorded_;
};

}  // namespace routesim
