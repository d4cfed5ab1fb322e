#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint64_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.

#include "fare/money.h"       // Cost.
#include "fare/time.h"        // Instant.
#include "spend/spin_lock.h"  // SpinLock.

namespace fare {

// Which target last served a session, and what the session has spent on leaving warm ones.
//
// A fixed number of places, 3 MB, made when the first policy pins: a session whose set of places is
// full takes that of the one which was quiet for longest, which is then not pinned any more and has
// its switch budget anew.  Thread-safe; a lock for each set.  Allocates in prepare() only.
class Sessions {
 public:
  static constexpr std::size_t kSets = 16'384;
  static constexpr std::size_t kWays = 4;

  struct Pin {
    std::uint64_t record = 0;  // TargetRecord::id.
    Cost spent;                // On switching.
  };

  void prepare();  // Before the first use; for one thread at a time.

  // REQUIRES: session != 0.
  std::optional<Pin> find(std::uint64_t session) const;
  void put(std::uint64_t session, const Pin& pin, Instant now);

 private:
  struct Place {
    std::uint64_t session = 0;
    Pin pin;
    Instant used = Instant::min();
  };
  struct Set {
    SpinLock lock;
    std::array<Place, kWays> place;
  };

  Set& set_of(std::uint64_t session) const;

  std::unique_ptr<Set[]> sets_;
};

}  // namespace fare
