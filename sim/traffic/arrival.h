#pragma once

#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.

#include "fare/block_run.h"  // BlockList.
#include "fare/time.h"       // Duration.
#include "fare/tokens.h"     // Tokens.

namespace routesim {

// One request on its way in.
struct Arrival {
  // The entity of every later draw.  Without sessions 0, 1, 2 ... in order of time; with sessions
  // session * 2^20 + the call's place in it.  An asking again adds 2^52 for each.
  std::uint64_t index = 0;
  fare::Duration at{};              // Since the start of the run.
  std::uint32_t request_class = 0;  // Index into TrafficModel::classes.
  std::uint32_t tenant = 0;         // Index into TrafficModel::tenants.
  fare::Tokens input;               // At least 1: the whole prompt.
  fare::Tokens output;              // At least 1.

  // What SessionSource adds.
  std::uint64_t session = 0;       // 0, 1, 2 ... in order of their start.
  std::uint32_t turn = 0;          // Within the session, or within the sub-agent.
  std::uint32_t agent = 0;         // 0: the session itself; else one of its sub-agents.
  std::uint32_t slot = 0;          // Where the source keeps the session.
  std::uint16_t attempt = 0;       // 0: asked for the first time; else asked again,
  std::uint16_t escalations = 0;   // and how often of those because the answer was bad.
  fare::BlockList blocks = {};     // The prompt's whole blocks, if known; valid until the next
                                   // after() for this call.
  fare::Tokens block_tokens = {};  // What a block stands for; 0 without blocks.
  fare::Tokens before = {};  // Of the prompt: what a call of the session sent before; 0: none.
  std::optional<fare::Tokens> max_output = {};
  fare::Duration patience = fare::Duration::max();  // Whoever asked gives up after it, from `at`.
};

}  // namespace routesim
