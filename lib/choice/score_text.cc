#include "choice/score_text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fare {
namespace {

constexpr std::size_t kWidest = 8;  // Outputs whose sums the registers hold.

// Adds up the weights of the first N outputs, and returns the sum of squared values.
template <std::size_t N>
double add_outputs(const float* packed, std::size_t stride, std::span<const GramCount> grams,
                   double* block) {
  std::array<double, N> sum{};
  double square = 0;
  for (const GramCount& gram : grams) {
    const float* const row = packed + gram.bucket * stride;
    const auto value = static_cast<double>(gram_weight(gram.count) * row[0]);
    square += value * value;
    for (std::size_t i = 0; i < N; ++i) sum[i] += value * static_cast<double>(row[i + 1]);
  }
  std::copy(sum.begin(), sum.end(), block);
  return square;
}

// The same for the outputs behind the first kWidest.
void add_more_outputs(const float* packed, std::size_t stride, std::size_t first,
                      std::span<const GramCount> grams, std::span<double> block) {
  std::array<double, kWidest> sum{};
  for (const GramCount& gram : grams) {
    const float* const row = packed + gram.bucket * stride;
    const auto value = static_cast<double>(gram_weight(gram.count) * row[0]);
    for (std::size_t i = 0; i < block.size(); ++i) {
      sum[i] += value * static_cast<double>(row[first + i + 1]);
    }
  }
  std::copy_n(sum.begin(), block.size(), block.begin());
}

using AddOutputs = double (*)(const float*, std::size_t, std::span<const GramCount>, double*);
constexpr std::array<AddOutputs, kWidest> kAddOutputs = {
    add_outputs<1>, add_outputs<2>, add_outputs<3>, add_outputs<4>,
    add_outputs<5>, add_outputs<6>, add_outputs<7>, add_outputs<8>};

// Adds a block of grams to the scores, and returns its squared length before scaling.
double add_block(const ChoiceTables& tables, std::span<const GramCount> grams, std::size_t offset,
                 double scale, TextScore& score) {
  const std::size_t outputs = tables.outputs, stride = outputs + 1;
  const float* const packed = tables.packed.data() + offset * stride;
  const std::size_t head = std::min(outputs, kWidest);
  const double square = kAddOutputs[head - 1](packed, stride, grams, score.block.data());
  for (std::size_t first = head; first < outputs; first += kWidest) {
    const std::size_t count = std::min(kWidest, outputs - first);
    add_more_outputs(packed, stride, first, grams, std::span(score.block).subspan(first, count));
  }
  if (square == 0) return 0;
  const double factor = scale / std::sqrt(square);
  for (std::size_t i = 0; i < outputs; ++i) score.scores[i] += factor * score.block[i];
  return square;
}

}  // namespace

void score_text(const ChoiceTables& tables, const TextFeatures& features,
                std::span<const float> hand, TextScore& score) {
  const std::size_t outputs = tables.outputs;
  const TextTransform& transform = tables.transform;
  score.block.resize(outputs);
  score.scores.assign(tables.bias.begin(), tables.bias.end());
  const auto scale = static_cast<float>(transform.hand_scale);
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    const auto value = static_cast<double>(hand[i] * scale);
    const float* const row = tables.weights.data() + i * outputs;
    for (std::size_t k = 0; k < outputs; ++k)
      score.scores[k] += value * static_cast<double>(row[k]);
  }
  score.word_square = add_block(tables, features.words, 0, transform.word_scale, score);
  add_block(tables, features.characters, transform.word_buckets(), transform.character_scale,
            score);
}

}  // namespace fare
