#pragma once

#include <array>     // std::array.
#include <compare>   // operator<=>.
#include <cstdint>   // std::uint64_t.
#include <map>       // std::map.
#include <optional>  // std::optional.
#include <utility>   // std::pair.

#include "fare/lease_message.h"  // LeaseRequest, LeaseReply.
#include "fare/money.h"          // Money.
#include "fare/time.h"           // Instant, Duration.
#include "fare/window.h"         // kWindowsFirst.

namespace fare {

// Many replicas, one budget: each admits locally against a lease that the shared ledger granted it.
//
// Both sides are values without I/O: the owner carries LeaseRequest and LeaseReply over any
// network, which may lose, delay, repeat and reorder them, and stores what LeaseServer says to
// store.  One pair of classes is for one budget in one window; a new window has new ones.
//
// What is promised, whatever crashes, and whatever the clocks show:
//   - Strict overspend is exactly 0: a grant is subtracted before it is sent, is only given back by
//     the replica that holds it, and what a lost replica held counts as spent.  No clock takes part
//     in this; clocks only decide when a silent replica's lease is written off.
//   - limit = settled + leased + free at the server, and
//     granted = returned + settled + reserved + headroom at every replica, at every instant.
//   - Stranded at exhaustion, without faults: at most one request's amount, and 1/(2 N) of what is
//     left on each of N replicas.  A replica that is lost strands its lease, a server that is lost
//     at most `chunk`, and what had been returned and not granted again.
//
// How: totals are cumulative, so repeated and reordered messages change nothing; a sequence number
// lets one request grant once.  A restarted server (a new generation) presumes everything spent
// that it had ever committed to, and lets a replica take from that what it reports, once, in a
// message written after the restart; until one lease length has passed it only listens (learning
// mode).

// A replica's side.  Not thread-safe: the owner locks.  Allocates nothing.
class LeaseHolder {
 public:
  struct Options {
    std::uint32_t replica = 0;
    std::uint64_t incarnation = 1;  // Greater at every start of this replica.
    Duration refresh = std::chrono::seconds(1);
    Money safe;  // Of what it holds, this much may be spent after the lease ran out unrenewed.
    friend auto operator<=>(const Options&, const Options&) = default;
  };
  explicit LeaseHolder(Options options) : options_(options) {}

  // Reserves `amount` out of the lease; false if it has not so much, or it ran out.
  [[nodiscard]] bool reserve(Money amount, Instant now);

  // Ends a reservation of `reserved` that cost `cost`; more than reserved is a debt.
  void settle(Money reserved, Money cost);

  // The request to send now, if one is due: every `refresh`, four times as often while money is
  // short.  Gives back what is not wanted.
  std::optional<LeaseRequest> poll(Instant now);

  void receive(const LeaseReply& reply, Instant now);

  // Gives back all that is not reserved; the next poll() reports it.
  void give_back();

  Money headroom() const { return granted_ - returned_ - settled_ - reserved_; }
  Money granted() const { return granted_; }
  Money returned() const { return returned_; }
  Money settled() const { return settled_; }
  Money reserved() const { return reserved_; }
  std::uint64_t generation() const { return generation_; }
  std::uint64_t sequence() const { return sequence_; }
  friend auto operator<=>(const LeaseHolder&, const LeaseHolder&) = default;  // Of all its state.

 private:
  Options options_;
  std::uint64_t generation_ = 0;
  std::uint64_t sequence_ = 0;
  Money granted_, returned_, settled_, reserved_;
  Money hold_max_, asked_, demand_, needed_;
  Money spent_unsafely_;  // Reserved since the lease ran out.
  std::optional<Instant> sent_;
  Instant demand_since_ = kWindowsFirst;
  Instant valid_until_ = Instant::min();
  std::array<Instant, 8> sent_at_{};  // By sequence.
};

// The shared ledger's side; its limit may be what Ledger::lease_out() gave.  Not thread-safe.
// Memory grows with the incarnations of the window.
class LeaseServer {
 public:
  // What must outlive the server, in storage that keeps what it was told to keep.
  struct Durable {
    std::uint64_t generation = 0;
    Money committed;  // No more than this was ever settled or leased at a time.
    friend auto operator<=>(const Durable&, const Durable&) = default;
  };
  struct Options {
    Money limit;
    Duration lease = std::chrono::seconds(10);
    Money chunk;  // Commits ahead by this much, so that few grants wait for the storage.
    friend auto operator<=>(const Options&, const Options&) = default;
  };

  // `last`: what was stored last; Durable{} if this is the first start ever.
  LeaseServer(Options options, Durable last, Instant now);

  struct Answer {
    std::optional<Durable> store_first;  // Send the reply only once this is stored; if that fails,
                                         // discard the server.
    LeaseReply reply;
  };
  Answer handle(const LeaseRequest& request, Instant now);

  // Writes off leases not renewed in time; a replica that comes back finds its own again.
  void expire(Instant now);

  void set_limit(Money limit) { options_.limit = limit; }  // Lower: grants nothing until it fits.

  bool is_learning(Instant now) const { return now < learning_until_; }
  Money limit() const { return options_.limit; }
  Money settled() const;  // What was written off, and is presumed spent, included.
  Money leased() const;
  Money free() const { return options_.limit - settled() - leased(); }
  friend auto operator<=>(const LeaseServer&, const LeaseServer&) = default;  // Of all its state.

 private:
  struct Lease {
    friend auto operator<=>(const Lease&, const Lease&) = default;
    std::uint64_t sequence = 0;
    Money granted, returned, settled;
    Instant expires{};
    bool is_over = false;

    Money used() const;
  };

  Lease& lease_of(const LeaseRequest& request);
  Money grant_for(const Lease& lease, const LeaseRequest& request, Instant now) const;
  Money hold_max(const LeaseRequest& request) const;

  Options options_;
  Durable durable_;
  bool is_stored_ = false;  // The generation.
  Money presumed_;          // Committed by earlier generations, and not found with a replica.
  Instant learning_until_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, Lease> leases_;
};

}  // namespace fare
