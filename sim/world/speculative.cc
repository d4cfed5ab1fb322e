#include "world/speculative.h"

#include "fare/check.h"

namespace routesim {
namespace {

void check(const Speculation& speculation) {
  FARE_CHECK(speculation.acceptance >= 0);
  FARE_CHECK(speculation.acceptance <= 1);
  FARE_CHECK(speculation.draft_tokens >= 1);
  FARE_CHECK(speculation.draft_tokens <= kDraftTokensMax);
}

}  // namespace

double tokens_per_step(const Speculation& speculation) {
  check(speculation);
  // The sum is exact at an acceptance of one, where the closed form divides by zero.
  double power = 1;
  double sum = 0;
  for (std::int64_t k = 0; k <= speculation.draft_tokens; ++k) {
    sum += power;
    power *= speculation.acceptance;
  }
  return sum;
}

StepSampler::StepSampler(const Speculation& speculation) : draft_tokens_(speculation.draft_tokens) {
  check(speculation);
  double power = 1;
  for (double& reach : reach_) reach = power *= speculation.acceptance;
}

std::int64_t StepSampler::tokens(fare::RandomStream& luck) const {
  const double u = luck.uniform();
  std::int64_t kept = 0;
  while (kept < draft_tokens_ && u < reach_[static_cast<std::size_t>(kept)]) ++kept;
  return kept + 1;
}

std::int64_t StepSampler::steps(std::int64_t tokens, fare::RandomStream& luck) const {
  FARE_CHECK(tokens >= 0);
  std::int64_t steps = 0;
  for (std::int64_t left = tokens; left > 0; ++steps) left -= this->tokens(luck);
  return steps;
}

}  // namespace routesim
