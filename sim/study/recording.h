#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "base/json_reader.h"  // JsonNode.
#include "fare/expected.h"     // Expected.
#include "fare/time.h"         // Duration.
#include "traffic/traffic.h"   // TrafficModel.

namespace routesim {

// A file of recorded traffic, and how it is taken.
struct Recording {
  std::string path;
  // A TraceFormat's name: times and lengths alone (with_trace()).  Or "servegen": clients, whose
  // arrivals are drawn anew (with_clients()).  Or "claude-code", "mooncake-prompts",
  // "ragpulse-prompts": calls with the blocks of their prompts, by session if the format has them
  // (with_prompts()).
  std::string format = "auto";
  bool open_loop = false;                            // Of "claude-code": see RecordedSessions.
  std::int64_t block_tokens = 512;                   // Of "mooncake-prompts": see PromptOptions.
  fare::Duration window = std::chrono::minutes(10);  // Of "servegen": see ClientMixOptions.
};

// Reads a scenario's "recording":
//   {"file": "trace.jsonl.gz", "format": "claude-code", "open_loop": true}
//   {"file": "trace.jsonl.gz", "format": "mooncake-prompts", "block_tokens": 512}
//   {"file": "clients.csv", "format": "servegen", "window_seconds": 600}
// The format is "auto" if it is not written; what belongs to another format is an error.  Anything
// wrong is recorded in the node's Problems.
std::optional<Recording> read_recording(const fare::JsonNode& node);

// Reads the file and puts it in the place of what the model has of it.  Errors: a format that there
// is not; everything wrong in the file (of "servegen" every bad line; of a trace, few are skipped
// and kept in it); a class or too many tenants, as the model's functions say.
[[nodiscard]] fare::Expected<TrafficModel> with_recording(TrafficModel model,
                                                          const Recording& recording);

}  // namespace routesim
