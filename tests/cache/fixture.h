#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "fare/block_run.h"

namespace fare {

using Names = std::vector<std::uint64_t>;

inline std::vector<BlockRun> runs_of(const Names& names) {
  std::vector<BlockRun> runs;
  for (const std::uint64_t name : names) {
    if (!runs.empty() && runs.back().first + runs.back().count == name) {
      ++runs.back().count;
    } else {
      runs.push_back({name, 1});
    }
  }
  return runs;
}

// A path of at most `depth_max` blocks from the root of a tree with branches everywhere.  A name
// determines its prefix, and the names along the straight branch follow each other, as they do
// where a trace gives numbers out.
inline Names random_path(RandomStream& random, std::uint64_t depth_max) {
  Names names;
  std::uint64_t name = 0;
  std::uint64_t turns = 0;
  for (std::uint64_t left = random.below(depth_max + 1); left > 0; --left) {
    if (random.below(4) == 0 && turns < 6) {
      ++turns;
      name = (name + 1) * 64 + (random.below(2) << 40);
    }
    names.push_back(++name);
  }
  return names;
}

// The same with true hashes: no two names follow each other, but for every fifth path, which begins
// hashed and goes on with numbers of its own.
inline Names hashed_path(RandomStream& random, std::uint64_t depth_max) {
  Names names;
  std::uint64_t name = 1'000 + random.below(2);
  for (std::uint64_t left = random.below(depth_max + 1); left > 0; --left) {
    const bool turns = random.below(12) == 0;
    name = (name + (turns ? 1 + random.below(3) : 0)) * 0x9e3779b97f4a7c15u + 1;
    name = (name ^ name >> 29) >> 2;
    names.push_back(name);
  }
  if (random.below(5) > 0) return names;
  const std::uint64_t own = (std::uint64_t{1} << 62) + (random.below(1 << 20) << 20);
  for (std::uint64_t i = random.below(12); i > 0; --i) names.push_back(own + names.size());
  return names;
}

}  // namespace fare
