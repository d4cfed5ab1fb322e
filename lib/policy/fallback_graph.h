#pragma once

#include <cstdint>  // std::uint16_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "policy/policy_data.h"  // PolicyData.

namespace fare {

// Where a rule's load goes when a candidate cannot serve it.
struct FallbackEdge {
  std::uint16_t from;
  std::uint16_t to;
  std::size_t rule;
};

// The edges of a policy: from each candidate to each fallback that is not a candidate itself, once
// for each rule.
[[nodiscard]] std::vector<FallbackEdge> fallback_edges(const PolicyData& data);

// The shortest way round of each strongly connected component of more than one target, from its
// lowest target on; by lowest target.  O(targets * edges).
[[nodiscard]] std::vector<std::vector<FallbackEdge>> fallback_cycles(const PolicyData& data);

// "opus -> gpt -> opus".
[[nodiscard]] std::string path_of(const PolicyData& data, const std::vector<FallbackEdge>& path);

}  // namespace fare
