#pragma once

#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <utility>      // std::pair.
#include <vector>       // std::vector.

#include "fare/expected.h"        // Expected.
#include "fare/money.h"           // Cost.
#include "fare/time.h"            // Instant.
#include "fare/tokens.h"          // Tokens.
#include "traffic/byte_source.h"  // ByteSource.

namespace routesim {

// One decision as it was logged, and what came of it.
struct DecisionRow {
  std::uint64_t line = 0;  // Of the file, from 1.
  std::string id;
  std::vector<std::uint32_t> candidates;  // Arms of the log, each once.
  std::vector<double> probabilities;      // Of the candidates; empty if not logged.
  std::uint32_t chosen = 0;               // An arm, one of the candidates.
  double propensity = 1;                  // In (0, 1].
  std::optional<double> reward;           // Either this,
  std::optional<double> quality;          // or this, in [0, 1].
  std::optional<fare::Cost> cost;         // Of what was chosen.
  // What was known of the request.
  std::optional<fare::Instant> at;
  std::string request_class;
  std::string prompt;
  std::vector<float> features;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> capabilities;
  std::optional<fare::Tokens> input, expected_output, max_output;
  std::optional<fare::Duration> latency_bound;
};

struct DecisionLog {
  std::string name;
  std::vector<std::string> arms;  // The targets that were candidates anywhere; sorted.
  std::vector<DecisionRow> rows;  // Never empty.
  bool has_reward = false;        // Every row has a reward; otherwise every row has a quality.
  bool has_cost = false;          // Every row has a cost.
  std::size_t dimensions = 0;     // Of the features of every row; 0: no row has any.
};

// Reads JSON lines, one decision each; blank lines are skipped:
//   {"id": "r-1", "candidates": ["haiku", "opus"], "chosen": "haiku", "propensity": 0.95,
//    "quality": 1, "cost_usd": "0.0012", "at": "2026-11-02T10:00:00Z", "class": "simple",
//    "prompt": "...", "features": [0.1, ...], "tags": {"team": "legal"},
//    "capabilities": ["tools"], "input_tokens": 812, "expected_output_tokens": 200,
//    "max_output_tokens": 1000, "latency_bound_ms": 20000,
//    "probabilities": {"haiku": 0.95, "opus": 0.05}}
// Required: id, candidates, chosen, propensity, and either "reward" or "quality", the same one on
// every row.  "cost_usd", "prompt" and "features" stand on every row or on none.  "probabilities"
// are those of all candidates: their sum is 1, and the chosen one's is the propensity.
//
// Errors, all at once (up to a hundred), each with its line: what is not such an object; a
// propensity that is missing, not above 0, or above 1; a choice that was no candidate; an id that
// stands twice; rows that differ in what they have; a log without rows.
[[nodiscard]] fare::Expected<DecisionLog> read_decision_log(std::string name, ByteSource source);

}  // namespace routesim
