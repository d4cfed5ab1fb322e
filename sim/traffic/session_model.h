#pragma once

#include <optional>  // std::optional.
#include <vector>    // std::vector.

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
  // What each begins with instead of a copy of the session, a text of its own; at least 1 token.
  std::optional<Distribution> context_tokens;
};

// Turns whose prompt does not go on from what was said before: it was cut, summed up or edited.
struct RewriteModel {
  fare::Tokens up_to = fare::kTokensMax;  // Of what was said before, for these shares to hold.
  double turn_share = 0;                  // Of the turns after the first; 0 to 1.
  // What is left of all that was said, as a share of its length, 0 to 100, before the new text, and
  // how much of that is as it was, from its start on (what a prompt cache can still read), 0 to 1.
  Distribution size_share = Distribution::constant(1);
  Distribution kept_share = Distribution::constant(0);
};

struct TurnsByPrompt {
  fare::Tokens up_to = fare::kTokensMax;  // Of the first prompt's own text.
  Distribution turns = Distribution::constant(1);
};

// What follows once a session has begun: somebody asks, reads the answer, thinks, and asks again,
// each time with all that was said before.  A value.  Counts are rounded up to whole numbers.
struct SessionModel {
  Distribution turns = Distribution::constant(1);  // At least 1, at most 1,000.
  // Instead, by the length of a session's first prompt: those that begin long are often short.
  std::vector<TurnsByPrompt> turns_by_prompt;  // Ascending by `up_to`, the last one without.
  Distribution think_seconds;                  // From an answer to the next turn.
  // A prompt is the system's text, what was said so far, and the new text of the turn, whose
  // length is that of the class's (or the model's) input tokens; the answer's is drawn as ever.
  std::optional<Distribution> new_tokens;  // Instead, of all turns but a session's first.
  fare::Tokens system_tokens{0};           // The same text in all sessions of a class.
  fare::Tokens block_tokens{64};  // What a block of the prompt stands for; only whole ones count.
  fare::Tokens context_max{200'000};  // A session ends before a prompt that would be longer.  At
                                      // most 65,535 blocks.
  std::optional<fare::Tokens> max_output;  // What a request allows its answer.
  std::optional<SubAgentModel> agents;
  std::vector<RewriteModel> rewrites;  // Ascending by `up_to`, the last one without.
};

// Sessions as they were recorded.
struct RecordedSessions {
  PromptTrace trace;
  // Of kClaudeCode: whether a call comes when it came, whatever the answers do; else it comes its
  // think time after the answer before it.
  bool open_loop = false;
};

// Reads a traffic's "sessions":
//   {"turns": DISTRIBUTION, "think_seconds": DISTRIBUTION, "new_tokens": DISTRIBUTION,
//    "system_tokens": 3000,
//    "block_tokens": 64, "context_max_tokens": 200000, "max_output_tokens": 4096,
//    "sub_agents": {"turn_share": 0.1, "count": DISTRIBUTION, "turns": DISTRIBUTION,
//                   "pause_seconds": DISTRIBUTION, "context_tokens": DISTRIBUTION},
//    "turns_by_prompt": [{"up_to_tokens": 20000, "turns": DISTRIBUTION}, {"turns": DISTRIBUTION}],
//    "rewrites": [{"up_to_tokens": 150000, "turn_share": 0.02, "size_share": DISTRIBUTION,
//                  "kept_share": DISTRIBUTION}, {"turn_share": 0.07}]}
// "turns" and "think_seconds" are needed; in lists all but the last have "up_to_tokens", rising.  A
// session may hand out at most 1,023 times: the number of its sub-agents, six standard deviations
// above their mean, must not be more.  Anything wrong is recorded in the node's Problems.
std::optional<SessionModel> read_sessions(const fare::JsonNode& node);

}  // namespace routesim
