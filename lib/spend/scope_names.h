#pragma once

#include <atomic>       // std::atomic.
#include <cstdint>      // std::uint32_t.
#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "base/blocks.h"  // Blocks.

namespace fare {

// From ids to small numbers, 1, 2, 3 ...: never removed, never moved.
//
// find() and name() are for any number of threads and wait for nobody; add() is for one at a time.
// Some 30 bytes an id, and the id itself.
class ScopeNames {
 public:
  ScopeNames();

  std::uint32_t find(std::string_view name) const;  // 0 if it is not there.
  std::uint32_t add(std::string_view name);         // REQUIRES: not there; at most 255 bytes.
  std::string_view name(std::uint32_t number) const;
  std::uint32_t size() const { return size_; }

 private:
  struct Table {
    explicit Table(std::uint32_t slots);
    std::uint32_t mask;
    std::vector<std::atomic<std::uint32_t>> number;  // 0: free.
  };

  static void insert(Table& table, std::string_view name, std::uint32_t number);

  std::atomic<Table*> table_;
  std::vector<std::unique_ptr<Table>> tables_;  // The one in use last; readers may be in others.
  Blocks<const char*, 64> names_;               // A byte with the length, then the name.
  std::vector<std::unique_ptr<char[]>> pages_;
  std::size_t page_left_ = 0;
  std::atomic<std::uint32_t> size_ = 0;
};

}  // namespace fare
