#include "choice/best_of_normals.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"
#include "fare/decision.h"

namespace fare {
namespace {

constexpr int kReach = 16;         // Points on either side of a mean.
constexpr double kStep = 0.25;     // Deviations between two of them.
constexpr double kFar = 8;         // Deviations beyond which nothing happens.
constexpr double kCertain = 1e-9;  // The deviation of what has none, so that it is no step.
constexpr std::size_t kPoints = 2 * kReach + 1;

// How likely the variable is below x.
double below(const Normal& variable, double x) {
  const double distance = (x - variable.mean) / variable.deviation;
  return distance >= kFar ? 1 : distance <= -kFar ? 0 : normal_cdf(distance);
}

}  // namespace

void best_of_normals(std::span<const Normal> variables, std::span<double> chance) {
  FARE_CHECK(!variables.empty());
  FARE_CHECK(variables.size() <= kCandidatesMax);
  FARE_CHECK(chance.size() == variables.size());
  const std::size_t count = variables.size();
  std::array<Normal, kCandidatesMax> variable;
  std::array<double, kCandidatesMax * kPoints> point;
  std::size_t points = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double mean = variables[i].mean;
    const double least = kCertain * (1 + std::abs(mean));
    variable[i] = {mean, std::max(variables[i].deviation, least)};
    for (int k = -kReach; k <= kReach; ++k) {
      point[points++] = mean + k * kStep * variable[i].deviation;
    }
  }
  std::sort(point.begin(), point.begin() + points);
  std::array<double, kCandidatesMax> left{}, right{};
  std::fill(chance.begin(), chance.end(), 0.0);
  for (std::size_t k = 0; k <= points; ++k) {
    // The last piece has no end.
    for (std::size_t i = 0; i < count; ++i) {
      right[i] = k < points ? below(variable[i], point[k]) : 1;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const double mass = right[i] - left[i];
      if (mass <= 0) continue;
      double others = mass;
      for (std::size_t j = 0; j < count; ++j) {
        if (j != i) others *= (left[j] + right[j]) / 2;
      }
      chance[i] += others;
    }
    left = right;
  }
  double sum = 0;
  for (const double one : chance) sum += one;
  for (double& one : chance) one /= sum;
}

}  // namespace fare
