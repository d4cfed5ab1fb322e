// Goal: scores are the same to the last bit, whatever the number of outputs.
// Method: the plain double loop, in the order of the features.

#include "choice/score_text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace fare {
namespace {

ChoiceTables make_tables(std::size_t outputs) {
  ChoiceTables tables;
  tables.transform.bits = {8, 9};
  RandomStream stream(RandomKey(5, 0, Purpose::kTest), outputs);
  const auto draw = [&stream] { return static_cast<float>(stream.uniform() * 2 - 1); };
  tables.outputs = outputs;
  tables.transform.idf.resize(tables.transform.word_buckets() +
                              tables.transform.character_buckets());
  for (float& idf : tables.transform.idf) idf = 1 + draw() * draw();
  for (std::size_t i = 0; i < tables.transform.columns() * outputs; ++i) {
    tables.weights.push_back(draw());
  }
  for (std::size_t i = 0; i < outputs; ++i) tables.bias.push_back(static_cast<double>(draw()));
  tables.pack();
  return tables;
}

std::vector<double> slow_scores(const ChoiceTables& tables, const TextFeatures& features,
                                std::span<const float> hand) {
  std::vector<double> scores = tables.bias;
  const std::size_t outputs = tables.outputs;
  const auto weight = [&](std::size_t feature, std::size_t output) {
    return static_cast<double>(tables.weights[feature * outputs + output]);
  };
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    const float value = hand[i] * static_cast<float>(tables.transform.hand_scale);
    for (std::size_t k = 0; k < outputs; ++k) {
      scores[k] += static_cast<double>(value) * weight(i, k);
    }
  }
  const auto add = [&](std::span<const GramCount> grams, std::size_t offset, double scale) {
    std::vector<double> block(outputs, 0);
    double square = 0;
    for (const GramCount& gram : grams) {
      const auto value = static_cast<double>(tables.transform.gram_value(gram, offset));
      square += value * value;
      for (std::size_t k = 0; k < outputs; ++k) {
        block[k] += value * weight(kHandFeatures + offset + gram.bucket, k);
      }
    }
    if (square == 0) return;
    const double factor = scale / std::sqrt(square);
    for (std::size_t k = 0; k < outputs; ++k) scores[k] += factor * block[k];
  };
  add(features.words, 0, tables.transform.word_scale);
  add(features.characters, tables.transform.word_buckets(), tables.transform.character_scale);
  return scores;
}

TEST(ScoreTextTest, IsThePlainSum) {
  for (std::size_t outputs = 1; outputs <= 19; ++outputs) {
    const ChoiceTables tables = make_tables(outputs);
    TextReader reader(tables.transform.bits);
    TextScore score;
    for (const char* prompt :
         {"", "Prove that 17 is prime, or that it is not a prime at all.", "a"}) {
      const TextFeatures features = reader.read(prompt);
      std::vector<float> hand(kHandFeatures);
      for (std::size_t i = 0; i < kHandFeatures; ++i) {
        hand[i] = tables.transform.standard_hand(features, i) + features.hand[i];
      }
      score_text(tables, features, hand, score);
      EXPECT_EQ(score.scores, slow_scores(tables, features, hand)) << outputs << " " << prompt;
      const double factor = tables.transform.block_factor(features.words, 0, 1);
      EXPECT_EQ(score.word_square > 0 ? 1 / std::sqrt(score.word_square) : 0, factor);
    }
  }
}

}  // namespace
}  // namespace fare
