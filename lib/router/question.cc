#include "router/question.h"

#include <algorithm>

namespace fare {
namespace {

// SplitMix64's mixer (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

// What is left until the deadline, negative if it has passed.
std::optional<Duration> time_left(const Request& request, Instant now) {
  if (!request.deadline) return std::nullopt;
  const Int128 left = static_cast<Int128>(request.deadline->time_since_epoch().count()) -
                      now.time_since_epoch().count();
  const Int128 most = Duration::max().count();
  return Duration(static_cast<std::int64_t>(std::clamp(left, -most, most)));
}

// Forecasts by the model, if it can read what there is.
void ask_model(const Snapshot& snapshot, const Request& request, Question& question) {
  if (!snapshot.config.model || request.scratch == nullptr) return;
  const ChoiceModel& model = *snapshot.config.model;
  const bool needs_embedding = model.dimensions() > 0;
  if (needs_embedding ? request.embedding.size() != model.dimensions() : request.text.empty()) {
    return;
  }
  const ChoiceForecast forecast = model.forecast(request.text, request.embedding, *request.scratch);
  if (forecast.abstains) return;
  question.forecast = forecast.targets;
  const bool has_class = !request.request_class.empty();
  if (has_class || forecast.class_probabilities.empty()) return;
  question.request_class = snapshot.class_of_forecast[forecast.likely_class];
}

}  // namespace

void Question::set_output(Tokens expected, std::optional<Tokens> max) {
  output_max = max;
  expected_output = max ? std::min(expected, *max) : expected;
  usage[Meter::kOutput] = expected_output;
}

void Question::set_input(Tokens tokens) {
  input = tokens;
  usage[Meter::kInput] = tokens;
}

Refusal ask(const Snapshot& snapshot, const Request& request, Instant now, Question& question) {
  const PolicyData& policy = snapshot.policy;
  question.request = &request;
  question.now = now;
  question.luck = request.luck ? *request.luck : mix(request.id);
  question.request_class = static_cast<std::uint32_t>(policy.classes.size());
  if (!request.request_class.empty()) {
    const auto found = snapshot.classes.find(request.request_class);
    if (found == snapshot.classes.end()) return Refusal::kUnknownClass;
    question.request_class = found->second;
  }
  for (const std::string_view name : request.capabilities) {
    const auto found = std::find(policy.capabilities.begin(), policy.capabilities.end(), name);
    if (found == policy.capabilities.end()) return Refusal::kUnknownCapability;
    question.capabilities |= std::uint64_t{1} << (found - policy.capabilities.begin());
  }
  ask_model(snapshot, request, question);
  std::optional<Tokens> output = policy.expected_output;
  if (question.request_class < policy.classes.size()) {
    output = policy.classes[question.request_class].expected_output;
  }
  if (request.expected_output) output = request.expected_output;
  if (!output) output = request.max_output;
  if (!output) return Refusal::kUnknownOutput;
  question.set_input(request.input);
  question.set_output(*output, request.max_output);
  question.latency_bound = tighter(request.latency_bound, time_left(request, now));
  return Refusal::kNone;
}

}  // namespace fare
