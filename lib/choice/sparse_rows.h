#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

namespace fare {

// A matrix by rows, of which only what is not zero is kept.  Columns are 0 ... columns - 1; within
// a row they may stand in any order, each at most once.
struct SparseRows {
  struct Entry {
    std::uint32_t column;
    float value;
  };

  std::size_t columns = 0;
  std::vector<std::size_t> begin{0};  // Of each row in `entries`; one more than there are rows.
  std::vector<Entry> entries;

  std::size_t rows() const { return begin.size() - 1; }
  std::span<const Entry> row(std::size_t index) const {
    return {entries.data() + begin[index], begin[index + 1] - begin[index]};
  }
  void end_row() { begin.push_back(entries.size()); }
};

// x . w, where w has at least as many entries as x has columns.
inline double dot(std::span<const SparseRows::Entry> row, const double* weights) {
  double sum = 0;
  for (const SparseRows::Entry& entry : row) {
    sum += static_cast<double>(entry.value) * weights[entry.column];
  }
  return sum;
}

}  // namespace fare
