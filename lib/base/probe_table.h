#pragma once

#include <algorithm>  // std::fill.
#include <cstddef>    // std::size_t.
#include <utility>    // std::exchange.
#include <vector>     // std::vector.

#include "base/fetch.h"  // fetch_line.

namespace fare {

// A hash table in one array, for tables so large that every visit is a cache miss: whoever knows a
// key early lets the processor fetch its cell, which maps of libraries offer no way to do.  `Hash`
// mixes well in its low bits.
//
// Linear probing, at most half full; what is erased leaves no mark, for those behind it move up
// (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).  Not thread-safe.  Values move when
// others come and go.  Its order depends on hashes: none of it may show in what is reported.
template <class Key, class Value, class Hash>
class ProbeTable {
 public:
  std::size_t size() const { return size_; }

  // The key's value; null if there is none.
  Value* find(const Key& key) {
    return const_cast<Value*>(static_cast<const ProbeTable&>(*this).find(key));
  }
  const Value* find(const Key& key) const {
    if (size_ == 0) return nullptr;
    const Cell& cell = cells_[place_of(key)];
    return cell.is_taken ? &cell.value : nullptr;
  }

  // The key's value, which may be new.  Amortised O(1).
  Value& make(const Key& key) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    Cell& cell = cells_[place_of(key)];
    if (cell.is_taken) return cell.value;
    ++size_;
    cell.key = key;
    cell.is_taken = true;
    return cell.value;
  }

  // REQUIRES: the key is there.
  void erase(const Key& key) { erase_at(place_of(key)); }

  // Erases every key for whose value `test(value)` holds.  O(cells).
  template <class Test>
  void erase_if(const Test& test) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      while (cells_[i].is_taken && test(cells_[i].value)) erase_at(i);
    }
  }

  // Lets the processor fetch where the key's cell is or would be.
  void fetch(const Key& key) const {
    if (!cells_.empty()) fetch_line(&cells_[home_of(key)]);
  }

  void clear() {
    std::fill(cells_.begin(), cells_.end(), Cell());
    size_ = 0;
  }

 private:
  static constexpr std::size_t kCellsMin = 16;

  struct Cell {
    Key key{};
    Value value{};
    bool is_taken = false;
  };

  std::size_t mask() const { return cells_.size() - 1; }
  std::size_t home_of(const Key& key) const { return Hash()(key) & mask(); }

  // Where the key's cell is, or the free one that it would take.
  std::size_t place_of(const Key& key) const {
    std::size_t i = home_of(key);
    while (cells_[i].is_taken && !(cells_[i].key == key)) i = (i + 1) & mask();
    return i;
  }

  void erase_at(std::size_t hole) {
    --size_;
    for (std::size_t i = hole;;) {
      i = (i + 1) & mask();
      if (!cells_[i].is_taken) break;
      // It may move up unless that would bring it before where it belongs.
      if (((i - home_of(cells_[i].key)) & mask()) < ((i - hole) & mask())) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = Cell();
  }

  void grow() {
    const std::vector<Cell> before =
        std::exchange(cells_, std::vector<Cell>(cells_.empty() ? kCellsMin : 2 * cells_.size()));
    for (const Cell& cell : before) {
      if (cell.is_taken) cells_[place_of(cell.key)] = cell;
    }
  }

  std::vector<Cell> cells_;  // None, or a power of two of them.
  std::size_t size_ = 0;
};

}  // namespace fare
