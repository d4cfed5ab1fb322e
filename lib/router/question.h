#pragma once

#include <algorithm>  // std::min.
#include <cstdint>    // std::uint64_t.
#include <optional>   // std::optional.
#include <span>       // std::span.

#include "fare/request.h"     // Request.
#include "router/snapshot.h"  // Snapshot.

namespace fare {

// One request, looked up in a configuration; steps down the ladder change what it asks for.
struct Question {
  const Request* request = nullptr;
  Instant now{};
  std::uint32_t request_class = 0;  // The index behind the last class: not classified.
  std::uint64_t capabilities = 0;
  std::uint64_t luck = 0;
  Tokens input;  // As it is sent.
  Tokens expected_output;
  std::optional<Tokens> output_max;          // The tightest cap.
  std::optional<Duration> latency_bound;     // The request's own, and what is left to its deadline.
  Usage usage;                               // What is expected to be billed without a cache.
  bool is_shortened = false;                 // Its prefix is another than `request->prompt` says.
  double quality_loss = 0;                   // What steps take off every prediction.
  std::span<const TargetForecast> forecast;  // By the model's targets; empty: the policy's figures.

  void set_output(Tokens expected, std::optional<Tokens> max);
  void set_input(Tokens tokens);
};

// Looks the request's names up, and asks the model if there is one; the refusal if a name is not
// known.  Allocates nothing.
Refusal ask(const Snapshot& snapshot, const Request& request, Instant now, Question& question);

inline std::optional<Duration> tighter(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace fare
