#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/time.h"      // Duration.
#include "fare/tokens.h"    // Tokens.

namespace routesim {

enum class TraceFormat {
  kAuto,       // By the first line.
  kAzure,      // CSV: TIMESTAMP,ContextTokens,GeneratedTokens (Azure LLM inference, 2023 and 2024).
  kMooncake,   // JSON lines: timestamp (ms), input_length, output_length, hash_ids.
  kPlain,      // CSV with a header: seconds,input_tokens,output_tokens and, if they are there,
               // class,tenant,session, in any order.
  kJsonLines,  // JSON lines with the same keys.
  kRagPulse,   // JSON lines: timestamp (s), input_length, output_length, session_id, hash_ids.
  kBailian,    // JSON lines (Qwen-Bailian, 2025): chat_id, parent_chat_id, timestamp (s),
               // input_length, output_length, type, turn, hash_ids.  The type is the class.
  kBurstGpt,   // CSV (BurstGPT v1.2): Timestamp,Session ID,Elapsed time,Model,Request tokens,
               // Response tokens,Total tokens,Log Type.  The log type is the class.
};

// Reads "auto", "azure", "mooncake", "plain", "jsonl", "ragpulse", "bailian", "burstgpt".
[[nodiscard]] fare::Expected<TraceFormat> parse_trace_format(std::string_view name);

inline constexpr std::uint32_t kUnnamed = 0xffffffff;

// How many classes and tenants a trace or a traffic model may have, and how long their names are.
inline constexpr std::size_t kClassesMax = 1'000;
inline constexpr std::size_t kTenantsMax = 1'000'000;
inline constexpr std::size_t kSessionsMax = 100'000'000;
inline constexpr std::size_t kNameMax = 64;  // Bytes.

// One recorded request.
struct TraceRow {
  fare::Duration at{};                     // Since the first row; never negative.
  fare::Tokens input;                      // At least 1.
  fare::Tokens output;                     // At least 1.
  std::uint32_t request_class = kUnnamed;  // Index into Trace::classes, if the trace says.
  std::uint32_t tenant = kUnnamed;         // Index into Trace::tenants.
  std::uint32_t session = kUnnamed;        // Index into Trace::sessions.
};

// A whole trace in memory (40 bytes a row), ascending in time; rows of one instant keep the order
// of the file.
struct Trace {
  std::string name;  // The path it came from.
  TraceFormat format = TraceFormat::kAuto;
  std::vector<TraceRow> rows;        // Never empty.
  std::vector<std::string> classes;  // In order of first appearance.
  std::vector<std::string> tenants;
  std::vector<std::string>
      sessions;                  // Of kBailian every chat; rows name the first of each session.
  std::size_t lines = 0;         // Data lines seen (without header and blank lines).
  fare::Errors bad_lines;        // Skipped, each "path:line: what was wrong"; lines ==
                                 // rows.size() + bad_lines.size() + failures.
  std::size_t failures = 0;      // Of kBurstGpt: requests without an answer (0 response tokens).
                                 // Nobody knows how long one would have been, so they are skipped.
  std::size_t out_of_order = 0;  // Rows that were earlier than the row before; then sorted.
};

struct TraceOptions {
  TraceFormat format = TraceFormat::kAuto;
  std::size_t bad_lines_max = 100;  // One more bad line ends the reading with an error.
  // One more row ends it too, so that no file, however well packed, takes more than about 12 GB (a
  // growing vector holds three times its 40 bytes a row for a moment).
  std::size_t rows_max = 100'000'000;
};

// Reads a file, plain or gzip (by its magic bytes; several members may follow each other).
// Errors: a file that is missing, a folder or unreadable; gzip data that is damaged or ends early;
// a format that the first line does not show, or one of another reader, whose name is then told; a
// header with a column that is missing, unknown or doubled; more bad lines than allowed (the first
// ten of them are in the error); more rows than allowed; no good line at all.
// A line is bad if a field is missing or surplus, a length is no whole number of tokens from 1 to
// kTokensMax, the time is not readable, negative or beyond 9e9 seconds, a name is longer than
// kNameMax or one too many, the line is longer than 16 MiB, or is no valid UTF-8 JSON where JSON is
// due.  (A recorded 0 is bad: neither of the published traces we hold has one, and it is no request
// that could be replayed.)
// Seconds are decimal digits, exact to the nanosecond; digits beyond the ninth decimal are cut off.
// Azure times without an offset are UTC.  In plain CSV an empty class or tenant is unnamed.
// Besides the rows it holds at most 17 MiB, and for JSON some fifteen times the longest line.
[[nodiscard]] fare::Expected<Trace> read_trace(const std::string& path,
                                               const TraceOptions& options);

// The same from memory; `name` stands for the path in messages.  For tests and fuzzing.
[[nodiscard]] fare::Expected<Trace> parse_trace(std::string name, std::string_view bytes,
                                                const TraceOptions& options);

}  // namespace routesim
