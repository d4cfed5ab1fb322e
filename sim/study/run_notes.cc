#include "study/run_notes.h"

#include <array>

namespace routesim {
namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "no_requests",  "nothing_answered",    "model_silent", "model_faulty", "unpriced",
    "cache_unused", "storage_not_charged", "clock_ended",  "not_deferred"};

void note_faults(const RunResult& run, std::vector<Note>& notes) {
  for (std::uint32_t m = 0; m < run.by_model.size(); ++m) {
    for (std::size_t i = 0; i < kFaultCount; ++i) {
      const auto fault = static_cast<Fault>(i);
      const std::uint64_t count = run.by_model[m].faults[i];
      if (count == 0 || fault == Fault::kServerError) continue;
      notes.push_back({.note = RunNote::kModelFaulty, .model = m, .fault = fault, .count = count});
    }
  }
}

}  // namespace

std::string_view to_string(RunNote note) { return kNames[static_cast<std::size_t>(note)]; }

std::vector<Note> notes_of(const RunResult& run) {
  std::vector<Note> notes;
  if (run.requests == 0) notes.push_back({.note = RunNote::kNoRequests});
  if (run.requests > 0 && run.answered + run.from_cache == 0) {
    notes.push_back({.note = RunNote::kNothingAnswered, .count = run.requests});
  }
  for (std::uint32_t m = 0; m < run.by_model.size(); ++m) {
    const ModelTally& tally = run.by_model[m];
    if (tally.attempts == 0 || tally.failures < tally.attempts) continue;
    notes.push_back({.note = RunNote::kModelSilent, .model = m, .count = tally.attempts});
  }
  note_faults(run, notes);
  const std::uint64_t unpriced = run.refused_unpriced + run.not_priced;
  if (unpriced > 0) notes.push_back({.note = RunNote::kUnpriced, .count = unpriced});
  for (std::uint32_t m = 0; m < run.by_model.size(); ++m) {
    const ModelTally& tally = run.by_model[m];
    if (tally.unseen > 0 && tally.unseen == tally.attempts) {
      notes.push_back({.note = RunNote::kCacheUnused, .model = m, .count = tally.unseen});
    }
    if (tally.kept > 0) {
      notes.push_back({.note = RunNote::kStorageFree, .model = m, .count = tally.kept});
    }
  }
  if (run.beyond_clock > 0) {
    notes.push_back({.note = RunNote::kClockEnded, .count = run.beyond_clock});
  }
  if (run.undeferred > 0) {
    notes.push_back({.note = RunNote::kNotDeferred, .count = run.undeferred});
  }
  return notes;
}

}  // namespace routesim
