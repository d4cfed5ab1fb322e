#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "choice/sparse_rows.h"  // SparseRows.

namespace fare {

// A linear function of a row: bias + weights . x.
struct LinearFunction {
  std::vector<double> weights;
  double bias = 0;

  double operator()(std::span<const SparseRows::Entry> row) const {
    return bias + dot(row, weights.data());
  }
};

struct LinearFitOptions {
  double penalty = 1;  // Half of this times the squared weights (not the bias) is added to the sum
                       // of the rows' losses.
  const LinearFunction* start = nullptr;  // Where to begin; null: at zero.
  double tolerance = 1e-3;
};

// Logistic regression.  `y` in [0, 1]: a fraction counts as that share of a success.  Rows are the
// ones named by `use`, weighted by one each.  REQUIRES: as many `y` as `x` has rows.
LinearFunction fit_logistic(const SparseRows& x, std::span<const float> y,
                            std::span<const std::size_t> use, const LinearFitOptions& options);

// Ridge regression: half the squared error.
LinearFunction fit_ridge(const SparseRows& x, std::span<const float> y,
                         std::span<const std::size_t> use, const LinearFitOptions& options);

// Multinomial logistic regression: one function a class, whose soft-max is the class's probability.
// `label` in [0, classes).
std::vector<LinearFunction> fit_multinomial(const SparseRows& x, std::span<const std::size_t> label,
                                            std::size_t classes, std::span<const std::size_t> use,
                                            const LinearFitOptions& options);

double sigmoid(double logit);

}  // namespace fare
