#pragma once

#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "study/run.h"  // RunResult.

namespace routesim {

// What a reader must know of a run before trusting any figure of it.
enum class RunNote : std::uint8_t {
  kNoRequests,       // The traffic was empty.
  kNothingAnswered,  // Requests came, and none was answered.
  kModelSilent,      // A model was asked, and every attempt failed.
  kModelFaulty,      // Attempts at a model met faults of that kind, beyond drawn server errors.
  kUnpriced,         // At some instant a price was missing: for a decision, or for a bill.
  kCacheUnused,      // A model's cache saw no prompt: world and traffic bring none.
  kStorageFree,      // A vendor charges for keeping what a cache holds; the cost leaves it out.
  kClockEnded,       // Requests were cut off, or never came, at the clock's end.
  kNotDeferred,      // Requests were to be sent later (Action::kDefer), and were sent at once.
};

// The stable name in JSON: "nothing_answered".
[[nodiscard]] std::string_view to_string(RunNote note);

struct Note {
  RunNote note = RunNote::kNoRequests;
  std::optional<std::uint32_t> model = {};  // Index into World::models.
  Fault fault = Fault::kNone;               // With kModelFaulty.
  std::uint64_t count = 0;                  // Requests or attempts that it is about.
};

// All that is to be noted of a run, in the order above; empty if there is nothing.
[[nodiscard]] std::vector<Note> notes_of(const RunResult& run);

}  // namespace routesim
