#include "fare/balance.h"

#include <algorithm>

#include "fare/check.h"

namespace fare {
namespace {

// The position of the n-th target that is not out.
std::size_t nth_in(std::span<const TargetLoad> targets, std::size_t n) {
  std::size_t at = 0;
  while (targets[at].share == 0 || n-- > 0) ++at;
  return at;
}

std::size_t draw_below(std::size_t count, double draw) {
  FARE_CHECK(draw >= 0);
  FARE_CHECK(draw < 1);
  return std::min(count - 1, static_cast<std::size_t>(draw * static_cast<double>(count)));
}

double cost_in_time(const TargetLoad& target) {
  return target.latency * (target.open + 1.0) / target.share;
}

}  // namespace

std::optional<std::size_t> choose(std::span<const TargetLoad> targets, TwoDraws draws) {
  std::size_t in = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    FARE_CHECK(targets[i].latency > 0);
    FARE_CHECK(targets[i].share >= 0);
    FARE_CHECK(targets[i].share <= 1);
    if (targets[i].wants_probe) return i;
    in += targets[i].share > 0 ? 1 : 0;
  }
  if (in == 0) return std::nullopt;
  const std::size_t first = draw_below(in, draws.first);
  const std::size_t one = nth_in(targets, first);
  if (in == 1) return one;
  const std::size_t second = draw_below(in - 1, draws.second);
  const std::size_t other = nth_in(targets, second < first ? second : second + 1);
  return cost_in_time(targets[other]) < cost_in_time(targets[one]) ? other : one;
}

}  // namespace fare
