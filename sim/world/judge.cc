#include "world/judge.h"

#include <algorithm>
#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {
namespace {

namespace json = fare::json;

constexpr double kLogitMax = 20;
constexpr double kQualityEnd = 1e-9;

double logit(double quality) {
  FARE_CHECK(quality >= 0);
  FARE_CHECK(quality <= 1);
  const double inside = std::clamp(quality, kQualityEnd, 1 - kQualityEnd);
  return std::log(inside / (1 - inside));
}

void read_grading(fare::ObjectReader& reader, JudgeModel& judge) {
  const fare::JsonNode& node = reader.node();
  const bool by_verdict = judge.false_pass > 0 || judge.false_fail > 0;
  const bool by_score = judge.bias != 0 || judge.noise > 0;
  judge.grading = by_score && !by_verdict ? Grading::kScore : Grading::kVerdict;
  std::size_t grading = 0;
  if (reader.optional("grades", grading, json::one_of({"verdict", "score"}))) {
    judge.grading = static_cast<Grading>(grading);
  } else if (by_verdict && by_score && !node.has("grades")) {
    node.problem(fare::ErrorCode::kMissingKey,
                 "states the errors of verdicts and of scores: say by \"grades\" which it gives");
  }
}

std::optional<fare::Cost> read_cost(const fare::JsonNode& node) {
  const auto cost = json::read_with<fare::Cost>(fare::parse_usd)(node);
  if (!cost || (*cost >= fare::Cost() && *cost <= fare::parse_usd("1000000").value())) return cost;
  node.must_be(fare::ErrorCode::kOutOfRange, "from 0 to 1,000,000 dollars");
  return std::nullopt;
}

}  // namespace

Judge::Judge(JudgeModel model, const fare::RandomKey& key, std::uint64_t number)
    : model_(std::move(model)), key_(key), number_(number) {
  FARE_CHECK(number < kJudgesMax);
}

// Each question has its number, whether it is asked or not: so none moves another's luck.
fare::RandomStream Judge::stream(std::uint64_t entity, Draw draw) const {
  FARE_CHECK(entity < std::uint64_t{1} << 61);
  fare::RandomStream luck(key_, entity * kJudgesMax + number_);
  for (std::uint64_t i = 0; i < draw; ++i) luck.bits();
  return luck;
}

bool Judge::passes(bool good, std::uint64_t entity) const {
  const double pass = good ? 1 - model_.false_fail : model_.false_pass;
  return stream(entity, kVerdict).uniform() < pass;
}

double Judge::score(double quality, std::uint64_t entity) const {
  const double z = fare::normal_quantile(stream(entity, kScore).uniform());
  return 1 / (1 + std::exp(-(logit(quality) + model_.bias + model_.noise * z)));
}

bool Judge::prefers_first(double first, double second, std::uint64_t entity) const {
  const double z = fare::normal_quantile(stream(entity, kPair).uniform());
  const double difference = logit(first) - logit(second) + model_.order_effect;
  return difference + model_.noise * std::sqrt(2.0) * z > 0;
}

double Judge::grade(const AnswerQuality& answer, std::uint64_t entity) const {
  if (!answer.is_known()) return 1;
  if (model_.grading == Grading::kScore) return score(answer.probability, entity);
  return passes(answer.good, entity) ? 1 : 0;
}

fare::Duration Judge::delay(std::uint64_t entity) const {
  fare::RandomStream luck = stream(entity, kDelay);
  return fare::Duration(static_cast<std::int64_t>(model_.delay_ms.sample(luck) * 1e6));
}

std::optional<JudgeModel> read_judge(const fare::JsonNode& node) {
  JudgeModel judge;
  fare::ObjectReader reader(node);
  reader.required("name", judge.name, json::text(128));
  reader.optional("origin", judge.origin, json::text(1'000));
  reader.optional("false_pass", judge.false_pass, json::number(0, 1));
  reader.optional("false_fail", judge.false_fail, json::number(0, 1));
  reader.optional("bias", judge.bias, json::number(-kLogitMax, kLogitMax));
  reader.optional("noise", judge.noise, json::number(0, kLogitMax));
  read_grading(reader, judge);
  reader.optional("order_effect", judge.order_effect, json::number(-kLogitMax, kLogitMax));
  reader.optional("usd_per_judgement", judge.cost, read_cost);
  if (reader.optional("delay_ms", judge.delay_ms, read_distribution) &&
      judge.delay_ms.greatest() > 86'400'000) {
    node.member("delay_ms").must_be(fare::ErrorCode::kOutOfRange, "at most a day (86400000 ms)");
  }
  reader.finish();
  return reader.ok() ? std::optional(std::move(judge)) : std::nullopt;
}

}  // namespace routesim
