#include "traffic/class_dealer.h"

#include <cstddef>

#include "fare/check.h"
#include "traffic/decimal.h"

namespace routesim {

ClassDealer::ClassDealer(const std::vector<double>& shares) {
  const std::vector<fare::Int128> weights = in_proportion(shares);
  fare::Int128 sum = 0;
  for (const fare::Int128 weight : weights) sum += weight;
  FARE_CHECK(sum > 0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    Turn turn{.request_class = static_cast<std::uint32_t>(i),
              .from = 0,
              .until = 0,
              .whole = sum / weights[i],
              .part = sum % weights[i],
              .parts = weights[i],
              .floor = 0,
              .rest = 0};
    advance(turn);
    turns_.push_back(turn);
  }
}

void ClassDealer::advance(Turn& turn) {
  turn.from = turn.floor;
  turn.floor += turn.whole;
  turn.rest += turn.part;
  if (turn.rest >= turn.parts) {
    turn.rest -= turn.parts;
    ++turn.floor;
  }
  turn.until = turn.floor + (turn.rest > 0 ? 1 : 0);
}

std::uint32_t ClassDealer::deal() {
  Turn* next = nullptr;
  for (Turn& turn : turns_) {
    if (turn.from <= dealt_ && (next == nullptr || turn.until < next->until)) next = &turn;
  }
  FARE_CHECK(next != nullptr);
  FARE_CHECK(next->until > dealt_);
  ++dealt_;
  advance(*next);
  return next->request_class;
}

}  // namespace routesim
