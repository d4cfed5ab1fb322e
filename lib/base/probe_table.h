#pragma once

#include <algorithm>  // std::fill.
#include <cstddef>    // std::size_t.
#include <utility>    // std::exchange.
#include <vector>     // std::vector.

#include "base/fetch.h"  // fetch_line.

namespace fare {

// A hash table in one array, for tables so large that every visit is a cache miss: whoever knows a
// key early lets the processor fetch its cell, which maps of libraries offer no way to do.  A cell
// says what it is about:
//
//   struct Cell {                                 // A new one is free.
//     using Key = ...;
//     static std::size_t hash(const Key& key);    // Well mixed in its low bits.
//     bool is_free() const;
//     Key key() const;                            // REQUIRES: it is not free.
//     void set_key(const Key& key);               // It is free no more.
//   };
//
// Linear probing, at most half full; what is erased leaves no mark, for those behind it move up
// (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).  Not thread-safe.  Cells move when
// others come and go.  Its order depends on hashes: none of it may show in what is reported.
template <class Cell>
class ProbeTable {
 public:
  using Key = typename Cell::Key;

  std::size_t size() const { return size_; }

  // The key's cell; null if there is none.
  Cell* find(const Key& key) {
    return const_cast<Cell*>(static_cast<const ProbeTable&>(*this).find(key));
  }
  const Cell* find(const Key& key) const {
    if (size_ == 0) return nullptr;
    const Cell& cell = cells_[place_of(key)];
    return cell.is_free() ? nullptr : &cell;
  }

  // The key's cell, which may be new.  Amortised O(1).
  Cell& make(const Key& key) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    Cell& cell = cells_[place_of(key)];
    if (!cell.is_free()) return cell;
    ++size_;
    cell.set_key(key);
    return cell;
  }

  // REQUIRES: a cell of this table that is not free.
  void erase(const Cell* cell) {
    --size_;
    auto hole = static_cast<std::size_t>(cell - cells_.data());
    for (std::size_t i = hole;;) {
      i = (i + 1) & mask();
      if (cells_[i].is_free()) break;
      // It may move up unless that would bring it before where it belongs.
      const std::size_t home = Cell::hash(cells_[i].key()) & mask();
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = Cell();
  }

  // Erases every cell for which `test(cell)` holds.  O(cells).
  template <class Test>
  void erase_if(const Test& test) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      while (!cells_[i].is_free() && test(cells_[i])) erase(&cells_[i]);
    }
  }

  // Lets the processor fetch where the key's cell is or would be.
  void fetch(const Key& key) const {
    if (!cells_.empty()) fetch_line(&cells_[Cell::hash(key) & mask()]);
  }

  void clear() {
    std::fill(cells_.begin(), cells_.end(), Cell());
    size_ = 0;
  }

 private:
  static constexpr std::size_t kCellsMin = 16;

  std::size_t mask() const { return cells_.size() - 1; }

  // Where the key's cell is, or the free one that it would take.
  std::size_t place_of(const Key& key) const {
    std::size_t i = Cell::hash(key) & mask();
    while (!cells_[i].is_free() && !(cells_[i].key() == key)) i = (i + 1) & mask();
    return i;
  }

  void grow() {
    const std::vector<Cell> before =
        std::exchange(cells_, std::vector<Cell>(cells_.empty() ? kCellsMin : 2 * cells_.size()));
    for (const Cell& cell : before) {
      if (!cell.is_free()) cells_[place_of(cell.key())] = cell;
    }
  }

  std::vector<Cell> cells_;  // None, or a power of two of them.
  std::size_t size_ = 0;
};

}  // namespace fare
