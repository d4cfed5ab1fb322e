#pragma once

#include <span>  // std::span.

namespace fare {

struct Normal {
  double mean = 0;
  double deviation = 0;  // Not negative; below 1e-9 of the mean it counts as that.
};

// How likely each of independent normal variables is the largest; sums to 1.  Ties are
// shared evenly.
//
// The line is cut at 33 points around each mean, a quarter of a deviation apart (17 of more than
// four variables, half a deviation apart); in each piece the others' distribution functions are
// taken as the means of their values at its ends.  Error below .01.  O(n^2).  Allocates nothing.
// REQUIRES: 1 to kCandidatesMax variables, finite; `chance` has as many.
void best_of_normals(std::span<const Normal> variables, std::span<double> chance);

}  // namespace fare
