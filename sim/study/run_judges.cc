#include "study/run_judges.h"

namespace routesim {

RunJudges::RunJudges(const World& world, const Judging& judging, std::uint64_t seed,
                     std::uint32_t replication)
    : evaluation_(judging.evaluation), share_(seed, replication, fare::Purpose::kEvaluation) {
  const fare::RandomKey key(seed, replication, fare::Purpose::kJudge);
  if (judging.scorer) scorer_.emplace(world.judges[*judging.scorer], key, *judging.scorer);
  if (evaluation_) evaluator_.emplace(world.judges[evaluation_->judge], key, evaluation_->judge);
}

std::optional<EvaluationTally> RunJudges::evaluate(const AnswerQuality& quality,
                                                   std::uint64_t request,
                                                   std::uint64_t answer) const {
  if (!quality.is_known()) return std::nullopt;
  const auto share = static_cast<std::uint64_t>(evaluation_->answers_per_million);
  if (fare::RandomStream(share_, request).below(1'000'000) >= share) return std::nullopt;
  const bool passed = evaluator_->grade(quality, answer) >= kPassMin;
  return EvaluationTally{.judged = 1,
                         .passed = passed ? 1u : 0u,
                         .good = quality.good ? 1u : 0u,
                         .false_passes = passed && !quality.good ? 1u : 0u,
                         .false_fails = !passed && quality.good ? 1u : 0u,
                         .cost = evaluator_->cost()};
}

std::optional<std::size_t> RunJudges::window(fare::Duration asked) const {
  if (!evaluation_ || !evaluation_->window) return std::nullopt;
  return static_cast<std::size_t>(asked / *evaluation_->window);
}

}  // namespace routesim
