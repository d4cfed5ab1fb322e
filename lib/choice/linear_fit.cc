#include "choice/linear_fit.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "choice/minimise.h"

namespace fare {
namespace {

constexpr int kStepsMax = 300;

using Vector = Eigen::VectorXd;

// log(1 + e^z) without overflow.
double softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

void add_to(Vector& gradient, std::span<const SparseRows::Entry> row, double factor,
            Eigen::Index offset) {
  for (const SparseRows::Entry& entry : row) {
    gradient[offset + static_cast<Eigen::Index>(entry.column)] +=
        factor * static_cast<double>(entry.value);
  }
}

// One function whose loss and slope at a row are given by `loss(prediction, y, slope)`.
template <class Loss>
LinearFunction fit_one(const SparseRows& x, std::span<const float> y,
                       std::span<const std::size_t> use, const LinearFitOptions& options,
                       const Loss& loss) {
  const auto columns = static_cast<Eigen::Index>(x.columns);
  Vector start = Vector::Zero(columns + 1);
  if (options.start != nullptr) {
    std::copy(options.start->weights.begin(), options.start->weights.end(), start.data());
    start[columns] = options.start->bias;
  }
  const Objective objective = [&](const Vector& w, Vector& gradient) {
    gradient.head(columns) = options.penalty * w.head(columns);
    double value = options.penalty / 2 * w.head(columns).squaredNorm();
    double bias_slope = 0;
    for (const std::size_t row : use) {
      const auto entries = x.row(row);
      double slope = 0;
      value += loss(w[columns] + dot(entries, w.data()), static_cast<double>(y[row]), slope);
      add_to(gradient, entries, slope, 0);
      bias_slope += slope;
    }
    gradient[columns] = bias_slope;
    return value;
  };
  const Minimum best = minimise(objective, std::move(start),
                                {.steps_max = kStepsMax, .tolerance = options.tolerance});
  return {std::vector<double>(best.x.data(), best.x.data() + columns), best.x[columns]};
}

}  // namespace

double sigmoid(double logit) {
  return logit >= 0 ? 1 / (1 + std::exp(-logit)) : std::exp(logit) / (1 + std::exp(logit));
}

LinearFunction fit_logistic(const SparseRows& x, std::span<const float> y,
                            std::span<const std::size_t> use, const LinearFitOptions& options) {
  return fit_one(x, y, use, options, [](double logit, double truth, double& slope) {
    slope = sigmoid(logit) - truth;
    return softplus(logit) - truth * logit;
  });
}

LinearFunction fit_ridge(const SparseRows& x, std::span<const float> y,
                         std::span<const std::size_t> use, const LinearFitOptions& options) {
  return fit_one(x, y, use, options, [](double value, double truth, double& slope) {
    slope = value - truth;
    return slope * slope / 2;
  });
}

std::vector<LinearFunction> fit_multinomial(const SparseRows& x, std::span<const std::size_t> label,
                                            std::size_t classes, std::span<const std::size_t> use,
                                            const LinearFitOptions& options) {
  const auto columns = static_cast<Eigen::Index>(x.columns);
  const auto count = static_cast<Eigen::Index>(classes);
  const auto stride = columns + 1;
  std::vector<double> score(classes);
  const Objective objective = [&](const Vector& w, Vector& gradient) {
    double value = 0;
    for (Eigen::Index k = 0; k < count; ++k) {
      const auto weights = w.segment(k * stride, columns);
      gradient.segment(k * stride, columns) = options.penalty * weights;
      gradient[k * stride + columns] = 0;
      value += options.penalty / 2 * weights.squaredNorm();
    }
    for (const std::size_t row : use) {
      const auto entries = x.row(row);
      for (Eigen::Index k = 0; k < count; ++k) {
        score[static_cast<std::size_t>(k)] =
            w[k * stride + columns] + dot(entries, w.data() + k * stride);
      }
      const double top = *std::max_element(score.begin(), score.end());
      double sum = 0;
      for (const double one : score) sum += std::exp(one - top);
      value += top + std::log(sum) - score[label[row]];
      for (Eigen::Index k = 0; k < count; ++k) {
        const auto index = static_cast<std::size_t>(k);
        const double slope = std::exp(score[index] - top) / sum - (label[row] == index ? 1 : 0);
        add_to(gradient, entries, slope, k * stride);
        gradient[k * stride + columns] += slope;
      }
    }
    return value;
  };
  const Minimum best = minimise(objective, Vector::Zero(count * stride),
                                {.steps_max = kStepsMax, .tolerance = options.tolerance});
  std::vector<LinearFunction> functions(classes);
  for (std::size_t k = 0; k < classes; ++k) {
    const double* begin = best.x.data() + static_cast<Eigen::Index>(k) * stride;
    functions[k] = {std::vector<double>(begin, begin + columns), begin[columns]};
  }
  return functions;
}

}  // namespace fare
