#pragma once

#include <cstdint>  // std::uint8_t.

#include "fare/time.h"  // Instant, Duration.

namespace fare {

// How an attempt ended, as far as its target's health goes.
enum class AttemptEnd : std::uint8_t {
  kAnswered,
  kRateLimited,  // 429.
  kServerError,  // 5xx, 529 included.
  kTimeout,      // No connection, or no answer in time; 408.
  kCutOff,       // The stream broke after it began.
  kRejected,     // Any other 4xx: what was asked, or in whose name.
  kFiltered,     // Content policy.
  kCancelled,    // By the client, or because another attempt won.
};

// Whether the target failed: server error, timeout, cut off.  A prompt that is too long, a bad key
// or a filter says nothing of the target, for or against it.  Nor does a 429: the
// target is tired, not sick, and Router::hold() is what gives it a rest.
[[nodiscard]] bool blames_target(AttemptEnd end);

// What an HTTP status means if nothing else is known: 2xx answered; 408 timeout; 429 rate limited;
// 5xx and above server error; everything else rejected.
[[nodiscard]] AttemptEnd end_of_status(int status);

// Takes a failing target out, and lets it back in carefully.
//
//   closed --(failures)--> ejected --(time)--> probing --(answers)--> ramping --(time)--> closed
//                             ^--------(a failure)--------'
//
// It ejects after `failures_max` failures in a row, or when of at least `attempts_min` recent
// attempts `failure_share_max` failed, weighed by age.  While it is ejected nothing is sent, then
// at most `probes_max` at a time.  So a target that always fails gets, after those that were under
// way when it was ejected, at most `probes_max` attempts per ejection, and ejections double from
// `eject_min` to `eject_max`.
// A 429 is no failure, and no answer that would outweigh one: none ejects, or keeps from ejecting.
// To a probe it is an answer: the target is up, and says when it is to be asked again.  One that
// still fails behind its limiter is ejected again, for twice as long, as soon as that shows.
// What was sent before the present state began says nothing about it, and is not counted.
// Deterministic; time is an argument, and never earlier than before (an earlier `now` counts, but
// weighs like the latest).  A value of some 100 bytes; allocates nothing; not thread-safe: the
// owner locks.  Each function takes some nanoseconds, record() about 20.
class Breaker {
 public:
  struct Options {
    int failures_max = 5;                              // At least 1.
    double failure_share_max = 0.5;                    // Above 0, at most 1.
    double attempts_min = 20;                          // At least 1.
    Duration half_life = std::chrono::seconds(10);     // Of an attempt's weight; above 0.
    Duration eject_min = std::chrono::seconds(30);     // Above 0.
    Duration eject_max = std::chrono::minutes(5);      // At least eject_min, at most a year.
    int probes_max = 1;                                // Under way at a time; at least 1.
    int probes_needed = 3;                             // Answers in a row, 429s too; at least 1.
    Duration probe_timeout = std::chrono::minutes(1);  // A probe not reported until then is lost.
    Duration ramp = std::chrono::seconds(30);          // 0 to a year.
    double ramp_from = 0.1;                            // A share, above 0, at most 1.
  };
  // REQUIRES: every option in its range.
  explicit Breaker(const Options& options);

  // Goes on under other options: what was counted stays, and an ejection ends when it was to end.
  void set_options(const Options& options);  // REQUIRES: likewise.

  enum class State : std::uint8_t { kClosed, kEjected, kProbing, kRamping };
  [[nodiscard]] State state(Instant now) const;

  // The share of its usual requests that it should get: 0 while ejected or probing, from
  // `ramp_from` evenly to 1 while ramping, then 1.
  [[nodiscard]] double share(Instant now) const;

  // Whether a probe may be sent now; start_probe() then sends it.
  [[nodiscard]] bool wants_probe(Instant now) const;
  void start_probe(Instant now);  // REQUIRES: wants_probe(now).

  // Takes in how an attempt ended that was sent at `started`.
  void record(AttemptEnd end, Instant started, Instant now);

  // When it was, or will be, probed; meaningful while ejected or probing.
  [[nodiscard]] Instant probes_at() const { return since_; }

 private:
  void eject(Instant now);
  void close(Instant now);
  void record_probe(AttemptEnd end, Instant now);

  Options options_;
  bool is_out_ = false;
  Instant since_ = Instant::min();  // Closed since then; or probing from then on.
  int ejections_ = 0;               // Without a long healthy time between them.
  int failures_ = 0;                // In a row.
  double attempts_ = 0;             // Weighed by age at `weighed_at_`.
  double failed_ = 0;
  Instant weighed_at_{};
  int probing_ = 0;
  int probes_answered_ = 0;
  Instant probe_at_{};  // The latest one.
};

}  // namespace fare
