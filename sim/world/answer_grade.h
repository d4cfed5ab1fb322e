#pragma once

#include <cstdint>  // std::uint64_t.
#include <vector>   // std::vector.

#include "base/random.h"  // RandomKey.
#include "world/world.h"  // World, Difficulty.

namespace routesim {

// How good answers are in one run: World says by which model.
class AnswerGrade {
 public:
  // `world` must outlive it.
  AnswerGrade(const World& world, std::uint64_t seed, std::uint32_t replication);

  // The probability that an answer of that skill (in logits) to request number `index` is good
  // enough.  The request's difficulty is the same whoever answers.
  double of(std::uint64_t index, std::uint32_t request_class, double skill) const;

  // Whether an answer is good enough that is so with this probability; `answer` is its entity.
  bool is_good(std::uint64_t answer, double probability) const;

 private:
  const std::vector<Difficulty>& difficulty_;
  fare::RandomKey key_;
  fare::RandomKey quality_;
};

}  // namespace routesim
