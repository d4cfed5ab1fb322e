#include "choice/neighbours.h"

#include <algorithm>
#include <cmath>

namespace fare {
namespace {

constexpr std::size_t kBlock = 16;  // Rows that are looked at together.

bool more_similar(const Neighbours::Near& a, const Neighbours::Near& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
}

}  // namespace

Neighbours Neighbours::sparse(const SparseRows& rows, std::span<const std::size_t> use) {
  SparseRows kept;
  kept.columns = rows.columns;
  std::vector<SparseRows::Entry> entries;
  for (const std::size_t row : use) {
    entries.assign(rows.row(row).begin(), rows.row(row).end());
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return a.value != b.value ? a.value > b.value : a.column < b.column;
    });
    if (entries.size() > kEntriesMax) entries.resize(kEntriesMax);
    double square = 0;
    for (const auto& entry : entries) square += static_cast<double>(entry.value * entry.value);
    const auto scale = static_cast<float>(square > 0 ? 1 / std::sqrt(square) : 0);
    for (const auto& entry : entries) {
      kept.entries.push_back({entry.column, entry.value * scale});
    }
    kept.end_row();
  }
  return from_rows(std::move(kept));
}

Neighbours Neighbours::from_rows(SparseRows rows) {
  Neighbours made;
  made.rows_ = std::move(rows);
  made.index();
  return made;
}

Neighbours Neighbours::dense(std::vector<float> values, std::size_t dimensions) {
  Neighbours made;
  made.values_ = std::move(values);
  made.dimensions_ = dimensions;
  return made;
}

std::size_t Neighbours::size() const {
  return dimensions_ > 0 ? values_.size() / dimensions_ : rows_.rows();
}

void Neighbours::index() {
  first_.assign(rows_.columns + 1, 0);
  for (const auto& entry : rows_.entries) ++first_[entry.column + 1];
  for (std::size_t i = 0; i < rows_.columns; ++i) first_[i + 1] += first_[i];
  postings_.resize(rows_.entries.size());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::size_t row = 0; row < rows_.rows(); ++row) {
    for (const auto& entry : rows_.row(row)) {
      postings_[next[entry.column]++] = {static_cast<std::uint32_t>(row), entry.value};
    }
  }
}

void Neighbours::offer(Near one, std::size_t count, std::vector<Near>& near) {
  if (near.size() == count && (count == 0 || !more_similar(one, near.back()))) return;
  if (near.size() < count) near.push_back(one);
  std::size_t place = near.size() - 1;
  for (; place > 0 && more_similar(one, near[place - 1]); --place) near[place] = near[place - 1];
  near[place] = one;
}

std::span<const Neighbours::Near> Neighbours::find(std::span<const SparseRows::Entry> query,
                                                   std::size_t count, Scratch& scratch,
                                                   std::uint32_t skip) const {
  const std::size_t rows = rows_.rows();
  const std::size_t blocks = (rows + kBlock - 1) / kBlock;
  if (scratch.similarity.size() < blocks * kBlock) scratch.similarity.resize(blocks * kBlock, 0.0f);
  scratch.near.clear();
  scratch.near.reserve(count);
  float* const similarity = scratch.similarity.data();
  const Posting* const postings = postings_.data();
  for (const SparseRows::Entry& entry : query) {
    const std::uint32_t end = first_[entry.column + 1];
    for (std::uint32_t i = first_[entry.column]; i < end; ++i) {
      similarity[postings[i].row] += entry.value * postings[i].value;
    }
  }
  if (skip < rows) similarity[skip] = 0;
  // Whole blocks are passed over: few rows are nearer than those found before.
  float least = 0;
  for (std::size_t block = 0; block < blocks * kBlock; block += kBlock) {
    float* const own = similarity + block;
    bool any = false;
    for (std::size_t i = 0; i < kBlock; ++i) any |= own[i] > least;
    if (!any) continue;
    for (std::size_t i = 0; i < kBlock; ++i) {
      if (own[i] <= least) continue;
      offer({static_cast<std::uint32_t>(block + i), std::min(1.0f, own[i])}, count, scratch.near);
      if (scratch.near.size() == count && count > 0) least = scratch.near.back().similarity;
    }
  }
  std::fill(similarity, similarity + blocks * kBlock, 0.0f);
  return scratch.near;
}

std::span<const Neighbours::Near> Neighbours::find_dense(std::span<const float> query,
                                                         std::size_t count, Scratch& scratch,
                                                         std::uint32_t skip) const {
  scratch.near.clear();
  scratch.near.reserve(count);
  for (std::size_t row = 0; row < size(); ++row) {
    if (row == skip) continue;
    float similarity = 0;
    for (std::size_t i = 0; i < dimensions_; ++i) {
      similarity += query[i] * values_[row * dimensions_ + i];
    }
    offer({static_cast<std::uint32_t>(row), std::clamp(similarity, 0.0f, 1.0f)}, count,
          scratch.near);
  }
  return scratch.near;
}

double neighbour_mean(std::span<const Neighbours::Near> near, std::span<const float> values,
                      double base) {
  double weight = kNeighbourPrior, sum = kNeighbourPrior * base;
  for (const Neighbours::Near& one : near) {
    const float value = values[one.row];
    if (std::isnan(value)) continue;
    weight += static_cast<double>(one.similarity);
    sum += static_cast<double>(one.similarity * value);
  }
  return sum / weight;
}

}  // namespace fare
