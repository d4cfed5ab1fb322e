#pragma once

#include <cstdint>  // std::uint64_t.

namespace fare {

// What a stream of random numbers is for.  Two purposes never share a number, so one more draw for
// one of them shifts nothing else.  The values are part of every seed's meaning: append, never
// renumber.
enum class Purpose : std::uint32_t {
  kTest = 0,
  kArrival = 1,
  kClass = 2,
  kTenant = 3,
  kInputTokens = 4,
  kOutputTokens = 5,
  kDifficulty = 6,
  kFirstToken = 7,
  kOutputTime = 8,
  kQuality = 9,
  kFailure = 10,
  kAnswerCache = 11,
  kFuzz = 12,
  kOutage = 30,
  kCacheLife = 31,
  kPrompt = 32,
  kAcceptance = 33,
  kJudge = 34,
  kEvaluation = 35,
  kModulation = 20,
  kClientGap = 21,
  kThinkTime = 22,
  kTurns = 23,
  kUserTokens = 24,
  kSubAgents = 25,
  kPatience = 26,
  kBackOff = 27,
  kEscalation = 28,
  kBootstrap = 40,
  kExplore = 41,
};

// What all streams of one purpose share: (seed, replication, purpose), hashed once.
class RandomKey {
 public:
  RandomKey(std::uint64_t seed, std::uint32_t replication, Purpose purpose);

 private:
  friend class RandomStream;
  std::uint64_t key_[2];
};

// A counter-based stream of random numbers: draw k of an entity is a pure function of (seed,
// replication, purpose, entity, k), whatever else was drawn before, in whichever thread.  So two
// policies that serve the same request meet the same luck, and their difference is paired.
//
// The generator is Threefry-2x64-20 of Random123 (Salmon, Moraes, Dror, Shaw: "Parallel random
// numbers: as easy as 1, 2, 3", SC11); the key is a RandomKey, (entity, draw) are the counter.
// A value of 48 bytes; copying forks it.  Allocates nothing.
class RandomStream {
 public:
  // The draws of `entity` (a request, a client), from the first one.
  RandomStream(const RandomKey& key, std::uint64_t entity);

  // The next 64 random bits.
  std::uint64_t bits();

  // Uniform on the open interval (0, 1): the 2^52 odd multiples of 2^-53, so that 1 - u is one of
  // them too.
  double uniform();

  // Uniform on [0, bound), without bias (Lemire, "Fast random integer generation in an interval",
  // 2019).  REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t key_[2];
  std::uint64_t entity_;
  std::uint64_t block_ = 0;
  std::uint64_t spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace fare
