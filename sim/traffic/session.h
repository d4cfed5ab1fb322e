#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint64_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.

#include "fare/time.h"           // Duration.
#include "traffic/traffic.h"     // Arrival, TrafficModel.
#include "traffic/user_model.h"  // Ending.

namespace routesim {

// The requests of one replication, of users who react: those that come by themselves, and those
// that follow from an answer or from its absence.
//
// Without users and sessions in the model it gives what TrafficSource gives.  With sessions, each
// request of the open process begins one; the call after an answer comes a think time later, its
// prompt grown by the answer and the new text.  With recorded prompts, these are replayed: one by
// one at their time, or session by session (RecordedSessions).  A recorded answer of no token is
// replayed as one of one token.
//
// Names of blocks: equal names mean equal prefixes, over all sessions of a run.  A session's own
// blocks are consecutive names, so a prompt is at most three runs, whatever its length, and one
// more for each rewrite before it.
//
// Deterministic in (model, seed, replication) and in what the answers were and when: every draw is
// keyed by the request's index, which does not depend on them, so another policy meets the same
// users, who say and think the same.  The model must outlive it.  next() and after() are O(1) (with
// recorded sessions in open loop O(log open sessions)), and allocate only when more sessions are
// open than ever before; memory grows with open sessions only.  Not thread-safe.
class SessionSource {
 public:
  SessionSource(const TrafficModel& model, std::uint64_t seed, std::uint32_t replication);
  ~SessionSource();

  // The next request that comes by itself, or false at the end; in order of time.
  bool next(Arrival& arrival);

  // What follows when a request (of next(), after() or also(), as it was given out) has ended: the
  // user asks again, goes on after thinking, or hands work to sub-agents; or nothing, as the
  // session is over, or waits for its other sub-agents.  Never before `now`.
  // REQUIRES: each request ends exactly once; now >= finished.at.
  std::optional<Arrival> after(const Arrival& finished, fare::Duration now, Ending ending);

  // Further requests that the last after() brought about, as other sub-agents; false once there are
  // no more.  REQUIRES: it is asked until then before the next call of after().
  bool also(Arrival& arrival);

  std::size_t open_sessions() const;  // That have begun and may go on.

  // Something that keeps the state of sessions of one kind.
  class Sessions;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace routesim
