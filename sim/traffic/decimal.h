#pragma once

#include <cstdint>  // std::int64_t.
#include <vector>   // std::vector.

#include "fare/quantity.h"  // Int128.

namespace routesim {

// A double as the decimal number somebody wrote: the shortest one that reads back as it.  So 0.1 is
// one tenth, which the double itself is not, and arithmetic on what was meant can be exact.
struct Decimal {
  std::int64_t digits = 0;  // At most 17 of them.
  int exponent = 0;         // Of 10.
};

// REQUIRES: value is finite and not negative.
Decimal shortest_decimal(double value);

// Whole numbers in exactly the proportion of the decimals.
// REQUIRES: each value is 0 or in [1e-9, 1e9], and there are at most 1,000: so their sum fits.
std::vector<fare::Int128> in_proportion(const std::vector<double>& values);

// REQUIRES: 0 <= exponent <= 38.
fare::Int128 power_of_ten(int exponent);

}  // namespace routesim
