#include "choice/best_of_normals.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"
#include "fare/decision.h"

namespace fare {
namespace {

constexpr double kSpan = 4;        // Deviations on either side of a mean that are cut up.
constexpr int kFine = 16;          // Pieces of each side,
constexpr int kCoarse = 8;         // and where there are more variables than
constexpr std::size_t kFew = 4;    // these, whose points serve each other.
constexpr double kFar = 8;         // Deviations beyond which nothing happens.
constexpr double kCertain = 1e-9;  // The deviation of what has none, so that it is no step.

// How likely the variable is below x.
double below(const Normal& variable, double x) {
  const double distance = (x - variable.mean) / variable.deviation;
  return distance >= kFar ? 1 : distance <= -kFar ? 0 : normal_cdf(distance);
}

// Adds to each chance that its variable lies in a piece and all others lie below: `left` and
// `right` are the distribution functions at its ends.
void add_piece(std::span<const double> left, std::span<const double> right,
               std::span<double> chance) {
  const std::size_t count = chance.size();
  std::array<double, kCandidatesMax + 1> behind;  // The product of all from here on.
  behind[count] = 1;
  for (std::size_t i = count; i-- > 0;) behind[i] = behind[i + 1] * (left[i] + right[i]) / 2;
  double before = 1;
  for (std::size_t i = 0; i < count; ++i) {
    chance[i] += (right[i] - left[i]) * before * behind[i + 1];
    before *= (left[i] + right[i]) / 2;
  }
}

}  // namespace

void best_of_normals(std::span<const Normal> variables, std::span<double> chance) {
  FARE_CHECK(!variables.empty());
  FARE_CHECK(variables.size() <= kCandidatesMax);
  FARE_CHECK(chance.size() == variables.size());
  const std::size_t count = variables.size();
  std::array<Normal, kCandidatesMax> variable;
  std::array<double, kCandidatesMax*(2 * kFine + 1)> point;
  std::size_t points = 0;
  const int reach = count <= kFew ? kFine : kCoarse;
  for (std::size_t i = 0; i < count; ++i) {
    const double mean = variables[i].mean;
    const double least = kCertain * (1 + std::abs(mean));
    variable[i] = {mean, std::max(variables[i].deviation, least)};
    for (int k = -reach; k <= reach; ++k) {
      point[points++] = mean + k * (kSpan / reach) * variable[i].deviation;
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
    add_piece(std::span(left).first(count), std::span(right).first(count), chance);
    left = right;
  }
  double sum = 0;
  for (const double one : chance) sum += one;
  for (double& one : chance) one /= sum;
}

}  // namespace fare
