#pragma once

#include <optional>  // std::optional.

#include "base/json_node.h"        // JsonNode.
#include "engine/distribution.h"   // Distribution.
#include "fare/tokens.h"           // Tokens.
#include "traffic/prompt_trace.h"  // PromptTrace.

namespace routesim {

// Turns that hand parts of their work to sub-agents: copies of the session as it stands, each told
// its own task, which work side by side.  When the last one is done, their last answers join the
// session's context.
struct SubAgentModel {
  double turn_share = 0;                           // Of the turns; 0 to 1.
  Distribution count = Distribution::constant(1);  // Of such a turn; at most 64.
  Distribution turns = Distribution::constant(1);  // Of each; at most 1,000.
  Distribution pause_seconds;                      // Between an answer and its next turn.
};

// What follows once a session has begun: somebody asks, reads the answer, thinks, and asks again,
// each time with all that was said before.  A value.  Counts are rounded up to whole numbers.
struct SessionModel {
  Distribution turns = Distribution::constant(1);  // At least 1, at most 1,000.
  Distribution think_seconds;                      // From an answer to the next turn.
  // A prompt is the system's text, what was said so far, and the new text of the turn, whose
  // length is that of the class's (or the model's) input tokens; the answer's is drawn as ever.
  fare::Tokens system_tokens{0};  // The same text in all sessions of a class.
  fare::Tokens block_tokens{64};  // What a block of the prompt stands for; only whole ones count.
  fare::Tokens context_max{200'000};  // A session ends before a prompt that would be longer.  At
                                      // most 65,535 blocks.
  std::optional<fare::Tokens> max_output;  // What a request allows its answer.
  std::optional<SubAgentModel> agents;
};

// Sessions as they were recorded.
struct RecordedSessions {
  PromptTrace trace;
  // Of kClaudeCode: whether a call comes when it came, whatever the answers do; else it comes its
  // think time after the answer before it.
  bool open_loop = false;
};

// Reads a traffic's "sessions":
//   {"turns": DISTRIBUTION, "think_seconds": DISTRIBUTION, "system_tokens": 3000,
//    "block_tokens": 64, "context_max_tokens": 200000, "max_output_tokens": 4096,
//    "sub_agents": {"turn_share": 0.1, "count": DISTRIBUTION, "turns": DISTRIBUTION,
//                   "pause_seconds": DISTRIBUTION}}
// "turns" and "think_seconds" are needed.  Anything wrong is recorded in the node's Problems.
std::optional<SessionModel> read_sessions(const fare::JsonNode& node);

}  // namespace routesim
