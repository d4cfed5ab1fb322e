#include "fare/retry.h"

#include <algorithm>

#include "fare/check.h"

namespace fare {
namespace {

// Whether what begins now and takes `expected` ends by the deadline.
bool ends_in_time(Instant now, Duration expected, Instant deadline) {
  FARE_CHECK(expected >= Duration(0));
  return static_cast<Int128>(now.time_since_epoch().count()) + expected.count() <=
         deadline.time_since_epoch().count();
}

}  // namespace

RetryBudget::RetryBudget(const Options& options)
    : per_request_(options.per_1000), max_(std::int64_t{1000} * options.saved_max) {
  FARE_CHECK(options.per_1000 >= 0);
  FARE_CHECK(options.per_1000 <= 1000);
  FARE_CHECK(options.saved_max >= 1);
  FARE_CHECK(options.saved_max <= 1'000'000);
}

void RetryBudget::add_requests(std::uint64_t count) {
  const Int128 more = static_cast<Int128>(count) * per_request_;
  thousandths_ = static_cast<std::int64_t>(std::min<Int128>(max_, thousandths_ + more));
}

void RetryBudget::give_back() { thousandths_ = std::min(max_, thousandths_ + 1000); }

bool RetryBudget::take() {
  if (thousandths_ < 1000) return false;
  thousandths_ -= 1000;
  return true;
}

NextAttempt next_attempt(const Progress& progress, TargetId target, Duration expected,
                         Instant now) {
  if (progress.visited.size() >= progress.attempts_max) return NextAttempt::kNoAttemptsLeft;
  if (std::find(progress.visited.begin(), progress.visited.end(), target) !=
      progress.visited.end()) {
    return NextAttempt::kVisited;
  }
  if (!ends_in_time(now, expected, progress.deadline)) return NextAttempt::kTooLate;
  return NextAttempt::kGo;
}

Hedge hedge(const HedgeQuestion& question, Instant now) {
  if (!question.is_repeatable) return Hedge::kNotRepeatable;
  if (question.has_begun) return Hedge::kHasBegun;
  if (question.waited < question.patience) return Hedge::kTooEarly;
  if (!ends_in_time(now, question.expected, question.deadline)) return Hedge::kTooLate;
  if (!question.worst) return Hedge::kUnpriced;
  return *question.worst <= question.left ? Hedge::kGo : Hedge::kOverBudget;
}

}  // namespace fare
