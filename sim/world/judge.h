#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "base/json_reader.h"     // JsonNode.
#include "base/random.h"          // RandomKey, RandomStream.
#include "engine/distribution.h"  // Distribution.
#include "fare/money.h"           // Cost.
#include "fare/time.h"            // Duration.
#include "world/quality.h"        // AnswerQuality.

namespace routesim {

// How a judge grades a single answer.
enum class Grading : std::uint8_t {
  kVerdict,  // It passes or not, by false_pass and false_fail.
  kScore,    // By its quality, with bias and noise.
};

// Somebody who judges answers: a model, a rubric, a person.
struct JudgeModel {
  std::string name;
  std::string origin = {};  // Where the figures come from: measured, published, assumed.
  Grading grading = Grading::kVerdict;
  double false_pass = 0;    // Bad answers that pass; in [0, 1].
  double false_fail = 0;    // Good answers that fail; in [0, 1].
  double bias = 0;          // Added to the quality of every answer, in logits; in [-20, 20].
  double noise = 0;         // The standard deviation of what is added to each, in logits.
  double order_effect = 0;  // Added to whichever answer of two is shown first, in logits.
  fare::Cost cost{};        // Of a judgement, of two answers too.
  Distribution delay_ms = Distribution::constant(0);
};

// Judges, at a price and after a delay.  Luck belongs to (judge, entity): the same whatever the
// answer is, so that, unless false_pass is above 1 - false_fail, a better answer never gets a worse
// judgement for it.
// A value; draws allocate nothing and depend on nothing before.
class Judge {
 public:
  static constexpr std::uint64_t kJudgesMax = 8;

  // `number` tells the judges of one key apart.  REQUIRES: number < kJudgesMax.
  Judge(JudgeModel model, const fare::RandomKey& key, std::uint64_t number);

  // Whether an answer passes: a good one with probability 1 - false_fail, a bad one with
  // false_pass. REQUIRES (here and below): entity < 2^61.
  bool passes(bool good, std::uint64_t entity) const;

  // A score of an answer that is good with this probability: its logit, with bias and noise, as a
  // probability.  REQUIRES: 0 <= quality <= 1, and 1e-9 is as near as it comes to either end.
  double score(double quality, std::uint64_t entity) const;

  // Whether the first of two answers is preferred: if the difference of their logits, with the
  // order effect and the noise of both, is above zero.  The bias is the same for both. The
  // probability is Phi((logit(first) - logit(second) + order_effect) / (noise sqrt(2))).
  bool prefers_first(double first, double second, std::uint64_t entity) const;

  // The grade of an answer, in [0, 1], as the judge's model has it: its score; or its verdict, 1 if
  // the answer passes and else 0.  An answer of which nothing is known is given the benefit of the
  // doubt: 1.
  double grade(const AnswerQuality& answer, std::uint64_t entity) const;

  fare::Cost cost() const { return model_.cost; }
  fare::Duration delay(std::uint64_t entity) const;

  const JudgeModel& model() const { return model_; }

 private:
  // The numbers of an entity: one for each question, and then those of its delay.
  enum Draw : std::uint64_t { kVerdict, kScore, kPair, kDelay };
  fare::RandomStream stream(std::uint64_t entity, Draw draw) const;

  JudgeModel model_;
  fare::RandomKey key_;
  std::uint64_t number_;
};

// A JSON parser for ObjectReader; all but "name" may be missing:
//   {"name": "rubric", "origin": "assumed", "grades": "verdict", "false_pass": 0.1, "false_fail":
//   0.05, "bias": 0.4,
//    "noise": 0.8, "order_effect": 0.2, "usd_per_judgement": "0.002", "delay_ms": DISTRIBUTION}
// Without "grades", one with a bias or noise and no false verdicts grades by score, any other by
// verdict; one that states both says which.
std::optional<JudgeModel> read_judge(const fare::JsonNode& node);

}  // namespace routesim
