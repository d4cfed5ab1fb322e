#pragma once

#include <Eigen/Core>
#include <functional>  // std::function.

namespace fare {

// The value of a smooth convex function at x, and its gradient.
using Objective = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

struct MinimiseOptions {
  int steps_max = 200;
  // Ends when the gradient's largest entry falls below this share of what it was at the start.
  double tolerance = 1e-4;
};

struct Minimum {
  Eigen::VectorXd x;
  double value = 0;
  int steps = 0;
  bool converged = false;
};

// Minimises from `start` by L-BFGS with a backtracking line search (Nocedal and Wright, "Numerical
// Optimization", 2006, algorithms 7.4 and 3.1).  Deterministic; one thread.
Minimum minimise(const Objective& objective, Eigen::VectorXd start, const MinimiseOptions& options);

}  // namespace fare
