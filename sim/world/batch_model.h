#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.

#include "fare/quantity.h"      // Int128.
#include "fare/time.h"          // Duration.
#include "fare/tokens.h"        // Tokens.
#include "world/speculative.h"  // Speculation.

namespace routesim {

// What one replica can do.  An iteration that decodes b sequences over r resident tokens and
// computes p tokens of prompts takes
//
//   base + per_sequence b + per_resident_token r + per_prefill_token p
//
// and with speculation, if b > 0, also draft_tokens (draft + draft_per_sequence b); r counts the
// tokens in the cache of all running sequences when the iteration starts.
struct BatchModel {
  double base_us = 1;                    // In [0.001, 1e6].
  double us_per_sequence = 0;            // In [0, 1e3].
  double us_per_resident_token = 0;      // In [0, 1].
  double us_per_prefill_token = 0;       // In [0, 1e4].
  std::int64_t sequences_max = 256;      // That run at a time; in [0, 4096].
  std::int64_t batch_tokens = 2'048;     // Of an iteration; in [1, 1e6] and, without speculation,
                                         // at least sequences_max, else
                                         // sequences_max * (1 + draft_tokens).
  std::int64_t block_tokens = 16;        // In [1, 256].
  std::int64_t blocks = 0;               // Of cache; with block_tokens at most 5e7 tokens.
  std::int64_t waiting_max = 1'000'000;  // A replica takes sequences_max + waiting_max requests
                                         // at a time; in [0, 1e6].
  std::optional<Speculation> speculation;
};

// What is asked of a pool.
struct PoolWork {
  std::uint32_t slot = 0;    // The caller's number of the request; must be free.
  std::uint64_t entity = 0;  // Of every draw.
  fare::Tokens input;        // At least 1.
  fare::Tokens cached;       // Of the input, that need not be computed, in [0, input]; one token at
                             // least is always computed, as vLLM does.
  fare::Tokens output;       // At least 1.
};

enum class PoolEventKind : std::uint8_t {
  kStarted,  // Out of the line, for the first time.
  kFirstToken,
  kFinished,   // The last token is out: the slot is free again.
  kPreempted,  // Back to the front of the line; it keeps its tokens and goes on later.
  kRejected,   // Not taken: the slot is free again.
};

enum class PoolRejection : std::uint8_t {
  kNone,
  kNoCapacity,  // There is no replica, and there never will be one.
  kDrained,     // The pool takes nothing any more.
  kTooLong,     // No replica's cache could hold the request to its end.
  kQueueFull,   // The line before the replica is as long as it may be.
};

// Something that happened to a request, at the instant of the call that reported it.
struct PoolEvent {
  std::uint32_t slot = 0;
  PoolEventKind kind{};
  PoolRejection rejection = PoolRejection::kNone;
};

// What a replica did, summed over its iterations: the factors of the coefficients above.
struct BatchWork {
  std::uint64_t iterations = 0;
  fare::Int128 sequences = 0;        // Decoding.
  fare::Int128 resident_tokens = 0;  // In 2^-16 tokens.
  fare::Int128 prefill_tokens = 0;
  fare::Int128 busy = 0;  // In 2^-40 ns.
  std::uint64_t preemptions = 0;
};

}  // namespace routesim
