#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.

#include "base/random.h"         // RandomKey.
#include "study/answer_tally.h"  // EvaluationTally.
#include "study/judging.h"       // Judging, Evaluation.
#include "world/judge.h"         // Judge.
#include "world/quality.h"       // AnswerQuality.
#include "world/world.h"         // World.

namespace routesim {

// The judges of one run of a variant.  Immutable; draws allocate nothing.  A judge that is asked
// about the same answer again says the same: one that scores a cascade and is to evaluate it too
// finds nothing bad in what it has accepted.
class RunJudges {
 public:
  RunJudges(const World& world, const Judging& judging, std::uint64_t seed,
            std::uint32_t replication);

  // REQUIRES: the variant has a scorer.
  const Judge& scorer() const { return *scorer_; }

  bool evaluates() const { return evaluator_.has_value(); }

  // What is found out of an answer, by itself; nothing if it is not of the share, or not known.
  // `request` decides whether it is of the share, and `answer` how the judge errs.
  // REQUIRES: evaluates().
  std::optional<EvaluationTally> evaluate(const AnswerQuality& quality, std::uint64_t request,
                                          std::uint64_t answer) const;

  // The window of an answer that was asked for at that instant; nothing if all are one.
  std::optional<std::size_t> window(fare::Duration asked) const;

 private:
  std::optional<Evaluation> evaluation_;
  fare::RandomKey share_;
  std::optional<Judge> scorer_;
  std::optional<Judge> evaluator_;
};

}  // namespace routesim
