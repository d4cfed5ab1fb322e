#pragma once

#include <memory>       // std::shared_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.

namespace fare {

struct PolicyData;  // What a policy holds inside.

// Which targets may serve which requests, and what decides between them: an immutable value.
//
//   {"format": "fare-policy/1",
//    "name": "tiered",
//    "expected_output_tokens": 200,
//    "classes": [{"name": "simple", "expected_output_tokens": 120}, {"name": "complex"}],
//    "targets": [{"name": "haiku", "provider": "anthropic", "model": "claude-haiku-4-5",
//                 "capabilities": ["tools"],
//                 "quality": {"simple": 0.93, "complex": 0.71},
//                 "latency": {"first_token_ms": 600, "ms_per_output_token": 9}}],
//    "rules": [{"name": "legal", "when": {"class": ["complex"], "tags": {"team": "legal"}},
//               "candidates": ["opus"], "fallback": ["gpt"], "quality_floor": 0.8,
//               "latency_bound_ms": 20000, "objective": "min_cost"}]}
//
// "expected_output_tokens" is what a request is expected to write if it does not say itself: of its
// class, or of the whole policy.  The first rule whose `when` holds decides; a rule without `when`
// holds always and must be the last.  Candidates compete: those that satisfy floor, bound, context
// and capabilities are ordered by the objective.  Fallbacks follow the winner in the order given,
// if they satisfy the same.
class Policy {
 public:
  // Reads a policy; `file` stands for it in messages.  Errors: everything wrong, each with its
  // place.
  [[nodiscard]] static Expected<Policy> parse(std::string_view file, std::string_view text);

  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] std::string_view file() const;
  [[nodiscard]] std::vector<std::string_view> class_names() const;

  // Identifies the content: 128-bit XXH3 of the JSON without its white space, keys sorted.
  [[nodiscard]] std::string_view hash() const;

  const PolicyData& data() const { return *data_; }  // For the library itself.

 private:
  explicit Policy(std::shared_ptr<const PolicyData> data) : data_(std::move(data)) {}

  std::shared_ptr<const PolicyData> data_;
};

}  // namespace fare
