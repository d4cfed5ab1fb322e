#pragma once

#include <cstdint>   // std::uint16_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/decision.h"     // Decision, Candidate.
#include "fare/inline_list.h"  // InlineList.
#include "policy/objective.h"  // Choice, CandidateLoad.
#include "router/question.h"   // Question.
#include "router/sessions.h"   // Sessions.
#include "router/snapshot.h"   // Snapshot.

namespace fare {

// One rung of a rule: who competes, and what bounds them.
struct Rung {
  std::span<const std::uint16_t> candidates;
  bool is_rules = true;      // They are the rule's own.
  bool is_deferred = false;  // Latency bounds do not count, but deadlines do.
};

// Gives every candidate of one rung its verdict, and puts those that would do into an order.
// Allocates nothing; reads what was learnt, and changes nothing of it.
class Plan {
 public:
  // `pin`: the target that last served the session, if the rule pins sessions and there is one.
  Plan(const Snapshot& snapshot, const PolicyRule& rule, const Question& question, const Rung& rung,
       const std::optional<Sessions::Pin>& pin, Decision& decision);

  // The next one to try: the best of those that would do and were not ruled out, then the
  // fallbacks in their order.  Nothing: nobody is left.
  std::optional<std::size_t> next();

  // It was tried, and may not serve.
  void rule_out(std::size_t candidate, Verdict why);

  // It serves: writes the attempts, with the fallbacks behind it.
  void choose(std::size_t candidate);

  // What the session's warm prefix was worth on the target that it leaves for the one next() gave
  // last; 0 if it stays, or nothing is known to be warm.
  Cost switch_cost() const { return switch_cost_; }

  bool is_probe(std::size_t candidate) const { return (probes_ >> candidate & 1u) != 0; }
  // What its prompt cache is believed to hold of the prompt.
  Tokens warm(std::size_t candidate) const { return warm_[candidate]; }
  // The first instant at which an ejected candidate is probed, or a held one may be asked, if there
  // was one.
  std::optional<Instant> retry_at() const { return retry_at_; }
  // Whether a candidate that may do is held (Router::hold()).
  bool has_held() const { return held_ != 0; }

 private:
  void add(std::uint16_t target);
  void add_denied();
  std::optional<Verdict> check(const RoutedTarget& target, const Candidate& candidate);
  std::optional<Verdict> check_floor(const Candidate& candidate) const;
  std::optional<std::size_t> first_stage();
  bool cascade_in_time(std::uint32_t stages) const;
  std::size_t place_of(TargetId target) const;
  std::optional<Verdict> check_health(const RoutedTarget& target, TargetId id);
  std::optional<Cost> cost(const RoutedTarget& target, const Usage& usage) const;
  // Prices it by what its prompt cache is believed to hold of the prompt; how much that is.
  Tokens price_warm(const RoutedTarget& target, Candidate& candidate) const;
  std::optional<double> quality(const RoutedTarget& target, std::size_t index) const;
  std::optional<std::size_t> canary();
  std::optional<std::size_t> best();
  std::optional<std::size_t> pinned() const;
  std::size_t stay_or_leave(std::size_t stay, std::size_t go);
  Cost warm_value_of(std::size_t candidate) const;
  void fill_loads();
  void note_retry(Instant at);

  bool would_do(std::size_t i) const { return (would_do_ >> i & 1u) != 0; }
  std::span<Candidate> first(std::size_t size) { return {decision_.candidates.begin(), size}; }

  const Snapshot& snapshot_;
  const PolicyRule& rule_;
  const Question& question_;
  const Rung& rung_;
  const std::optional<Sessions::Pin>& pin_;
  Decision& decision_;
  std::optional<Duration> latency_bound_;
  InlineList<Tokens, kCandidatesMax> warm_;
  InlineList<CandidateLoad, kCandidatesMax> load_;  // To balance only.
  std::size_t rivals_ = 0;  // Candidates that compete, a canary included; fallbacks stand behind.
  std::uint32_t would_do_ = 0;
  std::uint32_t probes_ = 0;
  std::uint32_t held_ = 0;                  // Who would do later, but is held now, by candidate.
  const CascadeStages* cascade_ = nullptr;  // What is planned for the class, if anything.
  std::uint32_t fit_ = 0;     // Who would do if it were not for the floor, by candidate.
  std::uint32_t stages_ = 0;  // Of the cascade that next() gave last, by stage; 0: none.
  bool is_canary_ = false;
  std::optional<Instant> retry_at_;
  Cost switch_cost_;
};

}  // namespace fare
