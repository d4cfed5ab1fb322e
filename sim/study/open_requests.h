#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "fare/decision.h"    // Ticket, TargetId, kAttemptsMax.
#include "fare/time.h"        // Duration.
#include "traffic/traffic.h"  // Arrival.
#include "world/attempt.h"    // Entry, Fate.
#include "world/quality.h"    // AnswerQuality.

namespace routesim {

// One try of a request on one target.
struct Try {
  fare::Duration started{};      // When it was sent, before any wait in line.
  fare::Duration first_token{};  // Both from `started`; zero if there was none.
  fare::Duration total{};
  fare::Tokens cache_read;
  fare::Tokens cache_written;
  fare::Tokens output;      // Given until its end.
  std::uint32_t model = 0;  // Index into World::models.
  fare::TargetId target{};
  fare::AttemptEnd end = fare::AttemptEnd::kAnswered;
};

// A request between its arrival and its end.  What every event touches stands together: with many
// requests open each line of memory is a miss.
struct Open {
  fare::Duration served{};  // When the current try was told its fate.
  Fate fate{};              // Of the current try.
  fare::Ticket ticket{};
  std::uint8_t planned = 0;
  std::uint8_t tried = 0;
  std::uint8_t next = 0;     // Of the plan: the first target that was not asked for.
  bool in_line = false;      // The current try waits in one.
  bool in_pool = false;      // The current try is in a pool of replicas.
  bool in_scoring = false;   // It was answered, and the answer is being scored.
  std::uint8_t answers = 0;  // Tries of a cascade that were answered,
  std::uint8_t in_hand = 0;  // and the last one of them, counted from 1.
  bool is_gone = false;      // Closed, but an event is still to come to its slot.
  std::uint32_t found = 0;   // How many others were open when it came.
  fare::Tokens input;        // What models are asked: as it arrived, or shortened.
  fare::Tokens output;
  Arrival arrival{};
  fare::Duration waited{};  // In lines, over all tries.
  Entry entry{};            // Of the current try.
  std::optional<double> quality_floor;
  std::optional<double> accept_min;  // Of a rule with a cascade.
  std::uint8_t stages = 0;           // Likewise: so many of the plan are.
  AnswerQuality quality;             // Of the answer in hand.
  std::array<fare::TargetId, fare::kAttemptsMax> plan{};
  std::array<Try, fare::kAttemptsMax> tries{};

  Try& last() { return tries[tried - 1u]; }
  const Try& last() const { return tries[tried - 1u]; }
};

// All open requests of a run, each in a slot that is used again when it is gone.  Memory grows with
// the most that were ever open at a time.
class OpenRequests {
 public:
  // A slot whose contents are stale.  The reference holds until the next take().
  std::uint32_t take() {
    ++size_;
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  // One of them is open no longer; its slot stays taken until it is freed.
  void leave() { --size_; }
  void free_slot(std::uint32_t slot) { free_.push_back(slot); }

  Open& operator[](std::uint32_t slot) { return slots_[slot]; }
  const Open& operator[](std::uint32_t slot) const { return slots_[slot]; }
  std::uint32_t size() const { return size_; }

 private:
  std::vector<Open> slots_;
  std::vector<std::uint32_t> free_;
  std::uint32_t size_ = 0;
};

}  // namespace routesim
