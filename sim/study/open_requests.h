#pragma once

#include <array>     // std::array.
#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <deque>     // std::deque.
#include <optional>  // std::optional.
#include <utility>   // std::exchange.
#include <vector>    // std::vector.

#include "base/blocks.h"      // Blocks.
#include "base/fetch.h"       // fetch.
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

using FurtherTries = std::array<Try, fare::kAttemptsMax - 1>;

// A request between its arrival and its end.  With many requests open each line of memory is a
// miss, so what most of them never need stands elsewhere: all tries but the first.
struct alignas(64) Open {
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
  std::uint8_t stages = 0;   // Of a rule with a cascade: so many of the plan are.
  std::uint32_t found = 0;   // How many others were open when it came.
  fare::Tokens input;        // What models are asked: as it arrived, or shortened.
  fare::Tokens output;
  Try first;
  Entry entry{};  // Of the current try.
  Arrival arrival{};
  fare::Duration waited{};  // In lines, over all tries.
  std::optional<double> quality_floor;
  std::optional<double> accept_min;  // Of a rule with a cascade.
  AnswerQuality quality;             // Of the answer in hand.
  std::array<fare::TargetId, fare::kAttemptsMax> plan{};
  FurtherTries* further = nullptr;  // Null: there are none.

  // REQUIRES: i < tried.
  Try& at(std::size_t i) { return i == 0 ? first : (*further)[i - 1]; }
  const Try& at(std::size_t i) const { return i == 0 ? first : (*further)[i - 1]; }
  Try& last() { return at(tried - 1u); }
  const Try& last() const { return at(tried - 1u); }
};

// All open requests of a run, each in a slot that is used again when it is gone.  Memory grows with
// the most that were ever open at a time.  What is here never moves.
class OpenRequests {
 public:
  // A slot whose contents are stale, but without tries.
  std::uint32_t take() {
    ++size_;
    if (free_.empty()) {
      slots_.grow(made_ + 1);
      return made_++;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  // Adds a try.  REQUIRES: fewer than kAttemptsMax.
  Try& add_try(Open& open) {
    if (open.tried == 1 && open.further == nullptr) open.further = lend();
    ++open.tried;
    return open.last() = Try{};
  }

  // One of them is open no longer; its slot stays taken until it is freed.
  void leave() { --size_; }
  void free_slot(std::uint32_t slot) {
    Open& open = slots_[slot];
    if (open.further != nullptr) spare_.push_back(std::exchange(open.further, nullptr));
    open.tried = 0;
    free_.push_back(slot);
  }

  // Lets the processor fetch a slot that will be wanted.
  void fetch(std::uint32_t slot) const { fare::fetch(slots_[slot]); }

  Open& operator[](std::uint32_t slot) { return slots_[slot]; }
  const Open& operator[](std::uint32_t slot) const { return slots_[slot]; }
  std::uint32_t size() const { return size_; }

 private:
  FurtherTries* lend() {
    if (spare_.empty()) return &further_.emplace_back();
    FurtherTries* const tries = spare_.back();
    spare_.pop_back();
    return tries;
  }

  fare::Blocks<Open, 64> slots_;
  std::uint32_t made_ = 0;
  std::vector<std::uint32_t> free_;
  std::deque<FurtherTries> further_;
  std::vector<FurtherTries*> spare_;
  std::uint32_t size_ = 0;
};

}  // namespace routesim
