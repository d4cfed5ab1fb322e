#pragma once

#include <cstdint>                // std::uint64_t.
#include <nlohmann/json_fwd.hpp>  // nlohmann::ordered_json.
#include <vector>                 // std::vector.

#include "study/traffic_fit.h"     // LengthFit, SessionFit, TrafficFitOptions.
#include "traffic/prompt_trace.h"  // PromptTrace.
#include "traffic/trace.h"         // Trace.

namespace routesim {

// A recording taken apart as a SessionModel puts sessions together.  Times in seconds.
struct SessionSample {
  std::vector<double> turns;          // Of each session itself,
  std::vector<double> first_tokens;   // with the prompt of its first turn.
  std::vector<double> new_tokens;     // What later turns add to all that was said before; at least
                                      // 1, as the source has it.
  std::vector<double> output_tokens;  // Of all calls, and
  std::vector<double> input_tokens;   // so the prompts, whole.
  std::vector<double> think_seconds;
  std::vector<double> size_shares;  // Of rewritten prompts: see RewriteModel.
  std::vector<double> kept_shares;
  std::vector<double> rewritten;       // With what was said before, in tokens, and
  std::vector<double> said;            // the same of all turns but first ones, sub-agents' too.
  std::vector<double> agents;          // Of each turn that hands out work.
  std::vector<double> agent_turns;     // Of each sub-agent.
  std::vector<double> agent_contexts;  // Its first prompt, less the new text.
  std::vector<double> agent_pauses;
  // Of the vectors of these names.
  std::vector<Cut> new_token_cuts, size_cuts, kept_cuts, context_cuts;
  double agent_kept = 0;  // Mean share of the first prompt that is the session's.
  std::int64_t block_tokens = 0;
  std::int64_t input_max = 0;
};

// A later turn is a rewrite if, with `by_blocks`, more than two blocks of the prompt before are not
// in it as they were; else if it is no longer than all that was said before.
SessionSample sample_sessions(const PromptTrace& trace, bool by_blocks);

// The same for rows with sessions.  Times to think are then from request to request: the answer's
// time is in them.  A row without a session is one of its own.
SessionSample sample_sessions(const Trace& trace);

// Whether some session has a second turn, and all is within what a SessionModel may be.
bool can_be_source(const SessionSample& sample);

// What of the longest prompt a source cannot have.
std::optional<Cut> context_cut(const SessionSample& sample);

// A scenario's "sessions"; each part's law is added to the fits.  REQUIRES: can_be_source().
nlohmann::ordered_json fit_sessions(const SessionSample& sample, const TrafficFitOptions& options,
                                    std::vector<LengthFit>& fits);

// How near two samples are: the parts' means and distances, in the order of the parts.
std::vector<SessionPart> compare_samples(const SessionSample& recorded,
                                         const SessionSample& played);

// The share of the prompts' tokens that a cache without limits would have had, by whole blocks.
double reuse_of(const PromptTrace& trace);

}  // namespace routesim
