#include "world/answer_grade.h"

#include <cmath>

#include "base/samplers.h"

namespace routesim {

AnswerGrade::AnswerGrade(const World& world, std::uint64_t seed, std::uint32_t replication)
    : difficulty_(world.difficulty),
      key_(seed, replication, fare::Purpose::kDifficulty),
      quality_(seed, replication, fare::Purpose::kQuality) {}

double AnswerGrade::of(std::uint64_t index, std::uint32_t request_class, double skill) const {
  const Difficulty& of_class = difficulty_[request_class];
  fare::RandomStream stream(key_, index);
  const double difficulty = of_class.mean + of_class.sd * fare::normal_quantile(stream.uniform());
  return 1 / (1 + std::exp(difficulty - skill));
}

bool AnswerGrade::is_good(std::uint64_t answer, double probability) const {
  return fare::RandomStream(quality_, answer).uniform() < probability;
}

}  // namespace routesim
