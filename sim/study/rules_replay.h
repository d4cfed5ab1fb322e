#pragma once

#include <array>        // std::array.
#include <cstdint>      // std::int64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/cache_rules.h"      // CacheChoice.
#include "fare/prompt_cache.h"     // CacheBill.
#include "study/cache_replay.h"    // BlockReplay.
#include "traffic/prompt_trace.h"  // PromptTrace.

namespace routesim {

// One line of what a trace's input costs, in multiples of the input price.
struct CacheCostLine {
  std::string meter;  // "cache_read", "cache_write_5m", "input".
  std::int64_t tokens = 0;
  std::int64_t price_ppm = 0;  // Millionths of the input price.
};

// What a vendor's rules made of a trace.
struct RulesReplay {
  BlockReplay blocks;           // Hits and their rates.
  std::uint64_t calls_hit = 0;  // Calls that read anything.
  std::int64_t read_tokens = 0;
  std::int64_t new_tokens = 0;      // The rest of the input.
  std::int64_t limited_tokens = 0;  // What counts toward a limit of input tokens a minute.
  std::vector<CacheCostLine> lines;
  double multiple = 1;  // What the input costs, of what it would cost without a cache.
};

struct RulesReplayOptions {
  fare::CacheChoice choice;
  bool second_half = false;
  double life = 0;  // Where between the vendor's shortest and longest life entries live: 0 to 1.
};

// Sends a trace through fare::PromptCache, each session through one of its own.
//
// What the traces do not tell is assumed, and assumptions() says it: a prompt can be read from its
// recorded first token on, else from its answer but at most 2.5 s after its start, else 2 s after;
// what stands behind the last whole block is plain input; and where positions end.
[[nodiscard]] RulesReplay replay_rules(const PromptTrace& trace, const RulesReplayOptions& options);

// Sends it through PromptHistory instead: the simplified model that vendors are compared with.
// Sub-agents share their session's prompts and bring their own clocks, hits of fewer than 16 blocks
// are none, and all that is not read costs the lifetime's price of writing.
// REQUIRES: why_not_simplified() is empty.
[[nodiscard]] RulesReplay replay_simplified(const PromptTrace& trace,
                                            const RulesReplayOptions& options);

// Why the simplified model has no answer for it; empty if it has.
[[nodiscard]] std::string why_not_simplified(const PromptTrace& trace,
                                             const fare::CacheRules& rules);

// What replay_rules() or, if `simplified`, replay_simplified() takes for granted, a sentence each.
[[nodiscard]] std::vector<std::string> assumptions(const PromptTrace& trace,
                                                   const fare::CacheChoice& choice,
                                                   bool simplified);

// The sum of tokens times price of all lines over the tokens, exactly rounded once.
[[nodiscard]] double cost_multiple(const std::vector<CacheCostLine>& lines);

}  // namespace routesim
