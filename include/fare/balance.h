#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

namespace fare {

// One of several targets that would serve a request equally well.
struct TargetLoad {
  double latency = 0;      // Its recent peak: DecayingPeak::value(); in one unit for all, above 0.
  std::uint32_t open = 0;  // Requests it is serving now.
  double share = 1;        // Breaker::share(): 0 takes it out.
  bool wants_probe = false;  // Breaker::wants_probe().
};

// Two uniform draws from [0, 1), of a stream that belongs to the request.
struct TwoDraws {
  double first = 0;
  double second = 0;
};

// Which of them gets the request: the power of two choices.  Two different ones are drawn, and the
// one with the lower latency * (open + 1) / share gets it; the first drawn if they are equal.  So
// the slowest of three or more equals gets nothing while the others are free, nobody runs to the
// single fastest, and a target that ramps up gets less.  A target that wants a probe is chosen
// before all others, the first such one: Breaker bounds how often that is.
// Nothing if every share is 0 and nobody wants a probe.  (Mitzenmacher: "The power of two choices
// in randomized load balancing", 2001; cost as in Finagle.)
// A pure function; O(n); allocates nothing.  REQUIRES: 0 <= draw < 1; latency above 0;
// 0 <= share <= 1.
[[nodiscard]] std::optional<std::size_t> choose(std::span<const TargetLoad> targets,
                                                TwoDraws draws);

}  // namespace fare
