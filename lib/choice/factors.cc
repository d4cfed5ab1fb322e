#include "choice/factors.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "choice/minimise.h"

namespace fare {
namespace {

constexpr int kTurns = 4;
constexpr int kStepsMax = 100;
constexpr int kNewtonSteps = 30;
constexpr std::size_t kRankMax = 4;
constexpr double kTargetPenalty = 0.1;

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

double softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

// What both models share: logit(t, row) = base(t) + sum_k u_k(row) v(t, k).
struct Bilinear {
  Vector base;
  Matrix v;          // Targets by factors.
  Vector functions;  // Factors by columns, one after the other.
};

double base_logit(const std::vector<float>& quality, std::span<const std::size_t> use) {
  double sum = 0.5, rows = 1;
  for (const std::size_t row : use) {
    if (std::isnan(quality[row])) continue;
    sum += static_cast<double>(quality[row]);
    rows += 1;
  }
  return std::log(sum / std::max(1e-9, rows - sum));
}

// The leading directions in which targets differ together.
Matrix leading(const std::vector<std::vector<float>>& quality, std::span<const std::size_t> use,
               std::size_t rank) {
  const auto targets = static_cast<Eigen::Index>(quality.size());
  Matrix products = Matrix::Zero(targets, targets);
  Vector mean(targets), one(targets);
  for (Eigen::Index t = 0; t < targets; ++t) {
    mean[t] = sigmoid(base_logit(quality[static_cast<std::size_t>(t)], use));
  }
  for (const std::size_t row : use) {
    for (Eigen::Index t = 0; t < targets; ++t) {
      const float value = quality[static_cast<std::size_t>(t)][row];
      one[t] = std::isnan(value) ? 0 : static_cast<double>(value) - mean[t];
    }
    products += one * one.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(products);
  Matrix v(targets, static_cast<Eigen::Index>(rank));
  for (Eigen::Index k = 0; k < v.cols(); ++k) {
    v.col(k) = solver.eigenvectors().col(targets - 1 - k) * std::sqrt(static_cast<double>(targets));
    // The sign of an eigenvector is arbitrary: fix it.
    if (v.col(k).sum() < 0) v.col(k) = -v.col(k);
  }
  return v;
}

void fit_functions(const SparseRows& x, const std::vector<std::vector<float>>& quality,
                   std::span<const std::size_t> use, const LinearFitOptions& options,
                   Bilinear& model) {
  const auto columns = static_cast<Eigen::Index>(x.columns);
  const Eigen::Index factors = model.v.cols();
  Vector u(factors), slope_u(factors);
  const Objective objective = [&](const Vector& w, Vector& gradient) {
    gradient = options.penalty * w;
    double value = options.penalty / 2 * w.squaredNorm();
    for (const std::size_t row : use) {
      const auto entries = x.row(row);
      for (Eigen::Index k = 0; k < factors; ++k) u[k] = dot(entries, w.data() + k * columns);
      slope_u.setZero();
      for (Eigen::Index t = 0; t < model.v.rows(); ++t) {
        const float truth = quality[static_cast<std::size_t>(t)][row];
        if (std::isnan(truth)) continue;
        const double z = model.base[t] + model.v.row(t).dot(u);
        value += softplus(z) - static_cast<double>(truth) * z;
        slope_u += (sigmoid(z) - static_cast<double>(truth)) * model.v.row(t).transpose();
      }
      for (const SparseRows::Entry& entry : entries) {
        for (Eigen::Index k = 0; k < factors; ++k) {
          gradient[k * columns + static_cast<Eigen::Index>(entry.column)] +=
              slope_u[k] * static_cast<double>(entry.value);
        }
      }
    }
    return value;
  };
  model.functions = minimise(objective, std::move(model.functions),
                             {.steps_max = kStepsMax, .tolerance = options.tolerance})
                        .x;
}

// The p that fits sigmoid(offset + phi . p) to the truths best, by Newton's method from `start`.
// `input(row, phi)` fills phi and returns the offset.
template <class Input>
Vector fit_numbers(const std::vector<float>& quality, std::span<const std::size_t> use,
                   Vector start, const Vector& prior, const Input& input) {
  Vector p = std::move(start), phi(p.size());
  for (int step = 0; step < kNewtonSteps; ++step) {
    Vector gradient = kTargetPenalty * (p - prior);
    Matrix curve = kTargetPenalty * Matrix::Identity(p.size(), p.size());
    for (const std::size_t row : use) {
      if (std::isnan(quality[row])) continue;
      const double offset = input(row, phi);
      const double chance = sigmoid(offset + phi.dot(p));
      gradient += (chance - static_cast<double>(quality[row])) * phi;
      curve += std::max(1e-6, chance * (1 - chance)) * phi * phi.transpose();
    }
    Vector change = curve.ldlt().solve(gradient);
    // A Newton step far from the minimum may leap: keep it short.
    const double longest = change.cwiseAbs().maxCoeff();
    if (longest > 2) change *= 2 / longest;
    p -= change;
    if (longest < 1e-6) break;
  }
  return p;
}

void fit_targets(const SparseRows& x, const std::vector<std::vector<float>>& quality,
                 std::span<const std::size_t> use, FactorKind kind, Bilinear& model) {
  const auto columns = static_cast<Eigen::Index>(x.columns);
  const auto u = [&](std::size_t row, Eigen::Index k) {
    return dot(x.row(row), model.functions.data() + k * columns);
  };
  for (Eigen::Index t = 0; t < model.v.rows(); ++t) {
    const auto& truths = quality[static_cast<std::size_t>(t)];
    if (kind == FactorKind::kItemResponse) {
      const Vector old = Vector::Constant(1, model.base[t]);
      const Vector ability = fit_numbers(truths, use, old, old, [&](std::size_t row, Vector& phi) {
        phi[0] = 1 + u(row, 0);
        return u(row, 1);
      });
      model.base[t] = model.v(t, 0) = ability[0];
      continue;
    }
    Vector old(model.v.cols() + 1);
    old << model.base[t], model.v.row(t).transpose();
    const Vector numbers = fit_numbers(truths, use, old, old, [&](std::size_t row, Vector& phi) {
      phi[0] = 1;
      for (Eigen::Index k = 0; k < model.v.cols(); ++k) phi[k + 1] = u(row, k);
      return 0.0;
    });
    model.base[t] = numbers[0];
    model.v.row(t) = numbers.tail(model.v.cols()).transpose();
  }
}

}  // namespace

std::vector<LinearFunction> fit_factors(const SparseRows& x,
                                        const std::vector<std::vector<float>>& quality,
                                        std::span<const std::size_t> use, FactorKind kind,
                                        const LinearFitOptions& options) {
  const auto targets = static_cast<Eigen::Index>(quality.size());
  Bilinear model{Vector(targets), Matrix::Ones(targets, 2), {}};
  for (Eigen::Index t = 0; t < targets; ++t) {
    model.base[t] = base_logit(quality[static_cast<std::size_t>(t)], use);
  }
  if (kind == FactorKind::kItemResponse) {
    model.v.col(0) = model.base;  // (1 + u_0) ability + u_1.
  } else {
    model.v = leading(quality, use, std::min(kRankMax, quality.size()));
  }
  const auto columns = static_cast<Eigen::Index>(x.columns);
  model.functions = Vector::Zero(model.v.cols() * columns);
  for (int turn = 0; turn < kTurns; ++turn) {
    fit_functions(x, quality, use, options, model);
    if (turn + 1 < kTurns) fit_targets(x, quality, use, kind, model);
  }
  std::vector<LinearFunction> functions;
  for (Eigen::Index t = 0; t < targets; ++t) {
    Vector sum = Vector::Zero(columns);
    for (Eigen::Index k = 0; k < model.v.cols(); ++k) {
      sum += model.v(t, k) * model.functions.segment(k * columns, columns);
    }
    functions.push_back({std::vector<double>(sum.data(), sum.data() + columns), model.base[t]});
  }
  return functions;
}

}  // namespace fare
