#pragma once

#include <cstdint>  // std::uint64_t.
#include <vector>   // std::vector.

#include "base/random.h"                 // RandomKey.
#include "fare/time.h"                   // Duration.
#include "traffic/rate_walk.h"           // RateWalk.
#include "traffic/synthetic_arrivals.h"  // SyntheticArrivals.

namespace routesim {

// The instants of a renewal process whose gaps are stretched by a rate that changes (RateWalk).
// With exponential gaps that is a Poisson process with a rate that varies, exactly, or one
// modulated by a Markov chain.  It begins in equilibrium.  One draw of gaps a request, keyed by its
// number.
class RenewalTimes {
 public:
  RenewalTimes(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication);

  fare::Duration next();  // Of the requests 0, 1, 2 ...; never before the one before.
                          // Duration::max() if none comes before the end of the run.

 private:
  fare::RandomKey key_;
  GapLaw gaps_;
  RateWalk walk_;
  std::uint64_t index_ = 0;
};

// Request k at floor(k * 1e9 / per_second) nanoseconds, exactly, where per_second is the decimal
// number that was written (0.1 means every 10 s).
class EvenTimes {
 public:
  explicit EvenTimes(const SyntheticArrivals& arrivals);

  fare::Duration next();

  // How many requests come before `end`.
  std::uint64_t count_before(fare::Duration end) const;

 private:
  // The step is whole_ + part_ / parts_ nanoseconds.
  std::int64_t whole_;
  std::int64_t part_;
  std::int64_t parts_;
  std::int64_t at_ = 0;
  std::int64_t collected_ = 0;  // Parts since the last whole nanosecond; below parts_.
};

// The requests of many clients, each a renewal process of its own in each of its windows, which
// begins in equilibrium there; merged by a heap of everybody's next one.  So the mean is exact in
// every window.  A client's draws are its own: one more client changes nothing for the others.
// O(log clients) a request, plus one step for each window in which nothing arrives.
class ClientTimes {
 public:
  ClientTimes(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication);

  // The next request of all, Duration::max() if there is none; client() says whose it is.
  fare::Duration next();
  std::uint32_t client() const { return client_; }

 private:
  struct Sender {
    fare::RandomStream stream;  // Of the window.
    std::size_t window;
    double within;  // Nanoseconds since the window's start.
  };
  struct Due {
    fare::Duration at;
    std::uint32_t client;

    // As the heaps of the standard library have the greatest in front.
    friend bool operator<(const Due& a, const Due& b) {
      return a.at != b.at ? a.at > b.at : a.client > b.client;
    }
  };

  bool enter(std::uint32_t client, std::size_t window);
  bool step(std::uint32_t client);
  fare::Duration at_of(std::uint32_t client) const;

  const std::vector<Client>* clients_;
  fare::RandomKey key_;
  std::vector<Sender> senders_;  // By client.
  std::vector<Due> heap_;        // The earliest in front; equals by client.
  std::uint32_t client_ = kUnnamed;
};

}  // namespace routesim
