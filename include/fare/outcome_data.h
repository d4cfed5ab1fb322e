#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <limits>       // std::numeric_limits.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/money.h"     // Cost.

namespace fare {

// What one target came to on one prompt.
struct TargetOutcome {
  float quality = 0;                // In [0, 1]; 1 is right or as good as can be.
  std::optional<Cost> cost;         // Never negative.
  std::optional<float> latency_ms;  // In [0, 1e9].
  std::string answer;               // Empty if not recorded.
};

inline constexpr std::uint32_t kNoIndex = std::numeric_limits<std::uint32_t>::max();

// One labelled prompt.
struct OutcomeRow {
  std::string id;
  std::string prompt;
  std::string hash;                                    // prompt_hash(prompt).
  std::uint32_t line = 0;                              // Of the file, from 1.
  std::uint32_t group = kNoIndex;                      // Index into OutcomeData::groups, if given.
  std::uint32_t prompt_class = kNoIndex;               // Index into OutcomeData::classes, if given.
  bool test = false;                                   // Of the split "test": never learnt from.
  std::vector<std::optional<TargetOutcome>> outcomes;  // By target; as many as there are targets.
  std::vector<float> embedding;                        // Empty if not given.
};

// Labelled outcomes of many prompts.
struct OutcomeData {
  std::string name;                  // The path it came from.
  std::string hash;                  // Of the whole text: 128-bit XXH3, 32 hexadecimal digits.
  std::vector<std::string> targets;  // Sorted by name, as are the groups.
  std::vector<std::string> groups;
  std::vector<std::string> classes;  // In order of first appearance, or as the rules say.
  std::size_t dimensions = 0;        // Of the embeddings; 0 if there are none.
  bool has_split = false;            // Whether the rows say "train" or "test".
  std::vector<OutcomeRow> rows;      // Never empty.
};

// What the names in a file may be; empty: any.
struct OutcomeNames {
  std::vector<std::string> targets;
  std::vector<std::string> classes;  // In their order, from the simplest.
};

// Reads JSON lines, one prompt each; blank lines are skipped:
//   {"id": "m-1", "prompt": "...", "outcomes": {"cheap": {"quality": 0.5, "cost_usd": "0.0012",
//    "latency_ms": 812, "answer": "..."}}, "group": "law", "split": "train", "class": "simple",
//    "embedding": [0.1, ...]}
// `id` and `prompt` are required, and `outcomes` or `class`; everything else may be missing.
// Errors, all at once (up to a hundred), each with its line: what is not such an object; a quality
// outside [0, 1]; a name that is not allowed; an id that stands twice; a split other than train and
// test, or on some rows only; an embedding of another length than the first; a prompt of the test
// split that asks the same as one of the training split (by prompt_hash); a file without rows.
[[nodiscard]] Expected<OutcomeData> parse_outcomes(std::string name, std::string_view text,
                                                   const OutcomeNames& names);

}  // namespace fare
