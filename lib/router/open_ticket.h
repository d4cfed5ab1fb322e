#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.

#include "fare/decision.h"     // TargetId, kAttemptsMax.
#include "fare/inline_list.h"  // InlineList.
#include "fare/money.h"        // Money.
#include "fare/rate_limit.h"   // LimitUse.
#include "fare/request.h"      // kScopesMax.
#include "fare/reservation.h"  // LedgerTicket, ScopeId.
#include "fare/time.h"         // Instant.
#include "fare/tokens.h"       // Tokens.

namespace fare {

// What a request can cost at most, and what it is expected to; rounded up.
struct Bounds {
  Money worst;
  Money expected;
};

// One attempt that was granted.
struct Tried {
  TargetId target{};
  bool ended = false;         // Its target knows how it ended, and its limits are settled.
  bool is_probe = false;      // Of an ejected target.
  LimitUse estimate;          // What its limits were asked for,
  std::uint64_t charged = 0;  // and took (LimitTicket::charged).
  Instant granted{};
  Tokens output;          // What it was reserved with.
  LedgerTicket ledger{};  // Zero: nobody pays.
  Bounds bounds;
  std::optional<Money> counted;  // What it is known to have cost, rounded up.
};

// All attempts of a request but the first.
struct FurtherTried {
  std::array<Tried, kAttemptsMax - 1> tried;
  FurtherTried* next_free = nullptr;
};

// What the router keeps of a request until its ticket is closed.  Guarded by the ticket's claim.
// Of many that are open each line of memory is a miss, so what few of them need stands elsewhere.
struct OpenTicket {
  std::uint32_t generation = 0;  // The slot of the configuration it was decided by; pinned.
  std::uint32_t rule = 0;
  std::uint32_t request_class = 0;
  std::uint8_t plan_size = 0;
  std::uint8_t tried_size = 0;
  bool is_hedged = false;     // Two attempts were under way at a time.
  std::uint64_t session = 0;  // If its rule pins sessions.
  // A ledger's ticket for each attempt: each has side scopes of its own.
  Tried first;
  FurtherTried* further = nullptr;  // TicketTable's; null: there are none.
  std::array<TargetId, kAttemptsMax> plan{};
  Tokens input;  // As it is sent: after a step that shortens it.
  Tokens expected_output;
  std::optional<Tokens> output_max;  // The tightest of the caller's and the ladder's cap.
  std::optional<Instant> deadline;
  InlineList<ScopeId, kScopesMax> payers;

  // An attempt that was granted.  REQUIRES: i < tried_size.
  const Tried& at(std::size_t i) const { return i == 0 ? first : further->tried[i - 1]; }
  Tried& at(std::size_t i) { return i == 0 ? first : further->tried[i - 1]; }

  const Tried* find(TargetId target) const {
    for (std::size_t i = 0; i < tried_size; ++i) {
      if (at(i).target == target) return &at(i);
    }
    return nullptr;
  }
  // The attempt under way, if there is just one.
  const Tried* only_open() const {
    const Tried* open = nullptr;
    for (std::size_t i = 0; i < tried_size; ++i) {
      if (at(i).ended) continue;
      if (open != nullptr) return nullptr;
      open = &at(i);
    }
    return open;
  }
  Tried* find(TargetId target) {
    return const_cast<Tried*>(static_cast<const OpenTicket&>(*this).find(target));
  }
};

}  // namespace fare
