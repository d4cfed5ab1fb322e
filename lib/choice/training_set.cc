#include "choice/training_set.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cmath>
#include <limits>

#include "choice/choice_tables.h"

namespace fare {
namespace {

// Embeddings have length 1, but hold far fewer numbers than text: this makes the same penalties
// fit.
constexpr float kEmbeddingScale = 3;

void add_text(const OutcomeData& data, const LearnOptions& options, TrainingSet& set) {
  TextReader reader(options.bits);
  TransformFitter fitter(options.bits);
  for (const std::size_t row : set.source) fitter.add(reader.read(data.rows[row].prompt));
  set.transform = fitter.finish();
  set.x.columns = set.words.columns = set.transform.columns();
  set.trend_inputs.resize(set.rows() * Trend::kInputs);
  for (std::size_t i = 0; i < set.rows(); ++i) {
    const std::string& prompt = data.rows[set.source[i]].prompt;
    const TextFeatures features = reader.read(prompt);
    set.transform.append(features, set.x.entries);
    set.x.end_row();
    set.transform.append_words(features, set.words.entries);
    set.words.end_row();
    trend_input(set.transform, features, prompt.size(),
                std::span(set.trend_inputs).subspan(i * Trend::kInputs, Trend::kInputs));
  }
}

void add_embeddings(const OutcomeData& data, TrainingSet& set) {
  set.dimensions = set.x.columns = data.dimensions;
  set.transform.bits = {8, 8};
  for (const std::size_t row : set.source) {
    const std::vector<float>& values = data.rows[row].embedding;
    double square = 0;
    for (const float value : values) square += static_cast<double>(value * value);
    const auto factor = static_cast<float>(square > 0 ? 1 / std::sqrt(square) : 0);
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      set.x.entries.push_back({i, values[i] * factor * kEmbeddingScale});
    }
    set.x.end_row();
  }
}

}  // namespace

TrainingSet make_training_set(const OutcomeData& data, std::vector<std::size_t> source,
                              const std::vector<std::size_t>& targets, const LearnOptions& options,
                              bool with_text) {
  TrainingSet set;
  set.source = std::move(source);
  for (const std::size_t target : targets) {
    set.targets.push_back(data.targets[target]);
    std::vector<float> quality;
    for (const std::size_t row : set.source) {
      const auto& outcome = data.rows[row].outcomes[target];
      quality.push_back(outcome ? outcome->quality : std::numeric_limits<float>::quiet_NaN());
    }
    set.quality.push_back(std::move(quality));
  }
  for (const std::size_t row : set.source) {
    const OutcomeRow& one = data.rows[row];
    set.label.push_back(one.prompt_class);
    set.shuffle.push_back(XXH3_64bits_withSeed(one.hash.data(), one.hash.size(), options.seed));
    set.fold.push_back(set.shuffle.back() % TrainingSet::kFolds);
  }
  if (with_text) {
    add_text(data, options, set);
  } else {
    add_embeddings(data, set);
  }
  return set;
}

}  // namespace fare
