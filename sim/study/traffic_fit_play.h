#pragma once

#include <cstdint>  // std::uint32_t, std::uint64_t.
#include <vector>   // std::vector.

#include "traffic/prompt_trace.h"  // PromptTrace.
#include "traffic/traffic.h"       // TrafficModel.

namespace routesim {

// The requests of a source, if each is answered at once and well, as a recording of sessions
// (PromptFormat::kClaudeCode): session by session, each in order of time.
struct Played {
  PromptTrace trace;
  std::vector<fare::Duration> at;  // Of all requests, since the start of their run; ascending.
};

// Of replications 0 to n - 1, one after the other.  With `with_blocks` the recording has the
// prompts' blocks, whose names are then unique.
Played play(const TrafficModel& model, std::uint64_t seed, std::uint32_t replications,
            bool with_blocks);

}  // namespace routesim
