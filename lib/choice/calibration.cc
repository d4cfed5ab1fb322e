#include "choice/calibration.h"

#include <algorithm>
#include <cmath>

#include "choice/linear_fit.h"
#include "fare/check.h"

namespace fare {
namespace {

constexpr int kNewtonSteps = 100;
constexpr double kDamping = 1e-9;

double mean_truth(std::span<const Forecast> scored) {
  double sum = 0;
  for (const Forecast& one : scored) sum += one.truth;
  return sum / static_cast<double>(scored.size());
}

double logit(double probability) { return std::log(probability / (1 - probability)); }

double loss_of(std::span<const Forecast> scored, double slope, double offset, double low,
               double high) {
  double sum = 0;
  for (const Forecast& one : scored) {
    const double truth = low + one.truth * (high - low);
    const double z = slope * one.probability + offset;
    sum += (z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z))) - truth * z;
  }
  return sum;
}

}  // namespace

double Calibration::operator()(double score) const {
  if (link == Link::kLogistic) return sigmoid(slope * score + offset);
  if (link == Link::kLine) return std::clamp(slope * score + offset, 0.0, 1.0);
  const auto after =
      std::upper_bound(steps.begin(), steps.end(), score,
                       [](double value, const Step& step) { return value < step.score; });
  return after == steps.begin() ? steps.front().value : std::prev(after)->value;
}

Calibration fit_logistic_link(std::span<const Forecast> scored) {
  FARE_CHECK(!scored.empty());
  const double rows = static_cast<double>(scored.size());
  const double successes = mean_truth(scored) * rows;
  const double high = (successes + 1) / (successes + 2);
  const double low = 1 / (rows - successes + 2);
  const double base = low + mean_truth(scored) * (high - low);
  Calibration fit{Calibration::Link::kLogistic, 0, logit(base), {}};
  double loss = loss_of(scored, fit.slope, fit.offset, low, high);
  for (int step = 0; step < kNewtonSteps; ++step) {
    double a = 0, b = 0, aa = kDamping, ab = 0, bb = kDamping;
    for (const Forecast& one : scored) {
      const double s = one.probability;
      const double p = sigmoid(fit.slope * s + fit.offset);
      const double slope = p - (low + one.truth * (high - low));
      const double curve = p * (1 - p);
      a += slope * s;
      b += slope;
      aa += curve * s * s;
      ab += curve * s;
      bb += curve;
    }
    const double determinant = aa * bb - ab * ab;
    if (std::abs(a) + std::abs(b) < 1e-7 * rows || !(determinant > 0)) break;
    const double change_slope = -(bb * a - ab * b) / determinant;
    const double change_offset = -(aa * b - ab * a) / determinant;
    double length = 1, next = 0;
    for (; length > 1e-10; length /= 2) {
      next = loss_of(scored, fit.slope + length * change_slope, fit.offset + length * change_offset,
                     low, high);
      if (next < loss) break;
    }
    if (!(next < loss)) break;
    fit.slope += length * change_slope;
    fit.offset += length * change_offset;
    loss = next;
  }
  // A score that ranks the wrong way round tells nothing: the base rate does better.
  if (!(fit.slope > 0)) fit = {Calibration::Link::kLogistic, 0, logit(base), {}};
  return fit;
}

Calibration fit_line(std::span<const Forecast> scored) {
  FARE_CHECK(!scored.empty());
  const double rows = static_cast<double>(scored.size());
  const double mean = mean_truth(scored);
  double middle = 0;
  for (const Forecast& one : scored) middle += one.probability / rows;
  double square = 0, product = 0;
  for (const Forecast& one : scored) {
    square += (one.probability - middle) * (one.probability - middle);
    product += (one.probability - middle) * (one.truth - mean);
  }
  const double slope = square > 0 ? std::max(0.0, product / square) : 0;
  return {Calibration::Link::kLine, slope, mean - slope * middle, {}};
}

Calibration fit_stairs(std::span<const Forecast> scored) {
  FARE_CHECK(!scored.empty());
  std::vector<Forecast> sorted(scored.begin(), scored.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Forecast& a, const Forecast& b) {
    return a.probability < b.probability;
  });
  struct Pool {
    double score, sum, rows;
  };
  std::vector<Pool> pools;
  for (const Forecast& one : sorted) {
    if (!pools.empty() && pools.back().score == one.probability) {
      pools.back().sum += one.truth;
      pools.back().rows += 1;
    } else {
      pools.push_back({one.probability, one.truth, 1});
    }
  }
  std::vector<Pool> rising;
  for (Pool pool : pools) {
    while (!rising.empty() && rising.back().sum * pool.rows >= pool.sum * rising.back().rows) {
      pool = {rising.back().score, rising.back().sum + pool.sum, rising.back().rows + pool.rows};
      rising.pop_back();
    }
    rising.push_back(pool);
  }
  Calibration fit{Calibration::Link::kStairs, 1, 0, {}};
  for (const Pool& pool : rising) fit.steps.push_back({pool.score, pool.sum / pool.rows});
  return fit;
}

}  // namespace fare
