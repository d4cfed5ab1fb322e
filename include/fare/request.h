#pragma once

#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.

#include "fare/time.h"    // Duration.
#include "fare/tokens.h"  // Tokens.

namespace fare {

// A property of a request that rules may ask for, such as {"team", "legal"}.
struct Tag {
  std::string_view key;
  std::string_view value;
};

// What a gateway knows of a request before it is sent.  Views are read during route() only.
struct Request {
  std::uint64_t id = 0;            // The gateway's own number; spreads load over locks, no more.
  std::string_view request_class;  // The complexity class, if known; empty: not classified.
  std::span<const Tag> tags;
  std::span<const std::string_view> capabilities;  // All of them are needed: "tools", "vision".
  Tokens input;                                    // Counted input tokens, in [0, kTokensMax].
  std::optional<Tokens> expected_output;  // If better known than the policy's figure for the class.
  std::optional<Tokens> max_output;       // The caller's cap on output, if any.
  std::optional<Duration>
      latency_bound;  // Until the last token; the rule's own bound holds as well.
};

}  // namespace fare
