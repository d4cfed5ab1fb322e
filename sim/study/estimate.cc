#include "study/estimate.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "fare/check.h"

namespace routesim {
namespace {

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

double variance(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size() - 1);
}

Estimate estimate(std::span<const double> values) {
  FARE_CHECK(!values.empty());
  Estimate result{.mean = mean_of(values), .half_width = std::nullopt};
  if (values.size() < 2) return result;
  const auto n = static_cast<double>(values.size());
  const boost::math::students_t student(n - 1);
  const double t = boost::math::quantile(student, 0.975);
  result.half_width = t * std::sqrt(variance(values) / n);
  return result;
}

}  // namespace routesim
