#pragma once

#include <chrono>       // std::chrono::minutes.
#include <cstdint>      // std::uint32_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"         // Expected.
#include "fare/time.h"             // Duration.
#include "fare/tokens.h"           // Tokens.
#include "traffic/prompt_trace.h"  // kUnrecorded.

namespace routesim {

enum class LatencyFormat : std::uint8_t {
  kVllm,  // JSON lines: input_toks, output_toks, queued_ts, first_token_ts, last_token_ts (s).
  kClaudeCode,  // As PromptFormat::kClaudeCode: api_time, and ttft where it is recorded.
  kCsv,         // A header: input_tokens,output_tokens,total_ms[,first_token_ms][,seconds][,model]
                // [,session][,cached_tokens], in any order; no quotes.
};

// "vllm", "claude-code", "csv".
[[nodiscard]] std::string_view to_string(LatencyFormat format);
[[nodiscard]] fare::Expected<LatencyFormat> parse_latency_format(std::string_view name);

// One measured request.
struct LatencyRow {
  fare::Duration at{};  // When it was sent, since the first row; of kClaudeCode since its session.
  fare::Tokens input;   // At least 1.
  fare::Tokens cached{};  // Of it: read from a prompt cache, or of kClaudeCode reckoned to be.
  fare::Tokens output;    // At least 1.
  fare::Duration first_token = kUnrecorded;  // Both from `at`.
  fare::Duration total{};                    // At least first_token.
  std::uint32_t model = 0;                   // Indices of the names below.
  std::uint32_t session = 0;
};

struct LatencyRows {
  std::string name;  // The path they came from.
  LatencyFormat format{};
  std::vector<LatencyRow> rows;       // Never empty.  Ascending by `at` within each session.
  std::vector<std::string> models;    // Never empty; one without a name is "".
  std::vector<std::string> sessions;  // In the order of the file; one without a name is "".
  bool has_cached = false;            // Else nothing is known of caches, and all `cached` are 0.
  std::size_t passed_over = 0;        // Calls of kClaudeCode without a time or without output.
  // Calls of kClaudeCode that an earlier session has too, alike to the last digit of every time.
  // Such sessions are logs of one session, copied as it went on: what they share is one row, and
  // all of their rows are of the first of them.  Names of the others stay, without rows.
  std::size_t repeated = 0;
};

inline constexpr fare::Duration kCacheLife = std::chrono::minutes(5);

// Reads a file, plain or gzip.  Errors: whatever is wrong with the file, and all lines that are not
// as the format has them, up to a hundred, each "path:line": a key or column that is missing,
// unknown or doubled; a count that is no whole number from 1; a time that is no number of its range
// (seconds below 9e6, milliseconds below 9e9), or before the one it follows; more cached input than
// input; no row at all.
//
// kClaudeCode does not record what a cache gave.  It is reckoned to be the longest prefix, of 16
// blocks or more, that a call shares with one of the 60 calls before it of its session and model,
// used at most kCacheLife before and readable two seconds after it began.
[[nodiscard]] fare::Expected<LatencyRows> read_latency_rows(const std::string& path,
                                                            LatencyFormat format);

// The same for a text in memory; `name` stands in for the path.
[[nodiscard]] fare::Expected<LatencyRows> parse_latency_rows(std::string name,
                                                             std::string_view bytes,
                                                             LatencyFormat format);

}  // namespace routesim
