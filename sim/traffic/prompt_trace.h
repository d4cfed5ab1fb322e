#pragma once

#include <cstdint>      // std::uint32_t.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/block_run.h"  // BlockList, BlockRun.
#include "fare/expected.h"   // Expected.
#include "fare/time.h"       // Duration.
#include "fare/tokens.h"     // Tokens.

namespace routesim {

// Traces that tell which prompts share a prefix, for studies of prompt caches.
enum class PromptFormat : std::uint8_t {
  kMooncake,    // JSON lines: timestamp (ms), input_length, output_length, hash_ids (one a block).
  kRagPulse,    // JSON lines: timestamp (s), input_length, output_length, hash_ids by group.
  kClaudeCode,  // JSON lines, one a session: requests with run-length lists of blocks.
};

// "mooncake", "ragpulse", "claude-code".
[[nodiscard]] std::string_view to_string(PromptFormat format);
[[nodiscard]] fare::Expected<PromptFormat> parse_prompt_format(std::string_view name);

inline constexpr fare::Duration kUnrecorded{-1};

// One recorded call.
struct PromptCall {
  fare::Duration at{};           // Since the start of the trace, for kClaudeCode of its session.
  fare::Duration recorded_at{};  // As written: a sub-agent's clock starts with the sub-agent.
  fare::Duration first_token = kUnrecorded;  // From the call's start, if recorded,
  fare::Duration answer = kUnrecorded;       // and the same for the whole answer.
  fare::Tokens input;
  fare::Tokens output;
  fare::Tokens block_tokens;  // What a block stands for; the last one may stand for less.
  fare::Tokens weight;        // What all blocks stand for, and what is no whole block: the measure
                              // of shares.  `input`, but for kRagPulse block_tokens * blocks.
  std::uint64_t first_run = 0;
  std::uint32_t runs = 0;
  std::uint32_t blocks = 0;
  std::uint32_t session = 0;       // Index into PromptTrace::sessions; 0 if there are none.
  std::uint32_t model = 0;         // Index into PromptTrace::models; 0 if there are none.
  fare::Duration think{};          // From the answer before to this call, as recorded; else 0.
  std::uint32_t agent = 0;         // 0: the session itself; else its sub-agents, as written.
  std::uint16_t input_items = 1;   // Content blocks the caller added, as far as recorded,
  std::uint16_t output_items = 1;  // and those of the answer.
};

// A whole trace in memory: about 140 bytes a call and 16 bytes a run of blocks.  Names of blocks
// are unique over the trace.
struct PromptTrace {
  std::string name;  // The path it came from.
  PromptFormat format{};
  std::vector<PromptCall> calls;  // Ascending by `at`, equals as written; of kClaudeCode session by
                                  // session as written.
  std::vector<fare::BlockRun> runs;
  std::vector<std::string> sessions;
  std::vector<std::string> models;
  std::uint64_t unique_blocks = 0;

  fare::BlockList blocks(const PromptCall& call) const {
    return std::span(runs).subspan(call.first_run, call.runs);
  }
};

struct PromptOptions {
  PromptFormat format{};
  std::int64_t block_tokens = 512;  // Of kMooncake, whose files do not say; in [1, 1e6].
};

// Reads a file, plain or gzip, line by line.  Errors: whatever is wrong with the file, and all
// lines that are not as their format has them, up to a hundred, each "path:line" with the value and
// the rule: a key that is missing or doubled; a number out of its range (input from 1 to
// kTokensMax, output from 0, names of blocks below 2^62); for kMooncake other than one id for every
// `block_tokens` of input; for kClaudeCode other than input / block_size blocks; a line of more
// than 16 MiB; no line at all.
[[nodiscard]] fare::Expected<PromptTrace> read_prompt_trace(const std::string& path,
                                                            const PromptOptions& options);

// The same for a text in memory; `name` stands in for the path.
[[nodiscard]] fare::Expected<PromptTrace> parse_prompt_trace(std::string name,
                                                             std::string_view bytes,
                                                             const PromptOptions& options);

}  // namespace routesim
