#pragma once

#include <compare>  // operator<=>.
#include <cstdint>  // std::int64_t.

#include "fare/check.h"  // FARE_CHECK.

namespace fare {

// A 128-bit signed integer, for sums of money that no loop can overflow.
__extension__ typedef __int128 Int128;

// A whole number of one unit: `Tokens`, `Money`, `Cost`.  Two units never mix, and there is no
// product of quantities but those that mean something (`Rate * Tokens`).
//
// Addition and subtraction are exact: a result that does not fit is a failed FARE_CHECK, never a
// wrapped number.  Input is kept far from that by the ranges its readers enforce.
template <class Unit, class Rep = std::int64_t>
class Quantity {
 public:
  constexpr Quantity() = default;  // Zero.
  explicit constexpr Quantity(Rep count) : count_(count) {}

  constexpr Rep count() const { return count_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    Rep sum;
    FARE_CHECK(!__builtin_add_overflow(a.count_, b.count_, &sum));
    return Quantity(sum);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    Rep difference;
    FARE_CHECK(!__builtin_sub_overflow(a.count_, b.count_, &difference));
    return Quantity(difference);
  }
  constexpr Quantity operator-() const { return Quantity() - *this; }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

 private:
  Rep count_ = 0;
};

}  // namespace fare
