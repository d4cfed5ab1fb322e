#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/random.h"        // RandomKey.
#include "fare/money.h"         // Cost.
#include "fare/time.h"          // Duration.
#include "world/autoscaler.h"   // Autoscaler.
#include "world/batch.h"        // Batch.
#include "world/batch_model.h"  // BatchWork, PoolWork, PoolEvent.
#include "world/pool_model.h"   // PoolModel.
#include "world/pool_order.h"   // PoolOrder.

namespace routesim {

// What a pool did and cost up to an instant.
struct PoolTotals {
  fare::Int128 replica_ns = 0;  // Paid for: from the start of each replica to its end.
  fare::Duration busy{};        // In iterations, over all replicas; of those in progress nothing.
  double utilisation = 0;       // busy / replica_ns; 0 without replicas.
  fare::Cost cost;              // replica_ns * gpus_per_replica * cost_per_gpu_hour / hour, rounded
                                // once, half to even.
  BatchWork done;               // Over all replicas.
  std::uint32_t replicas = 0;   // Now: starting, serving, or ending their last requests.
  std::uint32_t replicas_max = 0;  // The most there ever were.
  std::uint64_t held = 0;          // Requests that found no replica ready.
};

// A self-hosted pool as a deterministic machine without an event queue of its own: tell it what is
// sent, ask when something changes next, and call advance() at that instant.
//
//   pool.send(work, now, events);                          // May report a rejection, nothing else.
//   while (pool.next_change()) pool.advance(*pool.next_change(), events);
//
// Deterministic in (model, key, calls).  Calls come in order of time, and none is later than
// next_change() before advance() was called for it.  While nothing is in it, and the autoscaler has
// nothing left to end, next_change() is empty: a simulation ends.  What batch.h says of sums and
// memory holds here too; a change takes O(log replicas) beside the batch's own.
// Prompts share no cache: `cached` tokens are not computed, but held by each request (fewer fit
// than in a server that shares pages).
class Pool {
 public:
  // `acceptance` is the key of the draws of speculation.  REQUIRES: the model is in range.
  Pool(const PoolModel& model, const fare::RandomKey& acceptance);

  // Takes work, or appends its rejection.
  // REQUIRES: the slot is free; input and output at least 1; cached in [0, input].
  void send(const PoolWork& work, fare::Duration now, std::vector<PoolEvent>& out);

  std::optional<fare::Duration> next_change() const;

  // Appends all that happens at that instant: by replica, on each finished answers before first
  // tokens, then preemptions, then starts.  REQUIRES: now == next_change().
  void advance(fare::Duration now, std::vector<PoolEvent>& out);

  // Ends a request without an event; its slot is free at once, its place with the iteration in
  // progress.  The tokens that it has given.  REQUIRES: the slot is in the pool.
  fare::Tokens cancel(std::uint32_t slot, fare::Duration now);

  // Rejects all that is sent from now on; what is in the pool is finished.
  void drain();

  std::uint64_t requests() const { return requests_; }  // In the pool.

  // REQUIRES: `now` is not before any earlier instant.
  PoolTotals totals(fare::Duration now) const;

  // What one replica did up to its last change; for fits.
  const BatchWork& done(std::size_t replica) const { return replicas_[replica].batch.done(); }
  // Where a request is, if a replica has it.
  std::optional<std::size_t> replica_of(std::uint32_t slot) const;

 private:
  enum class Stage : std::uint8_t { kOff, kStarting, kServing, kEnding };
  struct Replica {
    Batch batch;
    Stage stage = Stage::kOff;
    std::int64_t outstanding = 0;
    std::uint32_t requests = 0;
    fare::Duration ready{};
  };
  struct Place {  // Of a slot.
    std::uint32_t replica = kNobody;
    std::uint32_t number = 0;  // On the replica, or among the held.
    std::int64_t work = 0;
  };
  static constexpr std::uint32_t kNobody = 0xffffffff;
  static constexpr std::uint32_t kHeld = 0xfffffffe;

  void assign(const PoolWork& work, fare::Duration now, std::vector<PoolEvent>& out);
  void release(std::uint32_t slot);
  void refresh(std::size_t replica);
  void decide(fare::Duration now, std::vector<PoolEvent>& out);
  void start_replicas(std::int64_t count, fare::Duration now, std::vector<PoolEvent>& out);
  void end_replicas(std::int64_t count, fare::Duration now);
  void serve(std::size_t replica, fare::Duration now, std::vector<PoolEvent>& out);
  void switch_off_if_done(std::size_t replica, fare::Duration now);
  void pay_to(fare::Duration now);
  void plan_decision(fare::Duration now);

  PoolModel model_;
  std::vector<Replica> replicas_;
  PoolOrder changes_;           // Of replicas, by their next change.
  PoolOrder loads_;             // Of those that serve, by their outstanding work.
  std::vector<Place> places_;   // By slot.
  std::vector<PoolWork> held_;  // Until a replica serves.
  Autoscaler autoscaler_;
  fare::Duration decision_ = Batch::kNever;
  bool drained_ = false;
  std::uint64_t requests_ = 0;
  std::uint32_t on_ = 0, live_ = 0, on_max_ = 0;  // Paid for; of them not ending.
  std::uint64_t held_count_ = 0;
  fare::Int128 paid_ = 0;
  fare::Duration paid_to_{};
  std::vector<PoolEvent> happened_;
};

}  // namespace routesim
