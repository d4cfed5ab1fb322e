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
  fare::Duration served{};  // When it was told its fate.
  Fate fate{};
  fare::Duration started{};      // When it was sent, before any wait in line.
  fare::Duration first_token{};  // Both from `started`; zero if there was none.
  fare::Duration total{};
  fare::Tokens output;      // Given until its end.
  std::uint32_t model = 0;  // Index into World::models.
  fare::TargetId target{};
  fare::AttemptEnd end = fare::AttemptEnd::kAnswered;
  bool in_line = false;   // It waits in one.
  bool in_pool = false;   // It is in a pool of replicas.
  bool is_over = false;   // It has ended, or was cut off.
  bool is_hedge = false;  // It was sent beside another one that was slow.
  Entry entry{};
};

// A try of a slot, in one number.
using TryId = std::uint32_t;
inline constexpr TryId kTriesMax = fare::kAttemptsMax;
constexpr TryId id_of(std::uint32_t slot, std::size_t number) {
  return slot * kTriesMax + static_cast<TryId>(number);
}
constexpr std::uint32_t slot_of(TryId id) { return id / kTriesMax; }
constexpr std::uint32_t number_of(TryId id) { return id % kTriesMax; }

using FurtherTries = std::array<Try, fare::kAttemptsMax - 1>;

// A request between its arrival and its end.  With many requests open each line of memory is a
// miss, so what most of them never need stands elsewhere: all tries but the first.
struct alignas(64) Open {
  Try first;
  fare::Ticket ticket{};
  std::uint8_t planned = 0;
  std::uint8_t tried = 0;
  std::uint8_t under_way = 0;  // Of the tries.
  std::uint8_t next = 0;       // Of the plan: the first target that was not asked for.
  std::uint8_t answers = 0;    // Tries of a cascade that were answered.
  std::uint8_t in_hand = 0;    // The try answered last, counted from 1; 0: none was.
  std::uint8_t stages = 0;     // Of a rule with a cascade: so many of the plan are.
  std::uint8_t events = 0;     // That are still to come to its slot.
  bool in_scoring = false;     // It was answered, and the answer is being scored.
  bool is_gone = false;        // It is closed, though events are still to come.
  std::uint32_t found = 0;     // How many others were open when it came.
  fare::Tokens input;          // What models are asked: as it arrived, or shortened.
  fare::Tokens output;
  Arrival arrival{};
  fare::Duration waited{};       // In lines, over all tries.
  fare::Duration hedge_after{};  // As Decision::hedge_after; kNever: its rule does not hedge.
  std::optional<double> quality_floor;
  std::optional<double> accept_min;  // Of a rule with a cascade.
  AnswerQuality quality;             // Of the answer in hand.
  std::array<fare::TargetId, fare::kAttemptsMax> plan{};
  FurtherTries* further = nullptr;  // Null: there are none.

  // REQUIRES: i < tried.
  Try& at(std::size_t i) { return i == 0 ? first : (*further)[i - 1]; }
  const Try& at(std::size_t i) const { return i == 0 ? first : (*further)[i - 1]; }
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
  TryId add_try(std::uint32_t slot) {
    Open& open = slots_[slot];
    if (open.tried == 1 && open.further == nullptr) open.further = lend();
    open.at(open.tried) = Try{};
    return id_of(slot, open.tried++);
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

  Try& at(TryId id) { return slots_[slot_of(id)].at(number_of(id)); }
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
