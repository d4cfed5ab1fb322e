#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <utility>   // std::pair.
#include <vector>    // std::vector.

#include "fare/time.h"    // Duration.
#include "fare/tokens.h"  // Tokens.

namespace fare {

inline constexpr std::size_t kClassesMax = 64;
inline constexpr std::size_t kCapabilitiesMax = 64;
inline constexpr std::size_t kTargetsMax = 1'000;

struct PolicyClass {
  std::string name;
  Tokens expected_output;
};

struct LatencyPrior {
  Duration first_token{};
  Duration per_output_token{};
};

struct PolicyTarget {
  std::string name;
  std::string provider;  // Empty: any.
  std::string model;
  std::uint64_t capabilities = 0;              // Bits, as PolicyData::capabilities.
  std::vector<std::optional<double>> quality;  // By class; the last one is for unclassified ones.
  std::optional<LatencyPrior> latency;
};

struct PolicyRule {
  std::string name;
  std::uint64_t classes = 0;  // Bits of the classes it holds for, if not for all.
  bool any_class = true;
  std::vector<std::pair<std::string, std::string>> tags;  // All of them must be there.
  std::vector<std::uint16_t> candidates;                  // Target indices.
  std::vector<std::uint16_t> fallback;
  std::optional<double> quality_floor;
  std::optional<Duration> latency_bound;

  bool holds_always() const { return any_class && tags.empty(); }
};

struct PolicyData {
  std::string file;
  std::string name;
  std::string hash;
  std::optional<Tokens> expected_output;  // Of a request without class, if the policy says.
  std::vector<PolicyClass> classes;
  std::vector<std::string> capabilities;
  std::vector<PolicyTarget> targets;
  std::vector<PolicyRule> rules;
};

}  // namespace fare
