#include "routesim/policy_what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace routesim {
namespace {

using Json = nlohmann::json;

constexpr fare::Int128 kBillion = 1'000'000'000;

const fare::Candidate* find(const fare::Decision& decision, fare::TargetId target) {
  for (const fare::Candidate& one : decision.considered()) {
    if (one.target == target) return &one;
  }
  return nullptr;
}

double milliseconds(fare::Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

std::int64_t billionths_of(double quality) { return std::llround(quality * 1e9); }
double of_billionths(std::int64_t count) { return static_cast<double>(count) / 1e9; }

// A utility, as a policy states it.
struct Worths {
  fare::Cost answer;
  fare::Cost second;

  // What a candidate is worth without its quality, in picodollars, in the router's integers.
  fare::Int128 without_quality(const fare::Candidate& one) const {
    const fare::Int128 latency = one.latency.value_or(fare::Duration(0)).count();
    return -one.expected_cost->count() - second.count() * latency / kBillion;
  }
  fare::Int128 of_quality(std::int64_t billionths) const {
    return answer.count() * billionths / kBillion;
  }
};

Worths worths_of(const Json& utility) {
  Worths worths;
  const auto read = [&utility](const char* key) {
    return fare::parse_usd(utility.at(key).get<std::string>()).value();
  };
  worths.answer = read("usd_per_answer");
  if (utility.contains("usd_per_second")) worths.second = read("usd_per_second");
  return worths;
}

// Nobody but one candidate, and nothing to choose or to step down to.
void leave_alone(Json& rule, const std::string& name) {
  for (const char* key : {"fallback", "objective", "canary", "cascade", "degrade", "session"}) {
    rule.erase(key);
  }
  rule["candidates"] = Json::array({name});
}

}  // namespace

WhatIfs::WhatIfs(Decider& decider, const Question& question, const fare::Decision& decision)
    : decider_(decider),
      question_(question),
      decision_(decision),
      rule_(decision.rule),
      request_class_(decision.request_class) {
  for (const fare::Candidate& one : decision.considered()) {
    if (one.verdict == fare::Verdict::kChosen) winner_ = names_.size();
    names_.emplace_back(decider.router().target(one.target).name);
  }
}

std::vector<WhatIf> WhatIfs::ask(std::size_t place) {
  const fare::Candidate& one = decision_.candidates[place];
  const auto only = [](Answer answer) {
    return answer ? std::vector<WhatIf>{std::move(*answer)} : std::vector<WhatIf>{};
  };
  switch (one.verdict) {
    case fare::Verdict::kBelowFloor:
      return only(lower_floor(one));
    case fare::Verdict::kTooSlow:
      return only(raise_bound(one));
    case fare::Verdict::kContextTooShort:
      return only(shorten_input(one));
    case fare::Verdict::kOutputTooLong:
      return only(shorten_output(one));
    case fare::Verdict::kLacksCapability:
      return only(drop_capabilities(one));
    case fare::Verdict::kCostsMore:
      return only(lower_cost(place));
    case fare::Verdict::kLessUseful:
      return more_useful(place);
    case fare::Verdict::kEjected:
    case fare::Verdict::kRateLimited:
      return only(wait(place));
    case fare::Verdict::kOverBudget:
    case fare::Verdict::kOutputUnbounded: {
      std::vector<WhatIf> both = only(wait(place));
      if (Answer cap = cap_output(place)) both.push_back(std::move(*cap));
      return both;
    }
    default:
      return {};  // Nothing that one number would change.
  }
}

std::string WhatIfs::verdict_of(const Question& question, fare::TargetId target) {
  const fare::Expected<fare::Decision> decision = decider_.decide(question);
  const fare::Candidate* one = decision ? find(*decision, target) : nullptr;
  return one != nullptr ? std::string(to_string(one->verdict)) : "not_considered";
}

// The sentence says what is so, `then` what the change would be.
WhatIf WhatIfs::changed(const Question& question, const fare::Candidate& one, std::string change,
                        std::string to, const std::string& is, const std::string& then) {
  const std::string verdict = verdict_of(question, one.target);
  return {std::move(change), std::move(to), fmt::format("{}; {}: {}", is, then, verdict), verdict};
}

Json& WhatIfs::rule_of(Question& question) const {
  for (Json& rule : question.policy["rules"]) {
    if (rule["name"] == rule_) return rule;
  }
  return question.policy["rules"].front();  // A decision names a rule of its policy.
}

WhatIfs::Answer WhatIfs::lower_floor(const fare::Candidate& one) {
  if (!one.quality || !decision_.quality_floor) return std::nullopt;
  Question question = question_;
  Json& rule = rule_of(question);
  if (rule["quality_floor"].is_object()) return std::nullopt;  // What holds is less than stated.
  rule["quality_floor"] = *one.quality;
  return changed(question, one, "quality_floor", Json(*one.quality).dump(),
                 fmt::format("floor {} > {}", *decision_.quality_floor, *one.quality),
                 fmt::format("with a floor of {}", *one.quality));
}

WhatIfs::Answer WhatIfs::raise_bound(const fare::Candidate& one) {
  if (!one.latency) return std::nullopt;
  Question question = question_;
  Json& rule = rule_of(question);
  const double needed = milliseconds(*one.latency);
  std::optional<double> bound;
  if (rule.contains("latency_bound_ms")) {
    bound = rule["latency_bound_ms"].get<double>();
    rule["latency_bound_ms"] = std::max(*bound, needed);
  }
  if (question.request.latency_bound) {
    const double asked = milliseconds(*question.request.latency_bound);
    bound = std::min(bound.value_or(asked), asked);
    question.request.latency_bound = std::max(*question.request.latency_bound, *one.latency);
  }
  if (!bound) return std::nullopt;
  return changed(question, one, "latency_bound_ms", Json(needed).dump(),
                 fmt::format("{} ms > bound {} ms", needed, *bound),
                 fmt::format("with a bound of {} ms", needed));
}

// The longest input that is not too long: halving, each time deciding again.
WhatIfs::Answer WhatIfs::shorten_input(const fare::Candidate& one) {
  const std::string_view too_long = to_string(fare::Verdict::kContextTooShort);
  Question question = question_;
  std::int64_t fits = 0;
  std::int64_t above = question_.request.input.count();
  question.request.input = fare::Tokens(0);
  if (verdict_of(question, one.target) == too_long) return std::nullopt;
  while (above - fits > 1) {
    const std::int64_t middle = fits + (above - fits) / 2;
    question.request.input = fare::Tokens(middle);
    (verdict_of(question, one.target) == too_long ? above : fits) = middle;
  }
  question.request.input = fare::Tokens(fits);
  return changed(question, one, "input_tokens", fmt::format("{}", fits),
                 fmt::format("needs {} tokens less", question_.request.input.count() - fits),
                 fmt::format("with an input of {}", fits));
}

WhatIfs::Answer WhatIfs::shorten_output(const fare::Candidate& one) {
  const fare::Tokens most = decider_.router().target(one.target).model.max_output;
  Question question = question_;
  question.request.max_output = most;
  return changed(question, one, "max_output_tokens", fmt::format("{}", most.count()),
                 fmt::format("gives at most {} tokens", most.count()), "with that cap");
}

WhatIfs::Answer WhatIfs::drop_capabilities(const fare::Candidate& one) {
  const std::string_view lacks = to_string(fare::Verdict::kLacksCapability);
  std::vector<std::string> has;
  std::vector<std::string> missing;
  for (const std::string& capability : question_.request.capabilities) {
    Question question = question_;
    question.request.capabilities = {capability};
    (verdict_of(question, one.target) == lacks ? missing : has).push_back(capability);
  }
  Question question = question_;
  question.request.capabilities = has;
  return changed(question, one, "capabilities", Json(has).dump(),
                 fmt::format("lacks {}", fmt::join(missing, ", ")), "without");
}

// Whether the rule alone, and its objective, keeps it from being chosen: asked alone, it is.
bool WhatIfs::competes(std::size_t place) {
  Question question = question_;
  Json& rule = rule_of(question);
  const Json names = rule["candidates"];
  if (std::find(names.begin(), names.end(), names_[place]) == names.end()) return false;
  leave_alone(rule, names_[place]);
  return verdict_of(question, decision_.candidates[place].target) ==
         to_string(fare::Verdict::kChosen);
}

// Of equals the one named first wins; candidates stand in the rule's order.
WhatIfs::Answer WhatIfs::cheap_enough(std::size_t place, fare::Cost limit) const {
  const bool first = place < *winner_;
  const std::string cost = to_usd(limit);
  return WhatIf{first ? "cost_usd_at_most" : "cost_usd_below", fmt::format("\"{}\"", cost),
                first ? fmt::format("would win at ${} or less", cost)
                      : fmt::format("would win below ${}", cost),
                "chosen"};
}

WhatIfs::Answer WhatIfs::lower_cost(std::size_t place) {
  Question question = question_;
  const Json& rule = rule_of(question);
  const bool least_cost = !rule.contains("objective") || rule["objective"] == "min_cost";
  if (!winner_ || !least_cost || rule.contains("cascade") || !competes(place)) return std::nullopt;
  return cheap_enough(place, *decision_.candidates[*winner_].expected_cost);
}

std::vector<WhatIf> WhatIfs::more_useful(std::size_t place) {
  Question question = question_;
  const Json objective = rule_of(question)["objective"];
  std::vector<WhatIf> found;
  if (!winner_ || !decision_.degradations.empty() || !competes(place)) return found;
  if (objective.contains("threshold")) {
    if (Answer answer = gain_enough(place, objective["threshold"])) found.push_back(*answer);
    return found;
  }
  const fare::Candidate& one = decision_.candidates[place];
  const fare::Candidate& winner = decision_.candidates[*winner_];
  const Worths worths = worths_of(objective["utility"]);
  // Where seconds count, who has no latency loses to all who have.
  const bool time_counts = worths.second != fare::Cost();
  if (time_counts && one.latency.has_value() != winner.latency.has_value()) return found;
  const std::int64_t reached = billionths_of(winner.quality.value_or(0));
  fare::Int128 needed = worths.of_quality(reached) + worths.without_quality(winner);
  if (place > *winner_) ++needed;
  const fare::Int128 lacking = needed - worths.without_quality(one);
  // The least count with worth * count / 1e9 >= lacking, as integers divide.
  const fare::Int128 count =
      (lacking * kBillion + worths.answer.count() - 1) / worths.answer.count();
  if (count <= kBillion) {
    if (Answer answer = with_quality(place, of_billionths(static_cast<std::int64_t>(count)))) {
      found.push_back(std::move(*answer));
    }
  }
  const fare::Int128 least = worths.of_quality(billionths_of(one.quality.value_or(0))) - lacking;
  const fare::Cost most(one.expected_cost->count() + least);
  const fare::Cost limit(most.count() + (place > *winner_ ? 1 : 0));
  if (most >= fare::Cost()) found.push_back(*cheap_enough(place, limit));
  return found;
}

WhatIfs::Answer WhatIfs::with_quality(std::size_t place, double quality) {
  Question question = question_;
  const fare::Candidate& one = decision_.candidates[place];
  for (Json& target : question.policy["targets"]) {
    if (target["name"] != names_[place]) continue;
    Json& stated = target["quality"];
    if (stated.is_object() && request_class_.empty()) return std::nullopt;
    (stated.is_object() ? stated[request_class_] : stated) = quality;
  }
  return changed(question, one, "quality", Json(quality).dump(),
                 one.quality ? fmt::format("quality {}", *one.quality) : "quality not known",
                 fmt::format("with {} or more", quality));
}

// The strong one needs more, the weak one enough not to be left behind.
WhatIfs::Answer WhatIfs::gain_enough(std::size_t place, const Json& threshold) {
  const double gain = threshold.at("gain").get<double>();
  const double other = decision_.candidates[*winner_].quality.value_or(0);
  const bool is_strong = threshold.at("strong") == names_[place];
  const bool is_weak = threshold.at("weak") == names_[place];
  const auto wins = [&](std::int64_t count) {
    const double quality = of_billionths(count);
    return is_strong ? quality - other > gain : !(other - quality > gain);
  };
  if (!is_strong && !is_weak) return std::nullopt;
  std::int64_t count = billionths_of(std::clamp(is_strong ? other + gain : other - gain, 0.0, 1.0));
  count = std::max<std::int64_t>(count - 2, 0);  // Rounding errs by far less.
  while (count <= 1'000'000'000 && !wins(count)) ++count;
  if (count > 1'000'000'000) return std::nullopt;
  return with_quality(place, of_billionths(count));
}

// Asked alone, the router says when; asked then, what becomes of it among the others.
WhatIfs::Answer WhatIfs::wait(std::size_t place) {
  const fare::Candidate& one = decision_.candidates[place];
  Question alone = question_;
  leave_alone(rule_of(alone), names_[place]);
  const fare::Expected<fare::Decision> decision = decider_.decide(alone);
  if (!decision || !decision->retry_at) return std::nullopt;
  Question then = question_;
  then.at = *decision->retry_at;
  const std::string at = fare::to_rfc3339(then.at);
  return changed(then, one, "at", Json(at).dump(),
                 fmt::format("{} until {}", to_string(one.verdict), at), "then");
}

// The longest answer that there is money for, asked alone: halving, each time deciding again.
WhatIfs::Answer WhatIfs::cap_output(std::size_t place) {
  const fare::Candidate& one = decision_.candidates[place];
  Question alone = question_;
  leave_alone(rule_of(alone), names_[place]);
  const auto is_paid = [&](std::int64_t cap) {
    alone.request.max_output = fare::Tokens(cap);
    return verdict_of(alone, one.target) == to_string(fare::Verdict::kChosen);
  };
  if (!is_paid(1)) return std::nullopt;
  std::int64_t fits = 1;
  std::int64_t above = question_.request.max_output.value_or(fare::kTokensMax).count() + 1;
  while (above - fits > 1) {
    const std::int64_t middle = fits + (above - fits) / 2;
    (is_paid(middle) ? fits : above) = middle;
  }
  Question question = question_;
  question.request.max_output = fare::Tokens(fits);
  return changed(question, one, "max_output_tokens", fmt::format("{}", fits),
                 "no budget for the longest answer", fmt::format("with a cap of {}", fits));
}

}  // namespace routesim
