#pragma once

#include <cstdint>  // std::uint64_t.
#include <map>      // std::map.
#include <memory>   // std::unique_ptr.
#include <mutex>    // std::mutex.
#include <string>   // std::string.

#include "fare/ledger.h"           // Ledger.
#include "fare/rate_limit.h"       // RateLimits.
#include "fare/router.h"           // Router.
#include "router/forecasts.h"      // Forecasts.
#include "router/generations.h"    // Generations.
#include "router/retry_gate.h"     // RetryGate.
#include "router/sessions.h"       // Sessions.
#include "router/snapshot.h"       // Snapshot.
#include "router/target_record.h"  // TargetRecord.
#include "router/ticket_table.h"   // TicketTable.

namespace fare {

// Holds the current configuration for as long as it lives.
class Pinned {
 public:
  Pinned(const Generations& all, std::uint32_t shard)
      : all_(all), shard_(shard), slot_(all.pin(shard)) {}
  ~Pinned() {
    if (!kept_) all_.unpin(slot_, shard_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  const Snapshot& operator*() const { return all_[slot_]; }
  const Snapshot* operator->() const { return &all_[slot_]; }
  std::uint32_t slot() const { return slot_; }
  // A ticket holds it from now on, and unpins it.
  void keep() { kept_ = true; }

 private:
  const Generations& all_;
  std::uint32_t shard_;
  std::uint32_t slot_;
  bool kept_ = false;
};

struct Router::State {
  explicit State(std::uint32_t open_tickets_max) : tickets(open_tickets_max) {}

  // route.cc
  void route(const Request& request, Instant now, Decision& decision);

  // top_up.cc
  TopUp top_up(const TicketTable::Claimed& claimed, const Attempt& last, TargetId target,
               Instant now);
  TopUp hedge(const TicketTable::Claimed& claimed, TargetId target, Instant now);
  TopUp grant_next(const TicketTable::Claimed& claimed, TargetId target, bool is_retry,
                   std::span<const ScopeId> payers, Instant now);
  TopUpStatus extend(const TicketTable::Claimed& claimed, Tokens output, Instant now);

  // settle.cc
  Settlement settle(const TicketTable::Claimed& claimed, const Outcome& outcome, Instant now);
  void expire(const TicketTable::Claimed& claimed, Instant now);
  void unpin(const TicketTable::Claimed& claimed);

  // reload.cc; under `structure`.
  Expected<RouterReload> load(Config config, Instant now);
  void attach(Snapshot& snapshot, std::span<const LimitId> limit_ids, Instant now);
  void drop(const Snapshot& snapshot, Instant now);
  Expected<std::vector<LimitId>> load_limits(const Snapshot& snapshot, Instant now);

  const Snapshot& current() const { return generations[generations.current()]; }

  std::mutex structure;
  std::uint64_t loads = 0;
  Generations generations;
  std::map<std::string, std::unique_ptr<TargetRecord>> records;  // By name.
  std::uint64_t records_made = 0;
  std::unique_ptr<Ledger> ledger;      // From the first budgets on.
  std::unique_ptr<RateLimits> limits;  // There from the start.
  RetryGate retries;
  Forecasts forecasts;
  Sessions sessions;
  TicketTable tickets;
};

}  // namespace fare
