#include <algorithm>

#include "fare/check.h"
#include "router/attempt.h"
#include "router/ladder.h"
#include "router/plan.h"
#include "router/router_state.h"

namespace fare {
namespace {

// The rule that matches, if one does.
const PolicyRule* find_rule(const PolicyData& policy, const Question& question) {
  for (const PolicyRule& rule : policy.rules) {
    if (rule.when.holds(*question.request, question.request_class, question.now)) return &rule;
  }
  return nullptr;
}

// Decides one request: rung by rung, and on each candidate by candidate, until somebody serves.
class Deciding {
 public:
  Deciding(RateLimits& limits, Forecasts& forecasts, Sessions& sessions, const Snapshot& snapshot,
           const Request& request, Instant now, Decision& decision)
      : limits_(limits),
        forecasts_(forecasts),
        sessions_(sessions),
        snapshot_(snapshot),
        request_(request),
        now_(now),
        decision_(decision) {}

  // Fills the decision but for its ticket.
  void decide();

  // What was decided, for the ticket.  REQUIRES: somebody serves.
  void fill(OpenTicket& ticket) const;

  // Undoes what was taken.
  void take_back();

  // The winner's prompt is on its way: it will be warm there.
  void remember();

 private:
  Refusal find_payers();
  // Whether somebody serves, or the cache does; else notes why not.
  bool try_rung(const Ladder& ladder);
  bool try_candidate(Plan& plan, std::size_t candidate);
  void note(const Grant& grant);
  void note_retry(std::optional<Instant> at);
  Refusal refusal() const;
  bool is_pinned_by_rule() const { return rule_->pin && request_.session != 0; }
  std::uint32_t rule_index() const {
    return static_cast<std::uint32_t>(rule_ - snapshot_.policy.rules.data());
  }

  RateLimits& limits_;
  Forecasts& forecasts_;
  Sessions& sessions_;
  const Snapshot& snapshot_;
  const Request& request_;
  const Instant now_;
  Decision& decision_;
  Question question_;
  const PolicyRule* rule_ = nullptr;
  InlineList<ScopeId, kScopesMax> payers_;
  Grant grant_;
  std::optional<Sessions::Pin> pin_;
  Cost switch_cost_;
  bool was_limited_ = false;
  bool was_over_budget_ = false;
  Refusal hard_ = Refusal::kNone;  // What no other candidate changes.
};

Refusal Deciding::find_payers() {
  if (snapshot_.ledger == nullptr) return Refusal::kNone;
  for (const std::string_view name : request_.scopes) {
    const ScopeId scope = snapshot_.ledger->find_or_create(name, now_);
    if (scope == ScopeId{}) return Refusal::kUnknownScope;
    payers_.push_back(scope);
  }
  return Refusal::kNone;
}

void Deciding::decide() {
  decision_.generation = snapshot_.generation;
  decision_.refusal = ask(snapshot_, request_, now_, question_);
  if (decision_.refusal != Refusal::kNone) return;
  const auto& classes = snapshot_.policy.classes;
  if (question_.request_class < classes.size()) {
    decision_.request_class = classes[question_.request_class].name;
  }
  rule_ = find_rule(snapshot_.policy, question_);
  decision_.refusal = rule_ == nullptr ? Refusal::kNoRule : find_payers();
  if (rule_ == nullptr) return;
  decision_.rule = rule_->name;
  decision_.quality_floor = rule_->quality_floor;
  if (rule_->hedge) decision_.hedge_after = rule_->hedge->after;
  if (decision_.refusal != Refusal::kNone) return;
  if (is_pinned_by_rule()) pin_ = sessions_.find(request_.session);
  Ladder ladder(*rule_, request_, question_, decision_);
  if (snapshot_.forecast_steps[rule_index()] > 0 && !payers_.empty()) {
    ladder.forecast(forecasts_.steps(*snapshot_.ledger, {payers_.begin(), payers_.size()},
                                     snapshot_.policy.forecast, snapshot_.forecast_steps_max,
                                     now_));
  }
  while (!try_rung(ladder)) {
    decision_.refusal = refusal();
    const bool may_step =
        decision_.refusal == Refusal::kOverBudget || decision_.refusal == Refusal::kRateLimited;
    if (!may_step || !ladder.step_down()) return;
    decision_.refusal = Refusal::kNone;
  }
  decision_.retry_at.reset();
}

bool Deciding::try_rung(const Ladder& ladder) {
  decision_.action = ladder.action();
  if (decision_.action == Action::kAnswerCached) {
    decision_.candidates.clear();
    return true;
  }
  const Rung rung = ladder.rung();
  Plan plan(snapshot_, *rule_, question_, rung, pin_, decision_);
  while (const std::optional<std::size_t> candidate = plan.next()) {
    if (try_candidate(plan, *candidate)) return true;
    if (hard_ != Refusal::kNone) return false;
  }
  note_retry(plan.retry_at());
  was_limited_ |= plan.has_held();
  return false;
}

bool Deciding::try_candidate(Plan& plan, std::size_t candidate) {
  grant_ = grant(snapshot_, limits_,
                 {.target = decision_.candidates[candidate].target,
                  .request_class = question_.request_class,
                  .input = question_.input,
                  .cache_read = plan.warm(candidate),
                  .expected_output = question_.expected_output,
                  .output_max = question_.output_max,
                  .is_probe = plan.is_probe(candidate),
                  .scopes = {payers_.begin(), payers_.size()}},
                 now_);
  if (grant_.verdict == Verdict::kChosen) {
    plan.choose(candidate);
    switch_cost_ = plan.switch_cost();
    decision_.reserved = grant_.tried.bounds.worst;
    decision_.soft_percent = grant_.reservation.soft_percent;
    decision_.would_refuse = grant_.reservation.would_refuse;
    return true;
  }
  plan.rule_out(candidate, grant_.verdict);
  note(grant_);
  return false;
}

void Deciding::note_retry(std::optional<Instant> at) {
  if (!at) return;
  decision_.retry_at = decision_.retry_at ? std::min(*decision_.retry_at, *at) : *at;
}

void Deciding::note(const Grant& grant) {
  note_retry(grant.retry_at);
  was_limited_ |= grant.verdict == Verdict::kRateLimited;
  if (grant.verdict != Verdict::kOverBudget) return;
  switch (grant.status) {
    case ReserveStatus::kUnknownScope:
      hard_ = Refusal::kUnknownScope;
      break;
    case ReserveStatus::kTooManyBudgets:
      hard_ = Refusal::kTooManyBudgets;
      break;
    case ReserveStatus::kTooManyOpen:
      hard_ = Refusal::kTooManyOpen;
      break;
    case ReserveStatus::kReserved:  // It has no bound that a ledger can hold.
    case ReserveStatus::kOverBudget:
    case ReserveStatus::kNotOpen:
    case ReserveStatus::kNoTicket:
      was_over_budget_ = true;
      break;
  }
}

Refusal Deciding::refusal() const {
  if (hard_ != Refusal::kNone) return hard_;
  if (was_limited_) return Refusal::kRateLimited;
  return was_over_budget_ ? Refusal::kOverBudget : Refusal::kNoTarget;
}

void Deciding::fill(OpenTicket& ticket) const {
  ticket.rule = rule_index();
  ticket.request_class = question_.request_class;
  ticket.plan = decision_.attempt;
  ticket.plan_size = decision_.attempts;
  ticket.first = grant_.tried;
  ticket.tried_size = 1;
  ticket.is_hedged = false;
  ticket.payers = payers_;
  ticket.session = is_pinned_by_rule() ? request_.session : 0;
  ticket.input = question_.input;
  ticket.expected_output = question_.expected_output;
  ticket.output_max = question_.output_max;
  ticket.deadline = request_.deadline;
}

void Deciding::take_back() { fare::take_back(snapshot_, limits_, grant_.tried, now_); }

void Deciding::remember() {
  const RoutedTarget& target = snapshot_[decision_.attempt[0]];
  if (is_pinned_by_rule()) {
    const Cost spent = (pin_ ? pin_->spent : Cost()) + switch_cost_;
    sessions_.put(request_.session, {.record = target.record->id(), .spent = spent}, now_);
  }
  const PromptBlocks& prompt = request_.prompt;
  if (!target.is_cached || prompt.blocks.empty() || question_.is_shortened) return;
  const auto first_token = target.record->predict(target.latency, Tokens(1), now_);
  target.record->cache->store(target.cached, prompt, question_.input, now_,
                              now_ + first_token.value_or(Duration(0)));
}

}  // namespace

void Router::State::route(const Request& request, Instant now, Decision& decision) {
  FARE_CHECK(request.input >= Tokens(0));
  FARE_CHECK(request.input <= kTokensMax);
  FARE_CHECK(request.scopes.size() <= kScopesMax);
  const std::uint32_t shard = TicketTable::shard_of(request.id);
  Pinned pinned(generations, shard);
  Deciding deciding(*limits, forecasts, sessions, *pinned, request, now, decision);
  deciding.decide();
  const bool degraded = !decision.degradations.empty() && decision.refusal == Refusal::kNone;
  if (decision.refusal != Refusal::kNone || decision.action == Action::kAnswerCached) {
    const bool cached = decision.refusal == Refusal::kNone;
    tickets.count(shard, cached ? TicketTable::Ending::kCached : TicketTable::Ending::kRefused,
                  degraded);
    return;
  }
  const TicketTable::Claimed claimed =
      tickets.take(shard, now + pinned->config.ticket_life, degraded);
  if (claimed.data == nullptr) {
    deciding.take_back();
    decision.refusal = Refusal::kTooManyOpen;
    decision.attempts = 0;
    return;
  }
  deciding.fill(*claimed.data);
  claimed.data->generation = pinned.slot();
  pinned.keep();
  deciding.remember();
  decision.ticket = claimed.ticket;
  tickets.open(claimed);
}

}  // namespace fare
