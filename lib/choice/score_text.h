#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "choice/choice_tables.h"  // ChoiceTables.

namespace fare {

// Memory of a score, to be used again.
struct TextScore {
  std::vector<double> scores;  // By output.
  std::vector<double> block;   // What one block of grams adds to them, before scaling.
  double word_square = 0;      // The squared length of the word block, before scaling.
};

// The scores of a text: the hot loop of a decision.  Sums in the order of the features, whatever
// the number of outputs, so that a score is the same to the last bit wherever it is computed.
// `hand`: TextTransform::standard_hand() of all hand features.  REQUIRES: tables of a text model.
void score_text(const ChoiceTables& tables, const TextFeatures& features,
                std::span<const float> hand, TextScore& score);

}  // namespace fare
