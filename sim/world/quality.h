#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "base/json_reader.h"   // JsonNode, ObjectReader.
#include "base/random.h"        // RandomKey.
#include "fare/outcome_data.h"  // OutcomeData.
#include "fare/time.h"          // Duration.

namespace routesim {

// How hard the requests of a class are: normal, in logits.
struct Difficulty {
  double mean = 0;
  double sd = 0;
  double discrimination = 1;  // How sharply skill tells; in [0.01, 100].
};

// A change that nobody announces.
struct Degradation {
  fare::Duration from{};  // Since the start of the run: answers begun then or later.
  double skill_loss = 0;  // In logits, in every class; in [0, 20].
  std::optional<double> hallucination_rate;  // From then on, if it changes.
};

// How good one model's answers are.
struct ModelQuality {
  std::vector<double> skill;      // By class, in logits.  Empty: not modelled, nor what follows.
  double hallucination_rate = 0;  // Answers that assert what is false.
  double injection_rate = 0;      // Of the requests with an injected instruction: those it obeys.
  std::optional<Degradation> degradation;
};

// What became of one answer.  The events are independent given the model and the request.
struct AnswerQuality {
  enum class Status : std::uint8_t {
    kNotModelled,  // The world does not say how good this model's answers are.
    kUnknown,      // It does, but not of this answer: its outcome was not recorded.
    kKnown,
  };
  Status status = Status::kNotModelled;  // Unless kKnown, what follows says nothing.
  bool good = false;                     // Good enough for whoever asked.
  bool hallucinates = false;             // An answer may be good and still assert something false.
  bool injected = false;                 // The request carries an injected instruction,
  bool obeys = false;                    // and the model followed it.
  double probability = 0;                // That it is good.

  bool is_known() const { return status == Status::kKnown; }
  bool is_bad() const { return is_known() && !good; }  // What is not known is not bad.
};

// Whose luck an answer has, and when it was begun.
struct AnswerEntity {
  std::uint32_t request_class = 0;
  std::uint64_t request = 0;  // The entity of its difficulty and of what was injected.
  std::uint64_t answer = 0;   // Of the rest: other tries of a request differ in it alone.
  fare::Duration begun{};     // Since the start of the run.
};

// Draws the quality of answers by item response theory: the two-parameter logistic model of
// Birnbaum, 1968.  An answer is good with probability
// 1 / (1 + exp(-discrimination (skill - difficulty))), the difficulty being normal in its class.
//
// Luck belongs to the entity, never to the model: on the same request a more skilled model is good
// wherever a less skilled one is, and one that hallucinates less does so only where the other does.
// Immutable; draws allocate nothing and depend on nothing before.
class QualityDraws {
 public:
  // `difficulty`, by class, must outlive it.  `injected_share`: of requests, those whose input
  // carries an injected instruction.
  QualityDraws(const std::vector<Difficulty>& difficulty, double injected_share, std::uint64_t seed,
               std::uint32_t replication);

  AnswerQuality draw(const ModelQuality& model, const AnswerEntity& entity) const;

 private:
  const std::vector<Difficulty>& difficulty_;
  double injected_share_;
  fare::RandomKey difficulty_key_;
  fare::RandomKey quality_key_;
};

// The real outcomes of labelled prompts in place of a model: each request is one row of its class,
// the same for every target.
class OutcomeQuality {
 public:
  // `data` must outlive it.  O(rows).
  OutcomeQuality(const fare::OutcomeData& data, std::uint64_t seed, std::uint32_t replication);

  // The row that the request is; nothing if the class, as in data.classes, has none.  With no class
  // any row will do.  O(1).
  std::optional<std::size_t> row(std::optional<std::uint32_t> request_class,
                                 std::uint64_t request) const;

  // What the target came to on that row, its quality for a probability; unknown, which is not the
  // same as bad, if that was not recorded.
  AnswerQuality draw(std::size_t row, std::size_t target, std::uint64_t answer) const;

 private:
  const fare::OutcomeData& data_;
  std::vector<std::vector<std::size_t>> rows_;  // By class, then all.
  fare::RandomKey row_key_;
  fare::RandomKey quality_key_;
};

// Readers of their parts of a scenario's world; anything wrong is recorded with its place.

// {"mean": -1, "sd": 0.8, "discrimination": 1.2}
std::optional<Difficulty> read_difficulty(const fare::JsonNode& node);

// A skill by class: 2 | {"simple": 2.5, "complex": 0.3}, which names all classes.
std::optional<std::vector<double>> read_skill(const fare::JsonNode& node,
                                              const std::vector<std::string>& classes);

// The keys of a model's object, all of which may be missing; the others need "skill":
//   "skill": SKILL, "hallucination_rate": 0.03, "injection_rate": 0.2,
//   "degrades": {"after_s": 86400, "skill_loss": 0.8, "hallucination_rate": 0.06}
void read_model_quality(fare::ObjectReader& reader, const std::vector<std::string>& classes,
                        ModelQuality& quality);

}  // namespace routesim
