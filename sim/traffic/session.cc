#include "traffic/session.h"

#include <utility>
#include <vector>

#include "fare/check.h"
#include "traffic/session_kinds.h"

namespace routesim {

struct SessionSource::State {
  State(const TrafficModel& model, std::uint64_t seed, std::uint32_t replication)
      : users(model.users, seed, replication) {
    if (model.recorded) {
      sessions = recorded_sessions(model, seed, replication);
    } else if (model.sessions) {
      sessions = synthetic_sessions(model, seed, replication);
    } else {
      requests.emplace(model, seed, replication);
    }
  }

  UserDraws users;
  std::optional<TrafficSource> requests;  // One of both.
  std::unique_ptr<Sessions> sessions;
  std::vector<Arrival> due;
  std::size_t given = 0;  // Of those that are due.
};

SessionSource::SessionSource(const TrafficModel& model, std::uint64_t seed,
                             std::uint32_t replication)
    : state_(std::make_unique<State>(model, seed, replication)) {}

SessionSource::~SessionSource() = default;

bool SessionSource::next(Arrival& arrival) {
  State& state = *state_;
  arrival = Arrival{};
  if (!(state.requests ? state.requests->next(arrival) : state.sessions->next(arrival))) {
    return false;
  }
  arrival.patience = state.users.patience(arrival.index);
  return true;
}

std::optional<Arrival> SessionSource::after(const Arrival& finished, fare::Duration now,
                                            Ending ending) {
  State& state = *state_;
  FARE_CHECK(state.given == state.due.size());
  FARE_CHECK(now >= finished.at);
  state.due.clear();
  state.given = 0;
  if (std::optional<Arrival> again = state.users.again(finished, now, ending)) return again;
  if (!state.sessions) return std::nullopt;
  const bool answered = ending == Ending::kGood || ending == Ending::kBad;
  state.sessions->after(finished, now, answered, state.due);
  for (Arrival& arrival : state.due) arrival.patience = state.users.patience(arrival.index);
  Arrival first;
  if (!also(first)) return std::nullopt;
  return first;
}

bool SessionSource::also(Arrival& arrival) {
  State& state = *state_;
  if (state.given == state.due.size()) return false;
  arrival = state.due[state.given++];
  return true;
}

std::size_t SessionSource::open_sessions() const {
  return state_->sessions ? state_->sessions->open() : 0;
}

}  // namespace routesim
