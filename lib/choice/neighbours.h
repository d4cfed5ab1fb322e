#pragma once

#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "choice/sparse_rows.h"  // SparseRows.

namespace fare {

// Finds the rows most similar to a query, by the cosine of unit vectors.  Text rows are sparse (of
// each only its heaviest entries are kept) and found through an inverted index; embeddings are
// dense and all of them are compared.  Immutable once built.
class Neighbours {
 public:
  struct Near {
    std::uint32_t row;
    float similarity;
  };

  // Memory of a query, for one thread.
  struct Scratch {
    std::vector<float> similarity;  // By row, in whole blocks; all 0 between queries.
    std::vector<Near> near;
  };

  static constexpr std::size_t kEntriesMax = 32;  // Kept of a sparse row.

  Neighbours() = default;

  // Keeps the heaviest entries of each row, scaled to length 1.
  static Neighbours sparse(const SparseRows& rows, std::span<const std::size_t> use);
  static Neighbours dense(std::vector<float> values, std::size_t dimensions);
  static Neighbours from_rows(SparseRows rows);  // As rows() gave them.

  // The `count` most similar rows, most similar first, ties by row; fewer if fewer share anything.
  // `query` must have length 1 or 0.  `skip`: a row to leave out (leave-one-out), or none.
  std::span<const Near> find(std::span<const SparseRows::Entry> query, std::size_t count,
                             Scratch& scratch, std::uint32_t skip = ~0u) const;
  std::span<const Near> find_dense(std::span<const float> query, std::size_t count,
                                   Scratch& scratch, std::uint32_t skip = ~0u) const;

  std::size_t size() const;
  const SparseRows& rows() const { return rows_; }
  const std::vector<float>& values() const { return values_; }
  std::size_t dimensions() const { return dimensions_; }

 private:
  struct Posting {
    std::uint32_t row;
    float value;
  };

  void index();
  // Keeps the best `count`, best first.
  static void offer(Near one, std::size_t count, std::vector<Near>& near);

  SparseRows rows_;
  std::vector<std::uint32_t> first_;  // Posting of each column; one more than columns.
  std::vector<Posting> postings_;
  std::vector<float> values_;  // Dense rows, each of length 1.
  std::size_t dimensions_ = 0;
};

// What neighbours say about a quantity whose values by row are `values` (NaN: unknown): the mean
// weighted by similarity, drawn towards `base` as if `kNeighbourPrior` of similarity agreed with
// it.
inline constexpr double kNeighbourPrior = 1.0;
double neighbour_mean(std::span<const Neighbours::Near> near, std::span<const float> values,
                      double base);

}  // namespace fare
