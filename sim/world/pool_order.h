#pragma once

#include <algorithm>  // std::fill.
#include <bit>        // std::bit_ceil.
#include <cstddef>    // std::size_t.
#include <cstdint>    // std::int64_t.
#include <limits>     // std::numeric_limits.
#include <vector>     // std::vector.

namespace routesim {

// Keeps the least of a fixed number of keys, and whose it is: a tournament tree.  Of equal keys the
// first in number wins.  set() takes O(log n), the least is O(1); allocates only when made.
class PoolOrder {
 public:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

  explicit PoolOrder(std::size_t count)
      : leaves_(std::bit_ceil(count < 1 ? std::size_t{1} : count)), keys_(leaves_, kNone) {
    winners_.resize(leaves_);
    for (std::size_t i = 1; i < leaves_; ++i) winners_[i] = leftmost(i);
  }

  void set(std::size_t i, std::int64_t key) {
    keys_[i] = key;
    for (std::size_t node = (i + leaves_) / 2; node > 0; node /= 2) {
      const std::size_t left = winner(2 * node);
      const std::size_t right = winner(2 * node + 1);
      winners_[node] = keys_[right] < keys_[left] ? right : left;
    }
  }

  std::size_t first() const { return leaves_ == 1 ? 0 : winners_[1]; }
  std::int64_t least() const { return keys_[first()]; }  // kNone: nobody has a key.

 private:
  std::size_t winner(std::size_t node) const {
    return node >= leaves_ ? node - leaves_ : winners_[node];
  }
  std::size_t leftmost(std::size_t node) const {
    while (node < leaves_) node *= 2;
    return node - leaves_;
  }

  std::size_t leaves_;
  std::vector<std::int64_t> keys_;
  std::vector<std::size_t> winners_;  // By inner node, from 1.
};

}  // namespace routesim
