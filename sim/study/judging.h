#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "base/json_reader.h"  // ObjectReader.
#include "fare/policy.h"       // Policy.
#include "fare/time.h"         // Duration.

namespace routesim {

// A share of the answers is judged beside the traffic: nobody waits for it, and what it costs is no
// part of what requests cost.  Of an answer whose quality is not known there is nothing to judge.
struct Evaluation {
  std::uint32_t judge = 0;               // Index into World::judges.
  std::int64_t answers_per_million = 0;  // Drawn by request, whatever the policy.
  std::optional<fare::Duration> window;  // To tell apart what was answered when; at least 1 s.
};

// Who judges the answers that a variant gives.
struct Judging {
  // Index into World::judges: who scores the answers of rules with a cascade.
  std::optional<std::uint32_t> scorer;
  std::optional<Evaluation> evaluation;
};

// A judge's grade from which on an answer passes in an evaluation.
inline constexpr double kPassMin = 0.5;

// Reads these keys of a variant:
//   "scorer": "rubric",
//   "evaluation": {"judge": "rubric", "share": "0.05", "window_s": 3600}
// `judges` are the names of those that the world has; nothing: they could not be read, and are not
// checked.  Anything wrong is recorded in the node's Problems.
Judging read_judging(fare::ObjectReader& reader,
                     const std::optional<std::vector<std::string>>& judges);

// A rule that asks in a cascade, whose answers somebody must score.
struct CascadeRule {
  std::size_t index = 0;  // Among the policy's rules.
  std::string name;
  std::vector<std::string> targets;  // That it may ask.
};

std::vector<CascadeRule> cascades_of(const fare::Policy& policy);

}  // namespace routesim
