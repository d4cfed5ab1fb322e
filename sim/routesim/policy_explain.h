#pragma once

#include <optional>  // std::optional.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

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

// Reads {"class", "input_tokens", "expected_output_tokens", "max_output_tokens", "capabilities",
// "tags", "scopes", "language", "latency_bound_ms", "session"}; only input_tokens is required.
[[nodiscard]] fare::Expected<AskedRequest> parse_request(const std::string& text);

// What to change for a candidate to fare better, and what would then become of it: found by
// deciding again with that change and nothing else.
struct WhatIf {
  std::string change;    // "quality_floor", "latency_bound_ms", "input_tokens", ...
  std::string to;        // The value to change it to; JSON.
  std::string sentence;  // "floor 0.9 > 0.86; at 0.86 it would be chosen".
  std::string verdict;   // What becomes of the candidate then.
};

struct ExplainedCandidate {
  std::string name;
  fare::Candidate candidate;
  std::optional<WhatIf> what_if;
};

struct Explained {
  fare::Refusal refusal = fare::Refusal::kNone;
  std::string rule;
  std::vector<std::string> plan;
  std::vector<ExplainedCandidate> candidates;
};

// Decides, and asks for each loser what would change it.  Errors: the router's.
[[nodiscard]] fare::Expected<Explained> explain(const fare::Policy& policy,
                                                const fare::PriceBook& prices,
                                                const AskedRequest& request, fare::Instant now);

}  // namespace routesim
