#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "base/json_reader.h"   // JsonNode.
#include "base/random.h"        // RandomKey.
#include "fare/outcome_data.h"  // OutcomeData.
#include "fare/time.h"          // Duration.
#include "world/world.h"        // Difficulty.

namespace routesim {

// A change that nobody announces.
struct Degradation {
  fare::Duration from{};  // Since the start of the run: answers begun then or later.
  double skill_loss = 0;  // In logits, in every class; in [0, 20].
  std::optional<double> hallucination_rate;  // From then on, if it changes.
};

// How good one model's answers are.
struct ModelQuality {
  std::string model;
  std::vector<double> skill;      // By class, in logits.
  double hallucination_rate = 0;  // Answers that assert what is false.
  double injection_rate = 0;      // Of the requests with an injected instruction: those it obeys.
  std::optional<Degradation> degradation;
};

// How good answers are, by item response theory: the two-parameter logistic model of Birnbaum,
// 1968. An answer is good with probability 1 / (1 + exp(-discrimination (skill - difficulty))),
// where the difficulty is normal within its class.  A discrimination of 1 is the model of world.h.
struct QualityModel {
  std::vector<Difficulty> difficulty;  // By class.
  std::vector<double> discrimination;  // By class; in [0.01, 100].
  double injected_share = 0;           // Of requests whose input carries an injected instruction.
  std::vector<ModelQuality> models;
};

// What became of one answer.  The events are independent given the model and the request.
struct AnswerQuality {
  double probability = 0;     // That it is good.
  bool good = false;          // Whether it is.
  bool hallucinates = false;  // An answer may be good and still assert something false.
  bool injected = false;      // The request carries an injected instruction,
  bool obeys = false;         // and the model followed it.
};

// Draws the quality of answers.  Luck belongs to the entity, never to the model: on the same
// request a more skilled model is good wherever a less skilled one is, and one that hallucinates
// less does so only where the other does.  A value; draws allocate nothing and depend on nothing
// before.
class QualityDraws {
 public:
  // `model` must outlive it.
  QualityDraws(const QualityModel& model, std::uint64_t seed, std::uint32_t replication);

  // The answer of a model (by index) to a request of a class, begun `at` since the start of the
  // run. `request` is the entity of its difficulty and of what was injected, `answer` that of the
  // rest: other tries of a request differ in `answer` alone.
  AnswerQuality draw(std::size_t model, std::size_t request_class, std::uint64_t request,
                     std::uint64_t answer, fare::Duration at) const;

 private:
  const QualityModel& model_;
  fare::RandomKey difficulty_;
  fare::RandomKey quality_;
};

// The real outcomes of labelled prompts in place of a model: each request is one row of its class,
// the same for every target.
class OutcomeQuality {
 public:
  // `data` must outlive it.  `request_class` as in data.classes; with no class, any row will do.
  OutcomeQuality(const fare::OutcomeData& data, std::uint64_t seed, std::uint32_t replication);

  // The row that the request is; nothing if the class has none.  O(1).
  std::optional<std::size_t> row(std::optional<std::uint32_t> request_class,
                                 std::uint64_t request) const;

  // What the target came to on that row, its quality for a probability; nothing if that was not
  // recorded, which is not the same as bad.
  std::optional<AnswerQuality> draw(std::size_t row, std::size_t target,
                                    std::uint64_t answer) const;

 private:
  const fare::OutcomeData& data_;
  std::vector<std::vector<std::size_t>> rows_;  // By class, then all.
  fare::RandomKey difficulty_;
  fare::RandomKey quality_;
};

// Reads, for the classes of the traffic (anything wrong is recorded with its place):
//   {"classes": {"simple": {"mean": -1, "sd": 0.8, "discrimination": 1.2}, ...},
//    "injected_share": 0.01,
//    "models": [{"model": "cheap", "skill": 2 | {"simple": 2.5, "complex": 0.3},
//                "hallucination_rate": 0.03, "injection_rate": 0.2,
//                "degrades": {"after_s": 86400, "skill_loss": 0.8, "hallucination_rate": 0.06}}]}
std::optional<QualityModel> read_quality(const fare::JsonNode& node,
                                         const std::vector<std::string>& classes);

}  // namespace routesim
