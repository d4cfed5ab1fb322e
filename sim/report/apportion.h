#pragma once

#include <cstdint>  // std::uint32_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "fare/money.h"  // Cost, Int128.

namespace routesim {

// Columns whose rounded figures add up to the rounded figure below them, as readers expect: each is
// rounded down, and what is then missing goes to those that lost most (the method of the largest
// remainder; of equals, the first).  So none is off by one unit or more.

// parts[i] / divisor as whole numbers that add up to `total`, the rounded sum of the parts over the
// divisor.  REQUIRES: divisor > 0; no part is negative.
std::vector<fare::Int128> apportion(const std::vector<fare::Int128>& parts, fare::Int128 divisor,
                                    fare::Int128 total);

// What each part is of the whole, in tenths of a percent, adding up to `tenths`; all 0 if there is
// nothing to share.  REQUIRES: `tenths` is what all parts are of the whole, rounded.
std::vector<fare::Int128> share_tenths(const std::vector<fare::Int128>& parts, fare::Int128 whole,
                                       fare::Int128 tenths = 1'000);

// "12.3 %".
std::string tenths_text(fare::Int128 tenths);

// Sums over all replications, shown as means: with as many decimals as dollars_text(mean) has, and
// adding up to it.
class MeanColumn {
 public:
  // REQUIRES: `mean` is the sum of `totals` over `replications`, to a picodollar.
  MeanColumn(const std::vector<fare::Cost>& totals, std::uint32_t replications, fare::Cost mean);

  // The parts of a row, adding up to what it shows.  REQUIRES: the sum of `totals` is the row's.
  MeanColumn parts_of(std::size_t row, const std::vector<fare::Cost>& totals) const;

  // The text of a row, or of some in one; "< $0.01" where they cost, but too little to show.
  std::string text(std::size_t row) const { return text(std::vector<std::size_t>{row}); }
  std::string text(const std::vector<std::size_t>& rows) const;

 private:
  MeanColumn(const std::vector<fare::Cost>& totals, fare::Int128 unit, int decimals,
             std::uint32_t replications, fare::Int128 shown);

  std::vector<fare::Cost> totals_;
  fare::Int128 unit_;  // Of the last decimal, in picodollars.
  int decimals_;
  std::uint32_t replications_;
  std::vector<fare::Int128> shown_;  // In units.
};

}  // namespace routesim
