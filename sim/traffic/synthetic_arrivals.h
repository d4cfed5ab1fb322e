#pragma once

#include <cstdint>  // std::uint64_t.
#include <string>   // std::string.
#include <vector>   // std::vector.

#include "fare/time.h"        // Duration.
#include "traffic/gap_law.h"  // GapLaw.
#include "traffic/trace.h"    // kUnnamed.

namespace routesim {

// A point of a curve of factors over time.
struct RatePoint {
  fare::Duration at{};
  double factor = 1;
};

// A state of the world that makes requests more or less frequent, for a while.
struct RateState {
  double weight = 1;      // The rate in it, in proportion to the others'; some state's is above 0.
  fare::Duration mean{};  // Of the exponential time it lasts; at least 1 ms.
};

// A stretch of time in which a client sends at one rate.
struct ClientWindow {
  fare::Duration start{};
  fare::Duration length{};  // Above 0.
  double per_second = 0;    // Not negative.
  GapLaw gaps;
};

// Somebody who sends requests of his own rhythm, independent of the others.
struct Client {
  std::string name;                        // Of the tenant whom its requests belong to.
  std::string class_name;                  // Of its requests, or empty: drawn from the mix.
  std::uint32_t tenant = kUnnamed;         // Their indices in the model,
  std::uint32_t request_class = kUnnamed;  // known once the client is part of one.
  std::vector<ClientWindow> windows;       // In order of time, none into the next.  Between them
                                           // the client sends nothing.
};

// When requests come, if no recording says.
struct SyntheticArrivals {
  enum class Process { kPoisson, kEven, kGamma, kWeibull, kMmpp, kClients };
  Process process = Process::kPoisson;
  // The mean rate, 1e-6 to 1e6: over the hours of a day or week, over the states, before the curve.
  // Of kClients what their windows say.
  double per_second = 1;
  // Empty, or 24, or 168: the rate of each hour of the UTC day or week over the mean; scaled so
  // that they average exactly 1.  A run starts at midnight (of a Monday) by convention, so the
  // first weight is that of its first hour, and the 25th (169th) hour has the first weight again.
  // Not for kEven and kClients.
  std::vector<double> hour_weights;
  // Empty, or factors of the rate at instants of the run, linear between two points; before the
  // first and after the last it stays as there.  Two points of one instant are a jump: so a flash
  // crowd is {0 h: 1}, {2 h: 1}, {2 h: 6}, {2.5 h: 1}, a launch {0 h: 0.1}, {48 h: 1}.
  // Instants never fall.  Not for kEven and kClients.
  std::vector<RatePoint> rate_curve;
  GapLaw gaps;                    // Of kGamma and kWeibull.
  std::vector<RateState> states;  // Of kMmpp: 2 or more; after one comes any other, all alike.
  std::vector<Client> clients;    // Of kClients.
  fare::Duration length{};        // Requests that would arrive at or after it do not.
  std::uint64_t requests = 0;     // If not 0: exactly so many requests, whatever the length (of
                                  // kClients: at most so many).
  fare::Duration tick{};          // If above 0, times are cut to multiples of it, as some logs do.
};

// The mean of the states' weights over time: they last in proportion to their means, as each is
// followed by all others alike.
double mean_weight(const std::vector<RateState>& states);

// How many requests come before `end` on average, `requests` aside.  REQUIRES: not kEven.
// O(hours + points), of kClients O(windows).
double expected_before(const SyntheticArrivals& arrivals, fare::Duration end);

}  // namespace routesim
