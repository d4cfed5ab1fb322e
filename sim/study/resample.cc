#include "study/resample.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "fare/check.h"

namespace routesim {

Weights draw_weights(std::size_t rows, std::size_t resamples, std::uint64_t seed) {
  Weights weights{std::vector<std::uint32_t>(rows, 1)};
  const fare::RandomKey key(seed, 0, fare::Purpose::kBootstrap);
  for (std::size_t i = 0; i < resamples; ++i) {
    fare::RandomStream stream(key, i);
    std::vector<std::uint32_t> one(rows, 0);
    for (std::size_t k = 0; k < rows; ++k) ++one[stream.below(rows)];
    weights.push_back(std::move(one));
  }
  return weights;
}

Interval interval_of(std::vector<double> values) {
  FARE_CHECK(!values.empty());
  Interval interval{values[0], values[0], values[0]};
  if (values.size() < 3) return interval;
  std::sort(values.begin() + 1, values.end());
  const auto last = static_cast<double>(values.size() - 2);
  interval.low = values[1 + static_cast<std::size_t>(std::floor(0.025 * last))];
  interval.high = values[1 + static_cast<std::size_t>(std::ceil(0.975 * last))];
  return interval;
}

}  // namespace routesim
