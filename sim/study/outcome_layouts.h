#pragma once

#include <cstdint>      // std::uint64_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.

namespace routesim {

// Public data sets of labelled prompts, as they are laid out where they were published.
enum class OutcomeLayout {
  kRouteLlm,     // A folder with responses/*.csv (prompt and right or wrong by model) and
                 // contaminated_prompts.jsonl, whose prompts are left out.  Group: the subject.
  kRouterBench,  // A folder of NAME_train.csv.gz and NAME_test.csv.gz with the quality, answer and
                 // dollars of every model.  Group: the benchmark.  The split is the files'.
  kTiers,        // A folder with train.jsonl and dev.jsonl: prompt, expected_tier, lang.  Group:
                 // the language.  The split is the files'.
};

// Reads "routellm", "routerbench", "tiers".
[[nodiscard]] fare::Expected<OutcomeLayout> parse_outcome_layout(std::string_view name);

struct ConvertOptions {
  OutcomeLayout layout = OutcomeLayout::kRouteLlm;
  // Where the layout has no split: how many prompts to learn from, drawn by the seed; prompts that
  // ask the same stay together.  Below 1 a share; 0: no split.
  double train = 0;
  std::uint64_t seed = 0;
};

struct Converted {
  std::string lines;  // JSON lines, as fare::parse_outcomes() reads them.
  std::size_t rows = 0;
  std::vector<std::string> notes;  // What was left out, and why.
};

// Errors: files that are missing or are not of the layout; `train` where the layout has a split.
[[nodiscard]] fare::Expected<Converted> convert_outcomes(const std::string& folder,
                                                         const ConvertOptions& options);

}  // namespace routesim
