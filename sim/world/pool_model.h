#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "base/json_reader.h"   // JsonNode.
#include "fare/money.h"         // Cost.
#include "fare/time.h"          // Duration.
#include "world/autoscaler.h"   // Autoscaling.
#include "world/batch_model.h"  // BatchModel.

namespace routesim {

// To which replica a request goes: the one with the least outstanding work, the first of equals.
enum class PoolBalance : std::uint8_t {
  kTokens,    // Work is the input to compute and the output of the requests there.
  kRequests,  // Work is their number: what a balancer knows that cannot tell how long answers get.
};

// A self-hosted model: equal replicas behind one balancer.
struct PoolModel {
  std::string origin;  // Where the figures come from.
  BatchModel batch;
  Autoscaling scaling;
  PoolBalance balance = PoolBalance::kTokens;
  // From the client's call until its request is in line: whoever sends adds it, the pool does not.
  fare::Duration overhead{};
  std::int64_t gpus_per_replica = 1;  // In [1, 1,024].
  fare::Cost cost_per_gpu_hour;       // Not negative, at most a million dollars.
};

// The cost of `replica_ns` of replicas; half to even, once.
fare::Cost gpu_cost(const PoolModel& model, fare::Int128 replica_ns);

// A JSON parser for ObjectReader.  Anything wrong is recorded with its place.
//   {"origin": "measured: ...",
//    "iteration_us": {"base": 5000, "per_sequence": 20, "per_resident_token": 0.08,
//                     "per_prefill_token": 70},
//    "sequences": 256, "batch_tokens": 2048, "block_tokens": 16, "blocks": 27000,
//    "waiting": 1000,                                        default: a million, per replica
//    "speculation": {"acceptance": 0.7, "draft_tokens": 4, "draft_us": 300,
//                    "draft_us_per_sequence": 2},            default: none
//    "replicas": 2 | {"min": 1, "max": 8, "target_utilisation": 0.7, "period_s": 15,
//                     "cold_start_s": 120, "scale_in_delay_s": 300},
//    "balance": "tokens" | "requests",                       default: tokens
//    "overhead_ms": 4.5,                                     default: 0
//    "gpus_per_replica": 1, "usd_per_gpu_hour": "2.50"}
// Ranges stand with the structs; a pool of 0 replicas is one: it rejects everything.
std::optional<PoolModel> read_pool(const fare::JsonNode& node);

}  // namespace routesim
