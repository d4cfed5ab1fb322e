#include "fare/fair_share.h"

#include <algorithm>
#include <compare>
#include <vector>

#include "fare/check.h"

namespace fare {
namespace {

// A level at which a claim begins or ends to rise: money / weight.
struct Turn {
  Money money;
  std::uint32_t weight = 1;
  bool begins = false;

  friend bool operator<(const Turn& a, const Turn& b) {
    return Int128{a.money.count()} * b.weight < Int128{b.money.count()} * a.weight;
  }
};

// The level at which all claims together take the capacity: above / weights.  They do so at some
// level between that of `least` and that of `most`.
struct Level {
  Int128 above = 0;
  std::int64_t weights = 1;

  Int128 times(std::uint32_t weight) const { return above * weight / weights; }
  Int128 remainder(std::uint32_t weight) const { return above * weight % weights; }
};

Level level_of(Int128 capacity, std::span<const ShareClaim> claims) {
  std::vector<Turn> turns;
  Int128 fixed = 0;  // What the claims take that do not rise at this level.
  for (const ShareClaim& claim : claims) {
    turns.push_back({claim.least, claim.weight, true});
    turns.push_back({claim.most, claim.weight, false});
    fixed += claim.least.count();
  }
  std::sort(turns.begin(), turns.end());
  std::int64_t weights = 0;
  for (const Turn& turn : turns) {
    // Up to this turn, `weights` rise: do they reach the capacity before it?
    const Int128 at_turn = fixed * turn.weight + Int128{turn.money.count()} * weights;
    if (weights > 0 && at_turn >= capacity * turn.weight) break;
    const Int128 money = turn.money.count();
    fixed += turn.begins ? -money : money;
    weights += turn.begins ? std::int64_t{turn.weight} : -std::int64_t{turn.weight};
  }
  return {capacity - fixed, weights};
}

}  // namespace

void fair_shares(Money capacity, std::span<const ShareClaim> claims, std::span<Money> shares) {
  FARE_CHECK(claims.size() == shares.size());
  Int128 least = 0;
  Int128 most = 0;
  for (const ShareClaim& claim : claims) {
    FARE_CHECK(claim.weight >= 1);
    FARE_CHECK(claim.weight <= kShareWeightMax);
    FARE_CHECK(claim.least >= Money());
    FARE_CHECK(claim.least <= claim.most);
    least += claim.least.count();
    most += claim.most.count();
  }
  if (least >= capacity.count() || most <= capacity.count()) {
    const bool is_short = least >= capacity.count();
    for (std::size_t i = 0; i < claims.size(); ++i) {
      shares[i] = is_short ? claims[i].least : claims[i].most;
    }
    return;
  }
  const Level level = level_of(capacity.count(), claims);
  std::vector<std::size_t> rising;
  Int128 left = capacity.count();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const Int128 even = level.times(claims[i].weight);
    const bool is_rising = even >= claims[i].least.count() && even < claims[i].most.count();
    if (is_rising) rising.push_back(i);
    shares[i] = even < claims[i].least.count() ? claims[i].least
                : is_rising                    ? Money(static_cast<std::int64_t>(even))
                                               : claims[i].most;
    left -= shares[i].count();
  }
  std::stable_sort(rising.begin(), rising.end(), [&](std::size_t a, std::size_t b) {
    return level.remainder(claims[a].weight) > level.remainder(claims[b].weight);
  });
  for (const std::size_t i : rising) {
    if (left-- <= 0) break;
    shares[i] += Money(1);
  }
}

}  // namespace fare
