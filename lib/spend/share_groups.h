#pragma once

#include <cstdint>  // std::uint32_t.
#include <map>      // std::map.
#include <mutex>    // std::mutex.
#include <vector>   // std::vector.

#include "fare/fair_share.h"     // Share.
#include "fare/money.h"          // Money.
#include "fare/time.h"           // Instant.
#include "spend/account_book.h"  // AccountBook.

namespace fare {

// Which accounts hold a part of which; and shares a parent out among its children.
// Thread-safe.  Locks accounts one after the other, so REQUIRES that the caller holds none.
class ShareGroups {
 public:
  // One child's part, as configured.
  struct Part {
    std::uint32_t parent = 0;
    std::uint32_t child = 0;
    std::uint32_t weight = 1;
    bool borrow = true;
  };

  // Replaces all parts; every child holds no more than it is sure of from now on.
  void replace(const std::vector<Part>& parts, const AccountBook& accounts);
  void add(const Part& part);

  // Shares the parent of `child` out anew, for `child` lacks `amount`; true if it has that then.
  bool share_out(AccountBook& accounts, std::uint32_t child, Money amount, Instant now) {
    const std::scoped_lock lock(mutex_);
    return share_out_locked(accounts, child, amount, now);
  }

 private:
  struct Member {
    std::uint32_t account = 0;
    std::uint32_t weight = 1;
    bool borrow = true;
    Instant asked_at = Instant::min();  // For more than it held, last.
  };

  bool share_out_locked(AccountBook& accounts, std::uint32_t child, Money amount, Instant now);
  struct Claim {
    ShareClaim claim;
    Money used;
  };

  // Brings the member to its window at `now`, which is `window`.
  static Claim claim_of(AccountBook& accounts, const Member& member, bool asks,
                        const WindowSpan& window, Instant now);
  // Takes back first, then lends, so that at no instant more is held than there is.
  static bool settle_on(const AccountBook& accounts, const std::vector<Member>& members,
                        const std::vector<Money>& shares, Money capacity, std::size_t asking,
                        Money amount);

  std::mutex mutex_;
  std::map<std::uint32_t, std::vector<Member>> members_;  // By their parent.
  std::map<std::uint32_t, std::uint32_t> parent_;         // By the child.
};

}  // namespace fare
