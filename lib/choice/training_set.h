#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "choice/sparse_rows.h"     // SparseRows.
#include "choice/text_transform.h"  // TextTransform.
#include "fare/learn.h"             // LearnOptions.

namespace fare {

// The training rows of some outcomes as matrices.  Rows are numbered anew, from 0.
struct TrainingSet {
  static constexpr std::size_t kFolds = 5;

  std::vector<std::size_t> source;  // Row of the data.
  std::vector<std::string> targets;
  std::vector<std::vector<float>> quality;  // By target and row; NaN: unknown.
  std::vector<std::size_t> label;           // Class by row; only rows with one, if kind is tier.
  TextTransform transform;                  // Of the text, unless embeddings are read.
  std::size_t dimensions = 0;
  SparseRows x;
  SparseRows words;                  // Word blocks of length 1, for neighbours.
  std::vector<double> trend_inputs;  // By row, Trend::kInputs each.
  std::vector<std::uint64_t>
      shuffle;                    // A number by row from seed and prompt: sorts rows at random.
  std::vector<std::size_t> fold;  // By row; the same for prompts that ask the same.

  std::size_t rows() const { return source.size(); }
};

// `targets`: indices into data.targets.  `with_text` false: the embeddings.
TrainingSet make_training_set(const OutcomeData& data, std::vector<std::size_t> source,
                              const std::vector<std::size_t>& targets, const LearnOptions& options,
                              bool with_text);

}  // namespace fare
