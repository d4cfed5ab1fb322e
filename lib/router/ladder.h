#pragma once

#include <cstddef>  // std::size_t.

#include "router/plan.h"      // Rung.
#include "router/question.h"  // Question.

namespace fare {

// A rule's degradation ladder for one request: steps that were taken, each on top of those before.
// A step that changes nothing for this request (a longer context than it has, a cached answer that
// is not there) is passed over and not named.
class Ladder {
 public:
  Ladder(const PolicyRule& rule, const Request& request, Question& question, Decision& decision)
      : rule_(rule), request_(request), question_(question), decision_(decision) {
    rung_.candidates = rule.candidates;
  }

  // Takes the first `count` steps of those that a forecast may take.
  void forecast(std::size_t count);

  // Takes the next step that a refusal may take; false if there is none.
  bool step_down();

  const Rung& rung() const { return rung_; }
  Action action() const { return action_; }

 private:
  bool take(const DegradeStep& step);
  bool take_cached_answer();

  const PolicyRule& rule_;
  const Request& request_;
  Question& question_;
  Decision& decision_;
  Rung rung_;
  Action action_ = Action::kServe;
  std::size_t next_ = 0;  // Steps before it were taken or passed over.
};

}  // namespace fare
