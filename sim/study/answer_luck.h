#pragma once

#include <cstdint>  // std::uint64_t.
#include <vector>   // std::vector.

#include "base/random.h"      // RandomKey.
#include "study/scenario.h"   // AnswerCache.
#include "traffic/traffic.h"  // Arrival.

namespace routesim {

// Which requests of a run the gateway's cache of whole answers has something for.
class AnswerLuck {
 public:
  AnswerLuck(std::size_t classes, std::uint64_t seed, std::uint32_t replication)
      : key_(seed, replication, fare::Purpose::kAnswerCache), lookups_(classes) {}

  // Whether this one does.  Dealt exactly, request n of a class hits if n shares have passed one
  // more whole number.  REQUIRES: once for each request.
  bool hits(const AnswerCache& cache, const Arrival& arrival) {
    constexpr std::uint64_t kMillion = 1'000'000;
    const auto share = static_cast<std::uint64_t>(cache.hits_per_million);
    if (!cache.exact) return fare::RandomStream(key_, arrival.index).below(kMillion) < share;
    const std::uint64_t before = lookups_[arrival.request_class]++;
    return (before + 1) * share / kMillion > before * share / kMillion;
  }

  // Whether it holds an answer to a similar one, and whether that would do.
  struct Similar {
    bool is_there = false;
    bool is_good = false;
  };
  Similar similar(const SimilarAnswers& answers, const Arrival& arrival) const {
    fare::RandomStream luck(key_, arrival.index | kSimilar);
    const std::uint64_t drawn = luck.below(1'000'000);
    return {.is_there = drawn < static_cast<std::uint64_t>(answers.requests_per_million),
            .is_good = luck.uniform() < answers.quality};
  }

 private:
  static constexpr std::uint64_t kSimilar = std::uint64_t{1} << 63;  // Above every index.

  fare::RandomKey key_;
  std::vector<std::uint64_t> lookups_;  // By class.
};

}  // namespace routesim
