#pragma once

#include <cstdint>     // std::uint32_t.
#include <functional>  // std::function.
#include <memory>      // std::shared_ptr.
#include <optional>    // std::optional.
#include <string>      // std::string.
#include <vector>      // std::vector.

#include "base/json_reader.h"     // JsonNode.
#include "engine/distribution.h"  // Distribution.
#include "fare/outcome_data.h"    // OutcomeData.
#include "fare/price_book.h"      // ModelId, PriceBook.
#include "world/hosted.h"         // HostedPhysics.
#include "world/judge.h"          // JudgeModel.
#include "world/pool_model.h"     // PoolModel.
#include "world/prompts.h"        // PromptMix.
#include "world/quality.h"        // Difficulty, ModelQuality.

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
  ModelQuality quality;
  std::string outcome;  // What it is called in WorldOutcomes::data; empty: as `model`.
  HostedPhysics hosted;
  std::optional<PoolModel> pool;  // Instead of all figures but the quality.
};

// Where models are hosted; what fails there fails for all of them.
struct Region {
  std::string name;
  std::vector<OutagePlan> outages;
};

// Real outcomes in place of skills and difficulties: each request is a row of its class.
struct WorldOutcomes {
  std::shared_ptr<const fare::OutcomeData> data;
  // By class of the traffic: that of the data; nothing, for all, if the data has no classes.  Each
  // has rows.
  std::vector<std::optional<std::uint32_t>> class_of_class;
  // By model of the world: the target of the data; nothing: its quality is not modelled.
  std::vector<std::optional<std::uint32_t>> target_of_model;
};

// Everything outside the router that answers it.  How good answers are says world/quality.h.
struct World {
  std::vector<WorldModel> models;
  std::vector<Difficulty> difficulty;  // By class.
  double injected_share = 0;           // Of requests whose input carries an injected instruction.
  std::optional<WorldOutcomes> outcomes;
  std::vector<JudgeModel> judges;    // Of different names.
  std::vector<Region> regions;       // Of different names, too.
  std::optional<PromptMix> prompts;  // For requests whose traffic brings no prompts.

  // The model's place, or nothing if the world does not have it.
  std::optional<std::uint32_t> find(fare::ModelId id) const;
  // Whether anything is said of how good the model's answers are.
  bool has_quality(std::uint32_t model) const;
};

// What a world refers to.
struct WorldNames {
  const std::vector<std::string>& classes;  // Of its traffic.
  const fare::PriceBook& prices;
  const fare::CacheRuleBook* cache_rules = nullptr;  // Null: there are none.
  fare::Instant start{};                             // Names are resolved as they mean then.
  // Reads what "outcomes" names; records what is wrong.
  std::function<std::optional<fare::OutcomeData>(const fare::JsonNode&)> read_outcomes;
};

// Reads the scenario's "world" object:
//   {"models": [{"provider": "anthropic", "model": "claude-haiku-4-5", "origin": "assumed: ...",
//                "first_token_ms": DISTRIBUTION, "first_token_ms_per_1k_input": 20,
//                "ms_per_output_token": DISTRIBUTION, "failure_share": 0.001, "concurrency": 100,
//                "skill": 2.0 | {"simple": 2.5, "complex": 0.3}}],
//    "difficulty": {"simple": {"mean": -1, "sd": 0.8, "discrimination": 1.2}, ...},
//    "injected_share": 0.01,
//    "judges": [JUDGE, ...],                                               world/judge.h
//    "regions": [{"name": "us-east", "outages": [OUTAGE, ...]}, ...],      world/outage.h
//    "prompts": {...}}                                                     world/prompts.h
// A model takes the keys of world/hosted.h and world/quality.h besides.  A self-hosted one has
// "provider", "model", "pool" (world/pool_model.h) and the keys of its quality only:
// {"model": "my-llama", "pool": {...}}.
//
// "outcomes": {...} (study/scenario.h) stands in place of skills, difficulties and injections.  A
// model's answers are then those of the target that its key "outcome" names; without that key of
// the target that is called like the model, if there is one: else they are not modelled.
//
// Anything wrong is recorded in the node's Problems.
std::optional<World> read_world(const fare::JsonNode& node, const WorldNames& names);

}  // namespace routesim
