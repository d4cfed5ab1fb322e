#pragma once

#include <optional>  // std::optional.
#include <string>    // std::string.

#include "study/cache_replay.h"    // BlockReplay.
#include "study/rules_replay.h"    // RulesReplay.
#include "traffic/prompt_trace.h"  // PromptTrace.

namespace routesim {

// What a vendor's rules were asked, and what came of it.
struct RulesAnswer {
  std::string name;  // As asked: "anthropic-5m".
  RulesReplayOptions options;
  bool simplified = false;
  RulesReplay replay;                  // For the shortest life of entries,
  std::optional<RulesReplay> longest;  // and for the longest, where the vendor leaves it open.
};

// JSON for programs, and text of at most 80 columns for people, the answer first.
std::string to_json(const PromptTrace& trace, const BlockReplayOptions& options,
                    const BlockReplay& replay);
std::string to_text(const PromptTrace& trace, const BlockReplayOptions& options,
                    const BlockReplay& replay);
std::string to_json(const PromptTrace& trace, const RulesAnswer& answer);
std::string to_text(const PromptTrace& trace, const RulesAnswer& answer);

}  // namespace routesim
