#pragma once

#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/time.h"    // Duration.
#include "fare/tokens.h"  // Tokens.

namespace fare {

// When budgets are forecast to run out early: the burn rate of the window so far, weighed by age,
// against the time that is left.
struct ForecastTrigger {
  // Steps down by forecast once what will be spent at the window's end is above this share of the
  // limit, and back up once it is below the other: hysteresis, so that it does not flap.
  std::uint32_t down_percent = 100;               // 1 to 1000.
  std::uint32_t up_percent = 90;                  // Below down_percent.
  Duration half_life = std::chrono::minutes(30);  // Of what was spent, for the burn rate.
  Duration step_time = std::chrono::minutes(5);   // From one step down or up to the next.
};

enum class DegradeKind : std::uint8_t {
  kShortenInput,  // Keep at most `tokens` of the input; the gateway drops the oldest.
  kCapOutput,     // At most `tokens` of output.
  kCandidates,    // Other candidates: cheaper or faster ones.
  kCachedAnswer,  // The gateway's own answer, if it has one of the very scope.
  kDefer,         // Candidates of a batch tier, later.
};

// One rung of a rule's ladder.  Steps are cumulative: the third one holds together with the first
// two.  The rule's quality floor holds on every rung.
struct DegradeStep {
  std::string name;
  DegradeKind kind = DegradeKind::kCapOutput;
  bool on_refusal = true;    // Tried when money or rate limits refuse the rung above.
  bool on_forecast = false;  // Taken while the forecast says so.
  Tokens tokens;
  std::vector<std::uint16_t> candidates;  // Target indices.
  double quality_loss = 0;  // kShortenInput, kCapOutput: what it takes off every predicted quality.
};

}  // namespace fare
