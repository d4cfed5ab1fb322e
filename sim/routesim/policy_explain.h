#pragma once

#include <optional>  // std::optional.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

#include "fare/budget.h"      // BudgetConfig.
#include "fare/config.h"      // SpentBefore.
#include "fare/policy.h"      // Policy.
#include "fare/price_book.h"  // PriceBook.
#include "fare/router.h"      // Decision, Request.
#include "fare/time.h"        // Instant.

namespace routesim {

// A request as `policy explain` reads it: Request's views, with what they view.
struct AskedRequest {
  std::string request_class;
  std::vector<std::string> capabilities;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> scopes;
  std::string language;
  fare::Tokens input;
  std::optional<fare::Tokens> expected_output;
  std::optional<fare::Tokens> max_output;
  std::optional<fare::Duration> latency_bound;
  std::uint64_t session = 0;
};

// What else decides: when it is asked, and what stands in the books.
struct AskedState {
  fare::Instant now{};
  std::optional<fare::BudgetConfig> budgets;
  std::vector<fare::SpentBefore> spent;  // In the windows of `counted_at`.
  fare::Instant counted_at{};            // At or before `now`; prices must be known then too.
  // Targets whose vendor said "retry after", and until when: at most a day after `counted_at`.
  std::vector<std::pair<std::string, fare::Instant>> holds;
};

// Reads {"class", "input_tokens", "expected_output_tokens", "max_output_tokens", "capabilities",
// "tags", "scopes", "language", "latency_bound_ms", "session"}; only input_tokens is required.
[[nodiscard]] fare::Expected<AskedRequest> parse_request(const std::string& text);

// What to change for a candidate to fare better, and what would then become of it: found by
// deciding again with that change and nothing else.
struct WhatIf {
  std::string change;    // "quality_floor", "latency_bound_ms", "input_tokens", "at", ...
  std::string to;        // The value to change it to; JSON.
  std::string sentence;  // "floor 0.9 > 0.86; at 0.86 it would be chosen".
  std::string verdict;   // What becomes of the candidate then.
};

struct ExplainedCandidate {
  std::string name;
  fare::Candidate candidate;
  std::vector<WhatIf> what_ifs;  // Each by itself; none where no one number would change it.
};

struct Explained {
  fare::Refusal refusal = fare::Refusal::kNone;
  std::optional<fare::Instant> retry_at;  // If refused, and known.
  int soft_percent = 0;                   // The highest threshold of a budget that was reached.
  std::string rule;
  std::vector<std::string> degradations;  // Steps taken down the ladder.
  std::vector<std::string> plan;
  std::vector<ExplainedCandidate> candidates;
};

// Decides, and asks for each loser what would change it.  Errors: the router's; a held target that
// the policy does not have, or that is held too long.
[[nodiscard]] fare::Expected<Explained> explain(const fare::Policy& policy,
                                                const fare::PriceBook& prices,
                                                const AskedRequest& request,
                                                const AskedState& state);

}  // namespace routesim
