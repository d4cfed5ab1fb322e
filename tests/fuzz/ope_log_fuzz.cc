#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fare/check.h"
#include "report/ope_text.h"
#include "study/ope_log.h"
#include "study/ope_report.h"

// Goal: no bytes make the reader of decision logs crash, or give a log that breaks its contract;
// and whatever it gives can be judged.

namespace {

using routesim::DecisionLog;
using routesim::DecisionRow;

void check_log(const DecisionLog& log) {
  FARE_CHECK(!log.rows.empty());
  for (const DecisionRow& row : log.rows) {
    FARE_CHECK(row.propensity > 0);
    FARE_CHECK(row.propensity <= 1);
    FARE_CHECK(row.reward.has_value() == log.has_reward);
    FARE_CHECK(row.quality.has_value() != log.has_reward);
    FARE_CHECK(row.cost.has_value() == log.has_cost);
    FARE_CHECK(row.features.size() == log.dimensions);
    bool candidate = false;
    for (const std::uint32_t arm : row.candidates) {
      FARE_CHECK(arm < log.arms.size());
      candidate = candidate || arm == row.chosen;
    }
    FARE_CHECK(candidate);
    FARE_CHECK(row.probabilities.empty() || row.probabilities.size() == row.candidates.size());
  }
}

void check_judged(const DecisionLog& log, const std::string& name) {
  const auto policy = routesim::plain_policy(log, name);
  FARE_CHECK(policy.has_value());
  const auto report = routesim::judge_policy(log, *policy, {});
  FARE_CHECK(report.has_value());
  FARE_CHECK(!routesim::to_text(*report, {}).empty());
  const auto json = nlohmann::json::parse(routesim::to_json(*report));
  FARE_CHECK(json.at("identified").get<bool>() == report->answer.value.has_value());
  if (report->answer.value) FARE_CHECK(std::isfinite(report->answer.value->snips.value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto log = routesim::read_decision_log("fuzz", routesim::ByteSource::memory(bytes));
  if (log) {
    check_log(*log);
    for (const char* policy : {"uniform", "logged", "always:haiku"}) check_judged(*log, policy);
    return 0;
  }
  FARE_CHECK(!log.error().empty());
  for (const fare::Error& error : log.error()) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    static_cast<void>(nlohmann::json(error.message).dump());  // Throws if not UTF-8.
  }
  return 0;
}
