#pragma once

#include <tsl/robin_map.h>
#include <array>    // std::array.
#include <cstdint>  // std::uint32_t.
#include <mutex>    // std::mutex.
#include <vector>   // std::vector.

#include "fare/money.h"     // Money.
#include "spend/account.h"  // Second.

namespace fare {

// A window that is over while tickets or leases of it are open, or of one before it.
struct PastWindow {
  Second begin = 0;
  Second end = 0;
  Money carried;
  Money limit;
  Money settled;
  Money reserved;
  Money leased;

  Money free() const { return limit - settled - reserved - leased; }
  bool is_done() const { return reserved == Money() && leased == Money(); }
};

// The past windows of all accounts; few have any.  Split into shards, each with its own lock, which
// is held only under the account's own.
class PastWindows {
 public:
  // Calls visit(windows) with those of an account, oldest first; there are none left if it leaves
  // them empty.  REQUIRES: the account's lock is held.
  template <class Visit>
  void visit(std::uint32_t account, const Visit& visit) {
    Shard& shard = shards_[account % shards_.size()];
    const std::scoped_lock lock(shard.mutex);
    auto found = shard.windows.try_emplace(account).first;
    visit(found.value());
    if (found->second.empty()) shard.windows.erase(found);
  }

 private:
  struct Shard {
    std::mutex mutex;
    tsl::robin_map<std::uint32_t, std::vector<PastWindow>> windows;
  };

  std::array<Shard, 16> shards_;
};

}  // namespace fare
