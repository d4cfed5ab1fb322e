#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "fare/off_policy.h"  // ChoiceLog.

namespace fare {

struct RewardModelOptions {
  std::size_t folds = 5;
  double penalty = 10;
  std::uint64_t seed = 0;
};

// What every arm would have come to in every row, by row and arm: a ridge regression for each arm,
// cross-fitted, so that no row is predicted by a model that saw its reward.  Features are
// standardised over all rows, which looks at no reward; each arm's mean is drawn towards the mean
// of all as if by one row.
//
// `use`: the rows to fit and predict; predictions stand in their order.  One Gram matrix is kept
// for each arm and fold, and a fold's model solves the sum of the others'.  REQUIRES: a valid log.
std::vector<double> cross_fitted_rewards(const ChoiceLog& log, std::span<const std::size_t> use,
                                         const RewardModelOptions& options);

}  // namespace fare
