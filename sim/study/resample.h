#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <vector>   // std::vector.

namespace routesim {

// A number with its 95 % bootstrap interval (percentiles; rows are drawn with replacement).
struct Interval {
  double value = 0, low = 0, high = 0;
};

// How often each row counts, in each resample; in the first one every row counts once.
using Weights = std::vector<std::vector<std::uint32_t>>;
Weights draw_weights(std::size_t rows, std::size_t resamples, std::uint64_t seed);

// The first value is the estimate, the others are the resamples'.  REQUIRES: not empty.
Interval interval_of(std::vector<double> values);

// The rows of one resample.
template <class T>
std::vector<T> repeated(const std::vector<T>& rows, const std::vector<std::uint32_t>& weight) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out.insert(out.end(), weight[i], rows[i]);
  return out;
}

}  // namespace routesim
