#pragma once

#include <array>   // std::array.
#include <vector>  // std::vector.

#include "choice/sparse_rows.h"  // SparseRows.
#include "fare/text_features.h"  // TextFeatures.

namespace fare {

// How features become the columns of a matrix: kHandFeatures standardised hand features, then the
// word buckets, then the character buckets.  A gram's value is (1 + ln count) * idf; each of the
// two blocks of grams is scaled to a fixed length.
struct TextTransform {
  GramBits bits;
  double hand_scale = 0.07, word_scale = 1, character_scale = 1;
  std::array<float, kHandFeatures> mean{};
  std::array<float, kHandFeatures> factor{};  // 0 for a feature that never changed.
  std::vector<float> idf;                     // By bucket, words first.

  std::size_t word_buckets() const { return std::size_t{1} << bits.words; }
  std::size_t character_buckets() const { return std::size_t{1} << bits.characters; }
  std::size_t columns() const { return kHandFeatures + word_buckets() + character_buckets(); }

  float standard_hand(const TextFeatures& features, std::size_t i) const;  // Deviations, within 4.
  float hand_value(const TextFeatures& features, std::size_t i) const;
  float gram_value(const GramCount& gram, std::size_t offset) const;  // Before scaling.

  // What a block's values are multiplied by: scale / length; 0 for an empty block.
  double block_factor(std::span<const GramCount> grams, std::size_t offset, double scale) const;

  // Appends the row of a prompt, without its end; or its word block only, scaled to length 1.
  void append(const TextFeatures& features, std::vector<SparseRows::Entry>& row) const;
  void append_words(const TextFeatures& features, std::vector<SparseRows::Entry>& row) const;
  // The latter, where its block_factor() is known.
  void append_words(const TextFeatures& features, double times,
                    std::vector<SparseRows::Entry>& row) const;
};

// 1 + ln(count).  REQUIRES: count > 0.
inline constexpr std::size_t kGramWeights = 256;
extern const std::array<float, kGramWeights> kGramWeight;  // Of the counts below.
float large_gram_weight(std::uint32_t count);
inline float gram_weight(std::uint32_t count) {
  return count < kGramWeights ? kGramWeight[count] : large_gram_weight(count);
}

// Learns means, spreads and document frequencies; add() every training prompt once.
class TransformFitter {
 public:
  explicit TransformFitter(GramBits bits);
  void add(const TextFeatures& features);
  TextTransform finish() const;

 private:
  TextTransform transform_;
  std::size_t rows_ = 0;
  std::array<double, kHandFeatures> sum_{};
  std::array<double, kHandFeatures> square_{};
  std::vector<std::uint32_t> documents_;
};

}  // namespace fare
