#include "choice/text_transform.h"

#include <algorithm>
#include <cmath>

namespace fare {
namespace {

constexpr float kHandMax = 4;  // Standard deviations; more counts as this.
constexpr double kSpreadMin = 1e-6;

void append_block(const TextTransform& transform, std::span<const GramCount> grams,
                  std::size_t offset, double factor, std::vector<SparseRows::Entry>& row) {
  const std::size_t before = row.size();
  row.resize(before + grams.size());
  SparseRows::Entry* next = row.data() + before;
  const float* const idf = transform.idf.data() + offset;
  for (const GramCount& gram : grams) {
    const double value = static_cast<double>(gram_weight(gram.count) * idf[gram.bucket]) * factor;
    *next++ = {static_cast<std::uint32_t>(kHandFeatures + offset + gram.bucket),
               static_cast<float>(value)};
  }
}

}  // namespace

const std::array<float, kGramWeights> kGramWeight = [] {
  std::array<float, kGramWeights> values{};
  for (std::uint32_t i = 1; i < values.size(); ++i) values[i] = large_gram_weight(i);
  return values;
}();

float large_gram_weight(std::uint32_t count) {
  return static_cast<float>(1 + std::log(static_cast<double>(count)));
}

float TextTransform::standard_hand(const TextFeatures& features, std::size_t i) const {
  const float standard = (features.hand[i] - mean[i]) * factor[i];
  return std::clamp(standard, -kHandMax, kHandMax);
}

float TextTransform::hand_value(const TextFeatures& features, std::size_t i) const {
  return standard_hand(features, i) * static_cast<float>(hand_scale);
}

float TextTransform::gram_value(const GramCount& gram, std::size_t offset) const {
  return gram_weight(gram.count) * idf[offset + gram.bucket];
}

double TextTransform::block_factor(std::span<const GramCount> grams, std::size_t offset,
                                   double scale) const {
  double square = 0;
  for (const GramCount& gram : grams) {
    const auto value = static_cast<double>(gram_value(gram, offset));
    square += value * value;
  }
  return square > 0 ? scale / std::sqrt(square) : 0;
}

void TextTransform::append(const TextFeatures& features,
                           std::vector<SparseRows::Entry>& row) const {
  for (std::uint32_t i = 0; i < kHandFeatures; ++i) {
    const float value = hand_value(features, i);
    if (value != 0) row.push_back({i, value});
  }
  append_block(*this, features.words, 0, block_factor(features.words, 0, word_scale), row);
  const std::size_t offset = word_buckets();
  append_block(*this, features.characters, offset,
               block_factor(features.characters, offset, character_scale), row);
}

void TextTransform::append_words(const TextFeatures& features,
                                 std::vector<SparseRows::Entry>& row) const {
  append_words(features, block_factor(features.words, 0, 1), row);
}

void TextTransform::append_words(const TextFeatures& features, double times,
                                 std::vector<SparseRows::Entry>& row) const {
  append_block(*this, features.words, 0, times, row);
}

TransformFitter::TransformFitter(GramBits bits) {
  transform_.bits = bits;
  documents_.resize(transform_.word_buckets() + transform_.character_buckets());
}

void TransformFitter::add(const TextFeatures& features) {
  ++rows_;
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    const auto value = static_cast<double>(features.hand[i]);
    sum_[i] += value;
    square_[i] += value * value;
  }
  for (const GramCount& gram : features.words) ++documents_[gram.bucket];
  for (const GramCount& gram : features.characters) {
    ++documents_[transform_.word_buckets() + gram.bucket];
  }
}

TextTransform TransformFitter::finish() const {
  TextTransform transform = transform_;
  const double rows = std::max(1.0, static_cast<double>(rows_));
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    const double mean = sum_[i] / rows;
    const double spread = std::sqrt(std::max(0.0, square_[i] / rows - mean * mean));
    transform.mean[i] = static_cast<float>(mean);
    transform.factor[i] = spread > kSpreadMin ? static_cast<float>(1 / spread) : 0.0f;
  }
  transform.idf.resize(documents_.size());
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    transform.idf[i] =
        static_cast<float>(std::log((1 + rows) / (1 + static_cast<double>(documents_[i]))) + 1);
  }
  return transform;
}

}  // namespace fare
