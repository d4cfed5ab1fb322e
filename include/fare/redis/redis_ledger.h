#pragma once

#include <cstdint>  // std::uint64_t.
#include <memory>   // std::unique_ptr.
#include <string>   // std::string.

#include "fare/expected.h"       // Expected.
#include "fare/lease_message.h"  // LeaseRequest, LeaseReply.
#include "fare/money.h"          // Money.
#include "fare/time.h"           // Duration.
#include "fare/window.h"         // WindowSpan.

namespace fare {

// The shared ledger of fare/lease.h on a Redis: what LeaseServer keeps in its memory and in Durable
// stands in three Redis keys, and one Lua script, so one atomic step, does what handle() does.
// Every replica has its LeaseHolder, and carries its requests with a RedisLedger of its own.
//
// Redis's clock decides when leases run out and whether the window is open; no other takes part.
// Amounts are exact over all of Money, though Lua counts in doubles.
//
// What is promised, where nobody deletes the keys and Redis evicts none (maxmemory-policy
// noeviction):
//   - With Options::keeps_every_write, which asks for `appendonly yes`, `appendfsync always`,
//     `no-appendfsync-on-rewrite no`, and no failover to another Redis: strict overspend is exactly
//     0, and whatever crashes, Redis included, a restart loses and strands nothing.  A grant was
//     subtracted, and is on disk, before it is sent.
//   - Without, for any other persistence and for failover: a Redis that was restarted or replaced
//     may have lost the end of its story, or branch from it.  It is known by its run id, or by a
//     replica that knows more than it does.  It presumes the whole limit spent, listens for one
//     lease, and lets each replica take from that what it reports to hold; what nobody reports
//     stays spent.  So strict overspend is exactly 0 here too, at the price of what was free.
//     The exception is a book that was lost as a whole, because the window was new or nothing is
//     persistent: a restarted Redis takes nobody's word that there was none before it listened for
//     one lease; if none of those who held a lease is heard in that time, or the Redis was replaced
//     by one that ran all the while, overspend is at most what the lost book had granted.
//   - limit = settled + leased + free at every step.

// A budget in one window, as the configuration has it.
struct RedisBudget {
  std::string name;  // Any text; names the keys, together with the window's beginning.
  WindowSpan window{};
  Money limit;                // Not negative.
  std::uint64_t version = 0;  // Of the limit: all replicas' highest one holds.  A raise that is
                              // first named while the ledger listens after a loss counts as spent.
  Duration lease = std::chrono::seconds(10);  // At least a microsecond; the same for all replicas.
};

// What stands in Redis after a step, for this budget and window.
struct RedisBook {
  Money limit;
  Money settled;  // What was written off, or is presumed spent, included.
  Money leased;
  Money free;                // Negative after a debt, or under a lowered limit.
  bool is_learning = false;  // Only listens, and grants nothing.
};

enum class RedisStatus : std::uint8_t {
  kAnswered,
  kNotOpen,      // By Redis's clock the window has not begun, or ended a day ago or earlier.
  kUnreachable,  // No connection, or it broke; the request may have been counted.
  kTimedOut,     // No answer in time; the request may have been counted.
  kNotDurable,   // Not, or not known to be, what keeps_every_write asks for.  Nothing was counted.
  kElsewhere,    // Another node has these keys, or may write them: `detail` says which.
  kDenied,       // User, password or permission.
  kRefused,      // Another error of Redis: `detail` is its text.
  kGarbled,      // Not an answer of the ledger's script; not a Redis, or somebody else's keys.
};

// The stable, lower-case name: "timed_out".
[[nodiscard]] std::string_view to_string(RedisStatus status);

struct RedisAnswer {
  RedisStatus status = RedisStatus::kAnswered;
  LeaseReply reply;    // If kAnswered: for LeaseHolder::receive().
  RedisBook book;      // If kAnswered.
  std::string detail;  // Else: a sentence, or Redis's own words.
};

// One connection.  Unlike the core it does I/O; it starts no thread and reads no clock.  Not
// thread-safe: one for each thread, or the owner locks.
class RedisLedger {
 public:
  struct Options {
    std::string address;  // An IP address, or the path of a Unix socket, which begins with '/'.
                          // Not a host's name: no time limit bounds how long finding one takes.
    std::uint16_t port = 6379;
    std::string user{};                                 // Empty: the default user.
    std::string password{};                             // Empty: none is sent.
    Duration timeout = std::chrono::milliseconds(100);  // Of an exchange, connecting included.
    bool keeps_every_write = false;                     // See above; checked at every connection.
  };

  // Does not connect yet.  Errors: an address that is none, a timeout outside (0, 1 h], a user
  // without a password.
  [[nodiscard]] static Expected<RedisLedger> create(Options options);

  // Hands `request` over and waits for the answer, connecting if need be: for at most the timeout.
  // Whatever goes wrong is said by the status; the next exchange() connects again.  Repeating a
  // request is harmless; one that was never answered need not be repeated, for the replica's next
  // one says all of it.  When the window is over, it still takes reports, for a day, and grants
  // nothing; no lease outlasts its window.  One round trip; in Redis O(log replicas) and what has
  // run out since.
  // REQUIRES: `request` was written by a LeaseHolder that hears this budget and window only; the
  // budget as above; its window begins before it ends, and not before kWindowsFirst.
  [[nodiscard]] RedisAnswer exchange(const RedisBudget& budget, const LeaseRequest& request);

  RedisLedger(RedisLedger&&) noexcept;
  RedisLedger& operator=(RedisLedger&&) noexcept;
  ~RedisLedger();

 private:
  struct State;
  explicit RedisLedger(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fare
