#include "router/ladder.h"

#include <algorithm>

namespace fare {

void Ladder::forecast(std::size_t count) {
  for (; count > 0 && next_ < rule_.degrade.size(); ++next_) {
    const DegradeStep& step = rule_.degrade[next_];
    if (!step.on_forecast) continue;
    --count;
    if (take(step)) decision_.degradations.push_back({.step = step.name, .by_forecast = true});
  }
}

bool Ladder::step_down() {
  while (next_ < rule_.degrade.size()) {
    const DegradeStep& step = rule_.degrade[next_++];
    if (!step.on_refusal || !take(step)) continue;
    decision_.degradations.push_back({.step = step.name, .by_forecast = false});
    return true;
  }
  return false;
}

// Only for the very scope that pays: an answer made for one tenant is never given to another.
bool Ladder::take_cached_answer() {
  if (!request_.cached_answer || request_.scopes.empty()) return false;
  if (request_.cached_answer->scope != request_.scopes.front()) return false;
  if (rule_.quality_floor && request_.cached_answer->quality < *rule_.quality_floor) return false;
  action_ = Action::kAnswerCached;
  return true;
}

bool Ladder::take(const DegradeStep& step) {
  switch (step.kind) {
    case DegradeKind::kShortenInput:
      if (question_.input <= step.tokens) return false;
      question_.set_input(step.tokens);
      question_.is_shortened = true;
      question_.quality_loss += step.quality_loss;
      decision_.input_max = step.tokens;
      return true;
    case DegradeKind::kCapOutput:
      if (question_.output_max && *question_.output_max <= step.tokens) return false;
      question_.set_output(question_.expected_output, step.tokens);
      question_.quality_loss += step.quality_loss;
      decision_.output_max = step.tokens;
      return true;
    case DegradeKind::kCandidates:
      rung_ = {.candidates = step.candidates, .is_rules = false, .is_deferred = false};
      action_ = Action::kServe;
      return true;
    case DegradeKind::kCachedAnswer:
      return take_cached_answer();
    case DegradeKind::kDefer:
      rung_ = {.candidates = step.candidates, .is_rules = false, .is_deferred = true};
      action_ = Action::kDefer;
      return true;
  }
  return false;
}

}  // namespace fare
