#include "fare/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/names.h"
#include "base/nearest.h"
#include "fare/check.h"
#include "policy/policy_data.h"
#include "router/ticket_table.h"

namespace fare {
namespace {

constexpr std::uint32_t kOpenTicketsMin = 16;

// A target with its model found in the price book.
struct Target {
  ModelId model;
  ModelFacts facts;
};

// One request, looked up in the policy.
struct Question {
  std::size_t request_class;  // The index behind the last class: not classified.
  std::uint64_t capabilities = 0;
  Tokens input;
  Tokens expected_output;
  Usage usage;  // What is expected to be billed.
  std::optional<Tokens> max_output;
  std::optional<Duration> latency_bound;
};

// Finds the models of all targets, or says which cannot be found.
Expected<std::vector<Target>> find_targets(const PriceBook& prices, const PolicyData& policy,
                                           Instant now) {
  std::vector<Target> targets;
  Errors errors;
  for (std::size_t i = 0; i < policy.targets.size(); ++i) {
    const PolicyTarget& wanted = policy.targets[i];
    const ModelMatch match = prices.find(wanted.provider, wanted.model, now);
    const std::string where = fmt::format("{}#/targets/{}/model", policy.file, i);
    if (match.status == LookUp::kUnknown || match.status == LookUp::kNotThen) {
      const std::string hint = did_you_mean(prices.nearest_model(wanted.model));
      errors.push_back(
          {ErrorCode::kUnknownName, where,
           fmt::format(
               "\"{}\" is not a model {} the price tables{}", wanted.model,
               wanted.provider.empty() ? "of" : fmt::format("of \"{}\" in", wanted.provider),
               hint)});
      continue;
    }
    if (match.status == LookUp::kAmbiguous) {
      errors.push_back({ErrorCode::kConflict, where,
                        fmt::format("\"{}\" is sold by several providers: name one with the key "
                                    "\"provider\"",
                                    wanted.model)});
      continue;
    }
    if (!prices.has_price(match.model, now)) {
      errors.push_back({ErrorCode::kConflict, where,
                        fmt::format("\"{}\" has no price at {}", wanted.model, to_rfc3339(now))});
    }
    targets.push_back({match.model, prices.facts(match.model)});
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return targets;
}

// Whether input and output fit: into the context, and into what the model may write.
std::optional<Verdict> check_length(const ModelFacts& model, const Question& question) {
  const Tokens output = question.max_output.value_or(question.expected_output);
  if (model.max_output != Tokens(0) && output > model.max_output) return Verdict::kOutputTooLong;
  if (model.context != Tokens(0) && question.input + output > model.context) {
    return Verdict::kContextTooShort;
  }
  return std::nullopt;
}

// The first reason, cheapest test first, why a candidate may not serve; nothing if it may.
std::optional<Verdict> check_candidate(const PolicyTarget& target, const ModelFacts& model,
                                       const PolicyRule& rule, const Question& question,
                                       const Candidate& candidate) {
  if ((question.capabilities & ~target.capabilities) != 0) return Verdict::kLacksCapability;
  if (const auto too_long = check_length(model, question)) return too_long;
  if (rule.quality_floor) {
    if (!candidate.quality) return Verdict::kQualityUnknown;
    if (*candidate.quality < *rule.quality_floor) return Verdict::kBelowFloor;
  }
  if (question.latency_bound) {
    if (!candidate.latency) return Verdict::kLatencyUnknown;
    if (*candidate.latency > *question.latency_bound) return Verdict::kTooSlow;
  }
  if (!candidate.expected_cost) return Verdict::kUnpriced;
  return std::nullopt;
}

std::optional<Duration> predict_latency(const PolicyTarget& target, Tokens output) {
  if (!target.latency) return std::nullopt;
  const std::int64_t later_tokens = std::max<std::int64_t>(output.count() - 1, 0);
  // At most a day each and 1e12 tokens: 128 bits hold the product, and a century is too slow
  // anyway.
  const Int128 total = target.latency->first_token.count() +
                       static_cast<Int128>(later_tokens) * target.latency->per_output_token.count();
  constexpr Int128 kCentury = Int128{3'155'760'000} * 1'000'000'000;
  return Duration(static_cast<std::int64_t>(std::min(total, kCentury)));
}

std::optional<Duration> tighter(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

CostStatus worse(CostStatus a, CostStatus b) { return std::max(a, b); }

CostStatus status_of(const Charge& charge) {
  switch (charge.status) {
    case PriceStatus::kPriced:
      return CostStatus::kPriced;
    case PriceStatus::kPartiallyPriced:
      return CostStatus::kPartiallyPriced;
    case PriceStatus::kUnpriced:
      break;
  }
  return CostStatus::kUnpriced;
}

}  // namespace

struct Router::State {
  State(Config used, std::vector<Target> found)
      : config(std::move(used)),
        policy(config.policy.data()),
        targets(std::move(found)),
        tickets(config.open_tickets_max) {
    for (std::size_t i = 0; i < policy.classes.size(); ++i) {
      classes[policy.classes[i].name] = static_cast<std::uint32_t>(i);
    }
  }

  // Looks the request's names up; the refusal if one of them is unknown.
  Refusal ask(const Request& request, Question& question) const;
  const PolicyRule* find_rule(const Request& request, std::size_t request_class, Instant now) const;
  // Writes the plan, and why each candidate stands where it stands.
  void plan(const PolicyRule& rule, const Question& question, Instant now,
            Decision& decision) const;
  // Adds a candidate with its predictions; its verdict is `verdict` unless something speaks against
  // it.
  Candidate& add(std::uint16_t target, Verdict verdict, const PolicyRule& rule,
                 const Question& question, Instant now, Decision& decision) const;

  Config config;
  const PolicyData& policy;
  std::vector<Target> targets;
  NameMap<std::uint32_t> classes;
  TicketTable tickets;
};

Refusal Router::State::ask(const Request& request, Question& question) const {
  question.request_class = policy.classes.size();
  std::optional<Tokens> output = policy.expected_output;
  if (!request.request_class.empty()) {
    const auto found = classes.find(request.request_class);
    if (found == classes.end()) return Refusal::kUnknownClass;
    question.request_class = found->second;
    output = policy.classes[found->second].expected_output;
  }
  for (const std::string_view name : request.capabilities) {
    const auto found = std::find(policy.capabilities.begin(), policy.capabilities.end(), name);
    if (found == policy.capabilities.end()) return Refusal::kUnknownCapability;
    question.capabilities |= std::uint64_t{1} << (found - policy.capabilities.begin());
  }
  if (request.expected_output) output = request.expected_output;
  if (request.max_output) output = std::min(output.value_or(kTokensMax), *request.max_output);
  if (!output) return Refusal::kUnknownOutput;
  question.input = request.input;
  question.expected_output = *output;
  question.max_output = request.max_output;
  question.usage[Meter::kInput] = request.input;
  question.usage[Meter::kOutput] = *output;
  return Refusal::kNone;
}

const PolicyRule* Router::State::find_rule(const Request& request, std::size_t request_class,
                                           Instant now) const {
  for (const PolicyRule& rule : policy.rules) {
    if (rule.when.holds(request, request_class, now)) return &rule;
  }
  return nullptr;
}

Candidate& Router::State::add(std::uint16_t index, Verdict verdict, const PolicyRule& rule,
                              const Question& question, Instant now, Decision& decision) const {
  const PolicyTarget& target = policy.targets[index];
  Candidate& candidate = decision.candidate[decision.candidates++];
  candidate.target = static_cast<TargetId>(index);
  candidate.expected_cost = config.prices.cost(targets[index].model, question.usage, now);
  candidate.quality = target.quality[question.request_class];
  candidate.latency = predict_latency(target, question.expected_output);
  const auto reason = check_candidate(target, targets[index].facts, rule, question, candidate);
  candidate.verdict = reason.value_or(verdict);
  return candidate;
}

void Router::State::plan(const PolicyRule& rule, const Question& question, Instant now,
                         Decision& decision) const {
  Candidate* winner = nullptr;
  for (const std::uint16_t index : rule.candidates) {
    Candidate& one = add(index, Verdict::kCostsMore, rule, question, now, decision);
    if (one.verdict != Verdict::kCostsMore) continue;
    // Equal costs go to the one named first.
    if (winner == nullptr || *one.expected_cost < *winner->expected_cost) winner = &one;
  }
  const auto take = [&decision](Candidate& one) {
    one.verdict = decision.attempts == 0 ? Verdict::kChosen : Verdict::kFallback;
    decision.attempt[decision.attempts++] = one.target;
  };
  if (winner != nullptr) take(*winner);
  const std::size_t rivals = decision.candidates;
  for (const std::uint16_t index : rule.fallback) {
    Candidate* const begin = decision.candidate.data();
    Candidate* found = std::find_if(begin, begin + rivals, [index](const Candidate& one) {
      return one.target == static_cast<TargetId>(index);
    });
    if (found == begin + rivals) {
      found = &add(index, Verdict::kCostsMore, rule, question, now, decision);
    }
    if (found->verdict == Verdict::kCostsMore) take(*found);
  }
}

Expected<std::unique_ptr<Router>> Router::create(Config config, Instant now) {
  if (config.open_tickets_max < kOpenTicketsMin) {
    return fail(
        ErrorCode::kOutOfRange, "open_tickets_max",
        fmt::format("must be at least {}, but is {}", kOpenTicketsMin, config.open_tickets_max));
  }
  Expected<std::vector<Target>> targets = find_targets(config.prices, config.policy.data(), now);
  if (!targets) return tl::unexpected<Errors>(std::move(targets.error()));
  auto state = std::make_unique<State>(std::move(config), std::move(*targets));
  return std::unique_ptr<Router>(new Router(std::move(state)));
}

Router::Router(std::unique_ptr<State> state) : state_(std::move(state)) {}
Router::~Router() = default;

Decision Router::route(const Request& request, Instant now) {
  FARE_CHECK(request.input >= Tokens(0));
  FARE_CHECK(request.input <= kTokensMax);
  Decision decision;
  const auto refuse = [&](Refusal refusal) {
    decision.refusal = refusal;
    state_->tickets.refuse(request.id);
  };
  Question question{};
  if (const Refusal refusal = state_->ask(request, question); refusal != Refusal::kNone) {
    refuse(refusal);
    return decision;
  }
  const PolicyRule* rule = state_->find_rule(request, question.request_class, now);
  if (rule == nullptr) {
    refuse(Refusal::kNoRule);
    return decision;
  }
  decision.rule = rule->name;
  decision.quality_floor = rule->quality_floor;
  question.latency_bound = tighter(rule->latency_bound, request.latency_bound);
  state_->plan(*rule, question, now, decision);
  if (decision.attempts == 0) {
    refuse(Refusal::kNoTarget);
    return decision;
  }
  const std::optional<Ticket> ticket = state_->tickets.open(request.id);
  if (!ticket) {
    decision.refusal = Refusal::kTooManyOpen;
    return decision;
  }
  decision.ticket = *ticket;
  return decision;
}

Settlement Router::settle(Ticket ticket, const Outcome& outcome, Instant /*now*/) {
  FARE_CHECK(outcome.attempts.size() <= kAttemptsMax);
  Settlement settlement;
  for (const Attempt& attempt : outcome.attempts) {
    const auto target = static_cast<std::size_t>(attempt.target);
    FARE_CHECK(target < state_->targets.size());
    if (!attempt.usage) {
      settlement.charges.push_back({}).status = PriceStatus::kPriced;
      const CostStatus missing = attempt.answered ? CostStatus::kUsageMissing : CostStatus::kPriced;
      settlement.cost_status = worse(settlement.cost_status, missing);
      continue;
    }
    const Charge& charge = settlement.charges.push_back(state_->config.prices.charge(
        state_->targets[target].model, *attempt.usage, attempt.started, attempt.terms));
    settlement.total += charge.total;
    settlement.cost_status = worse(settlement.cost_status, status_of(charge));
  }
  const bool priced = settlement.cost_status == CostStatus::kPriced;
  settlement.status = state_->tickets.close(ticket, settlement.total, priced);
  return settlement;
}

RouterStats Router::stats() const { return state_->tickets.stats(); }

TargetFacts Router::target(TargetId target) const {
  const auto index = static_cast<std::size_t>(target);
  FARE_CHECK(index < state_->targets.size());
  return {state_->policy.targets[index].name, state_->targets[index].facts};
}

std::size_t Router::targets() const { return state_->targets.size(); }
const Config& Router::config() const { return state_->config; }

std::string Router::explain(const Decision& decision) const {
  std::string text;
  if (decision.refusal != Refusal::kNone) {
    text += fmt::format("refused: {}", to_string(decision.refusal));
  } else {
    text += fmt::format("{} attempt{}", decision.attempts, decision.attempts == 1 ? "" : "s");
  }
  if (!decision.rule.empty()) text += fmt::format(", by rule \"{}\"", decision.rule);
  for (const Candidate& one : decision.considered()) {
    text += fmt::format("\n  {}: {}", target(one.target).name, to_string(one.verdict));
    if (one.expected_cost) text += fmt::format(", ${} expected", to_usd(*one.expected_cost));
    if (one.quality) text += fmt::format(", quality {}", *one.quality);
    if (one.latency) {
      const auto latency = std::chrono::duration_cast<std::chrono::milliseconds>(*one.latency);
      text += fmt::format(", {} ms", latency.count());
    }
  }
  return text + "\n";
}

}  // namespace fare
