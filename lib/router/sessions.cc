#include "router/sessions.h"

#include <algorithm>
#include <mutex>

namespace fare {

void Sessions::prepare() {
  if (sets_ == nullptr) sets_ = std::make_unique<Set[]>(kSets);
}

Sessions::Set& Sessions::set_of(std::uint64_t session) const {
  return sets_[(session * 0x9e3779b97f4a7c15u) >> 50];  // Fibonacci hashing to 14 bits.
}

std::optional<Sessions::Pin> Sessions::find(std::uint64_t session) const {
  Set& set = set_of(session);
  const std::scoped_lock guard(set.lock);
  for (const Place& place : set.place) {
    if (place.session == session) return place.pin;
  }
  return std::nullopt;
}

void Sessions::put(std::uint64_t session, const Pin& pin, Instant now) {
  Set& set = set_of(session);
  const std::scoped_lock guard(set.lock);
  Place* chosen = set.place.data();
  for (Place& place : set.place) {
    if (place.session == session) {
      chosen = &place;
      break;
    }
    if (place.used < chosen->used) chosen = &place;
  }
  *chosen = {.session = session, .pin = pin, .used = now};
}

}  // namespace fare
