#include "choice/minimise.h"

#include <deque>
#include <utility>

namespace fare {
namespace {

constexpr std::size_t kMemory = 10;  // Pairs kept.
constexpr double kEnough = 1e-4;     // Armijo's share of the predicted decrease.
constexpr int kHalvingsMax = 40;
constexpr double kCurvatureMin = 1e-12;  // Of a pair, relative; less would not be convex.

struct Pair {
  Eigen::VectorXd step;
  Eigen::VectorXd change;  // Of the gradient.
  double product;          // Of both.
};

// The inverse Hessian times the gradient, by the two-loop recursion.
Eigen::VectorXd direction_of(const Eigen::VectorXd& gradient, const std::deque<Pair>& pairs) {
  Eigen::VectorXd direction = -gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].step.dot(direction) / pairs[i].product;
    direction -= alpha[i] * pairs[i].change;
  }
  if (!pairs.empty()) {
    direction *= pairs.back().product / pairs.back().change.squaredNorm();
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].change.dot(direction) / pairs[i].product;
    direction += (alpha[i] - beta) * pairs[i].step;
  }
  return direction;
}

}  // namespace

Minimum minimise(const Objective& objective, Eigen::VectorXd start,
                 const MinimiseOptions& options) {
  Minimum best;
  best.x = std::move(start);
  Eigen::VectorXd gradient(best.x.size());
  best.value = objective(best.x, gradient);
  const double goal = options.tolerance * gradient.cwiseAbs().maxCoeff();
  std::deque<Pair> pairs;
  Eigen::VectorXd next(best.x.size()), next_gradient(best.x.size());
  while (best.steps < options.steps_max) {
    if (gradient.cwiseAbs().maxCoeff() <= goal) {
      best.converged = true;
      return best;
    }
    Eigen::VectorXd direction = direction_of(gradient, pairs);
    const double slope = direction.dot(gradient);
    if (!(slope < 0)) return best;
    double length = pairs.empty() ? 1.0 / std::max(1.0, gradient.norm()) : 1.0;
    double value = 0;
    int halvings = 0;
    for (;; ++halvings, length /= 2) {
      if (halvings == kHalvingsMax) return best;
      next = best.x + length * direction;
      value = objective(next, next_gradient);
      if (value <= best.value + kEnough * length * slope) break;
    }
    Pair pair{next - best.x, next_gradient - gradient, 0};
    pair.product = pair.step.dot(pair.change);
    if (pair.product > kCurvatureMin * pair.change.squaredNorm()) {
      pairs.push_back(std::move(pair));
      if (pairs.size() > kMemory) pairs.pop_front();
    }
    best.x.swap(next);
    gradient.swap(next_gradient);
    best.value = value;
    ++best.steps;
  }
  return best;
}

}  // namespace fare
