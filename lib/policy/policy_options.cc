#include <fmt/format.h>

#include <cmath>

#include "policy/policy_reading.h"

namespace fare {
namespace {

constexpr double kYearMilliseconds = 31'557'600'000;

JsonParser<int> whole(int min, int max) {
  return [min, max](const JsonNode& node) -> std::optional<int> {
    const auto number = json::integer(min, max)(node);
    return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
  };
}

// Above 0, at most 1.
std::optional<double> read_share(const JsonNode& node) {
  const std::optional<double> share = json::number(0, 1)(node);
  if (share != 0.0) return share;
  node.must_be(ErrorCode::kOutOfRange, "a number above 0");
  return std::nullopt;
}

// `least_ns` to a year.
JsonParser<Duration> up_to_a_year(std::int64_t least_ns) {
  return [least_ns](const JsonNode& node) -> std::optional<Duration> {
    const std::optional<double> milliseconds = json::number(0, kYearMilliseconds)(node);
    if (!milliseconds) return std::nullopt;
    const Duration duration(static_cast<std::int64_t>(std::llround(*milliseconds * 1e6)));
    if (duration.count() >= least_ns) return duration;
    node.must_be(ErrorCode::kOutOfRange, "a number above 0");
    return std::nullopt;
  };
}

}  // namespace

void read_health(const JsonNode& node, Breaker::Options& health) {
  ObjectReader reader(node);
  reader.optional("failures_max", health.failures_max, whole(1, 1'000'000));
  reader.optional("failure_share_max", health.failure_share_max, read_share);
  reader.optional("attempts_min", health.attempts_min, json::number(1, 1e9));
  reader.optional("half_life_ms", health.half_life, up_to_a_year(1));
  reader.optional("eject_min_ms", health.eject_min, up_to_a_year(1));
  reader.optional("eject_max_ms", health.eject_max, up_to_a_year(1));
  reader.optional("probes_max", health.probes_max, whole(1, 1'000'000));
  reader.optional("probes_needed", health.probes_needed, whole(1, 1'000'000));
  reader.optional("probe_timeout_ms", health.probe_timeout, up_to_a_year(1));
  reader.optional("ramp_ms", health.ramp, up_to_a_year(0));
  reader.optional("ramp_from", health.ramp_from, read_share);
  reader.finish();
  if (health.eject_max < health.eject_min) {
    const auto ms = [](Duration duration) { return static_cast<double>(duration.count()) / 1e6; };
    node.problem(ErrorCode::kConflict,
                 fmt::format("eject_max_ms must be at least eject_min_ms, but they are {} and {}",
                             ms(health.eject_max), ms(health.eject_min)));
  }
}

void read_retry(const JsonNode& node, PolicyData& data) {
  ObjectReader reader(node);
  reader.optional("per_1000", data.retry.per_1000, whole(0, 1'000));
  reader.optional("saved_max", data.retry.saved_max, whole(1, 1'000'000));
  int attempts = static_cast<int>(data.attempts_max);
  reader.optional("attempts_max", attempts, whole(1, static_cast<int>(kAttemptsMax)));
  data.attempts_max = static_cast<std::size_t>(attempts);
  reader.finish();
}

void read_forecast(const JsonNode& node, ForecastTrigger& forecast) {
  ObjectReader reader(node);
  int down = static_cast<int>(forecast.down_percent);
  int up = static_cast<int>(forecast.up_percent);
  reader.optional("down_percent", down, whole(1, 1'000));
  reader.optional("up_percent", up, whole(0, 999));
  forecast.down_percent = static_cast<std::uint32_t>(down);
  forecast.up_percent = static_cast<std::uint32_t>(up);
  reader.optional("half_life_ms", forecast.half_life, up_to_a_year(1));
  reader.optional("step_time_ms", forecast.step_time, up_to_a_year(1));
  reader.finish();
  if (up >= down) {
    node.problem(
        ErrorCode::kConflict,
        fmt::format("up_percent must be below down_percent, but they are {} and {}", up, down));
  }
}

}  // namespace fare
