#pragma once

#include <cstddef>  // std::size_t.
#include <memory>   // std::unique_ptr.
#include <vector>   // std::vector.

#include "traffic/session.h"  // Arrival, Duration, SessionSource, TrafficModel.

namespace routesim {

// A kind of sessions; users' second tries are no business of it.
class SessionSource::Sessions {
 public:
  virtual ~Sessions() = default;

  virtual bool next(Arrival& arrival) = 0;

  // Adds what follows to `due`.  `answered`: with any answer.
  virtual void after(const Arrival& finished, fare::Duration now, bool answered,
                     std::vector<Arrival>& due) = 0;

  virtual std::size_t open() const = 0;
};

// REQUIRES: model.sessions.
std::unique_ptr<SessionSource::Sessions> synthetic_sessions(const TrafficModel& model,
                                                            std::uint64_t seed,
                                                            std::uint32_t replication);

// REQUIRES: model.recorded.
std::unique_ptr<SessionSource::Sessions> recorded_sessions(const TrafficModel& model,
                                                           std::uint64_t seed,
                                                           std::uint32_t replication);

inline constexpr int kSessionShift = 20;  // Of a session's number in an index.

}  // namespace routesim
