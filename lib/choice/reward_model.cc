#include "choice/reward_model.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>

#include "base/random.h"

namespace fare {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

constexpr double kSpreadMin = 1e-9;
constexpr double kMeanPenalty = 1;  // As if one row said that the arm is like all others.

// A column of ones, then the features, each of mean 0 and spread 1; one that never changes is 0.
Matrix standardised(const ChoiceLog& log, std::span<const std::size_t> use) {
  const auto rows = static_cast<Eigen::Index>(use.size());
  const auto columns = static_cast<Eigen::Index>(log.dimensions);
  Matrix x(rows, columns + 1);
  x.col(0).setOnes();
  for (Eigen::Index i = 0; i < rows; ++i) {
    const float* from = log.features.data() + use[static_cast<std::size_t>(i)] * log.dimensions;
    for (Eigen::Index k = 0; k < columns; ++k) x(i, k + 1) = static_cast<double>(from[k]);
  }
  for (Eigen::Index k = 1; k <= columns; ++k) {
    const double mean = x.col(k).mean();
    x.col(k).array() -= mean;
    const double spread = std::sqrt(x.col(k).squaredNorm() / static_cast<double>(rows));
    x.col(k) *= spread > kSpreadMin ? 1 / spread : 0;
  }
  return x;
}

// The sums that a least-squares fit needs.  They add up over rows.
struct Sums {
  Matrix gram;    // x x', its lower half.
  Vector reward;  // x * reward.
  Vector inputs;  // x.

  explicit Sums(Eigen::Index size)
      : gram(Matrix::Zero(size, size)), reward(Vector::Zero(size)), inputs(Vector::Zero(size)) {}

  void add(const Eigen::Ref<const Vector>& x, double y) {
    gram.selfadjointView<Eigen::Lower>().rankUpdate(x);
    reward += y * x;
    inputs += x;
  }

  // The weights of the ridge regression of (reward - mean), on all of these rows but `without`.
  Vector solve(const Sums& without, double mean, double penalty) const {
    Matrix left = gram - without.gram;
    left.diagonal().array() += penalty;
    left(0, 0) += kMeanPenalty - penalty;
    const Vector right = (reward - without.reward) - mean * (inputs - without.inputs);
    return left.selfadjointView<Eigen::Lower>().llt().solve(right);
  }
};

}  // namespace

std::vector<double> cross_fitted_rewards(const ChoiceLog& log, std::span<const std::size_t> use,
                                         const RewardModelOptions& options) {
  const Matrix x = standardised(log, use);
  const Eigen::Index size = x.cols();
  const std::size_t folds = options.folds;
  const RandomKey key(options.seed, 0, Purpose::kBootstrap);
  std::vector<std::size_t> fold(use.size());
  std::vector<Sums> part(log.arms * folds, Sums(size)), whole(log.arms, Sums(size));
  std::vector<double> rewards(folds, 0), rows(folds, 0);
  for (std::size_t i = 0; i < use.size(); ++i) {
    RandomStream stream(key, i);
    fold[i] = stream.below(folds);
    const std::uint32_t arm = log.arm[use[i]];
    const double reward = log.reward[use[i]];
    part[arm * folds + fold[i]].add(x.row(static_cast<Eigen::Index>(i)).transpose(), reward);
    rewards[fold[i]] += reward;
    rows[fold[i]] += 1;
  }
  double all_rewards = 0, all_rows = 0;
  for (std::size_t f = 0; f < folds; ++f) {
    all_rewards += rewards[f];
    all_rows += rows[f];
  }
  for (std::size_t i = 0; i < part.size(); ++i) {
    whole[i / folds].gram += part[i].gram;
    whole[i / folds].reward += part[i].reward;
    whole[i / folds].inputs += part[i].inputs;
  }
  std::vector<double> predicted(use.size() * log.arms);
  for (std::size_t f = 0; f < folds; ++f) {
    const double others = all_rows - rows[f];
    const double mean = others > 0 ? (all_rewards - rewards[f]) / others : 0;
    Matrix weights(static_cast<Eigen::Index>(log.arms), size);
    for (std::size_t arm = 0; arm < log.arms; ++arm) {
      weights.row(static_cast<Eigen::Index>(arm)) =
          whole[arm].solve(part[arm * folds + f], mean, options.penalty).transpose();
    }
    for (std::size_t i = 0; i < use.size(); ++i) {
      if (fold[i] != f) continue;
      Eigen::Map<Vector> out(predicted.data() + i * log.arms, static_cast<Eigen::Index>(log.arms));
      out.noalias() = weights * x.row(static_cast<Eigen::Index>(i)).transpose();
      out.array() += mean;
    }
  }
  return predicted;
}

}  // namespace fare
