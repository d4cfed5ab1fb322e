#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "base/json_reader.h"     // JsonNode.
#include "engine/distribution.h"  // Distribution.
#include "fare/expected.h"        // Expected.
#include "fare/price_book.h"      // ModelId, PriceBook.
#include "world/hosted.h"         // HostedPhysics.
#include "world/pool_model.h"     // PoolModel.
#include "world/prompts.h"        // PromptMix.

namespace routesim {

// How one model answers, hosted or in a pool of one's own: what the router does not know, and only
// outcomes tell.
struct WorldModel {
  std::string provider;  // As written; empty: any.
  std::string model;
  std::string origin;  // Where the figures come from: measured, published, assumed.
  fare::ModelId id{};  // In the price book, once resolved.
  Distribution first_token_ms = Distribution::constant(0);       // From start of service.
  double first_token_ms_per_1k_input = 0;                        // Added for the prompt's length.
  Distribution ms_per_output_token = Distribution::constant(0);  // One draw a request.
  double failure_share = 0;  // Attempts that fail at the first token, unbilled.
  // Attempts served at a time; the rest wait in line.  Nothing: no limit.  0: every attempt fails.
  std::optional<std::uint32_t> concurrency;
  std::vector<double> skill;  // By class of the traffic, in logits.  Empty: not modelled.
  HostedPhysics hosted;
  std::optional<PoolModel> pool;  // Instead of all figures but the skill.
};

// Where models are hosted; what fails there fails for all of them.
struct Region {
  std::string name;
  std::vector<OutagePlan> outages;
};

// How hard the requests of a class are, in logits.
struct Difficulty {
  double mean = 0;
  double sd = 0;
};

// Everything outside the router that answers it.  An answer's quality follows item response theory
// (the one-parameter logistic model of Rasch, 1960): the probability that it is good enough is
// 1 / (1 + exp(difficulty - skill)), with the request's difficulty normal within its class.
struct World {
  std::vector<WorldModel> models;
  std::vector<Difficulty> difficulty;  // By class.
  std::vector<Region> regions;
  std::optional<PromptMix> prompts;  // For requests whose traffic brings no prompts.

  // The model's place, or nothing if the world does not have it.
  std::optional<std::uint32_t> find(fare::ModelId id) const;
};

// Reads the scenario's "world" object; `classes` are those of its traffic:
//   {"models": [{"provider": "anthropic", "model": "claude-haiku-4-5", "origin": "assumed: ...",
//                "first_token_ms": DISTRIBUTION, "first_token_ms_per_1k_input": 20,
//                "ms_per_output_token": DISTRIBUTION, "failure_share": 0.001, "concurrency": 100,
//                "skill": 2.0 | {"simple": 2.5, "complex": 0.3}}],
//    "difficulty": {"simple": {"mean": -1, "sd": 0.8}, ...},
//    "regions": [{"name": "us-east", "outages": [OUTAGE, ...]}, ...],      world/outage.h
//    "prompts": {...}}                                                     world/prompts.h
// A model takes the keys of world/hosted.h besides.  A self-hosted one has "provider", "model",
// "skill" and "pool" (world/pool_model.h) only: {"model": "my-llama", "pool": {...}}.  Models are
// resolved in `prices`, and the names of cache rules in `cache_rules` (null: none), as they mean at
// `start`.  Anything wrong is recorded in the node's Problems.
std::optional<World> read_world(const fare::JsonNode& node, const std::vector<std::string>& classes,
                                const fare::PriceBook& prices,
                                const fare::CacheRuleBook* cache_rules, fare::Instant start);

}  // namespace routesim
