#include "world/hosted.h"

#include <algorithm>

#include "world/quality.h"

namespace routesim {
namespace {

namespace json = fare::json;
using fare::Duration;
using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;

constexpr std::int64_t kPlacesMax = 1'000'000'000;
constexpr std::int64_t kFlowMax = 1'000'000'000'000;
constexpr double kDayMs = 86'400'000;
constexpr double kDayS = 86'400;
constexpr std::size_t kChangesMax = 1'000;
constexpr std::size_t kOutagesMax = 1'000;

std::optional<Duration> read_ms(const JsonNode& node) {
  const std::optional<double> value = json::number(0, kDayMs)(node);
  if (!value) return std::nullopt;
  return Duration(static_cast<std::int64_t>(*value * 1e6));
}

// What flows in during `burst_s` may wait, at least one.
std::optional<fare::Flow> flow_of(std::int64_t per_minute, double burst_s) {
  if (per_minute == 0) return std::nullopt;
  const double burst = static_cast<double>(per_minute) * burst_s / 60;
  const double bounded = std::clamp(burst, 1.0, static_cast<double>(kFlowMax));
  return fare::Flow{.count = per_minute, .burst = static_cast<std::int64_t>(bounded)};
}

std::optional<HostedLimits> read_limits(const JsonNode& node) {
  HostedLimits limits;
  ObjectReader reader(node);
  std::int64_t requests = 0;
  std::int64_t input = 0;
  std::int64_t output = 0;
  double burst_s = 60;
  std::int64_t estimate = 0;
  const auto count = json::integer(1, kFlowMax);
  reader.optional("requests_per_minute", requests, count);
  reader.optional("input_per_minute", input, count);
  reader.optional("output_per_minute", output, count);
  reader.optional("burst_s", burst_s, json::number(0.001, kDayS));
  bool reads_count = true;
  if (reader.optional("cache_reads_count", reads_count, json::boolean())) {
    limits.cache_reads_count = reads_count;
  }
  reader.optional("output_estimate", estimate, json::integer(0, kFlowMax));
  reader.finish();
  if (reader.ok() && requests == 0 && input == 0 && output == 0) {
    node.problem(ErrorCode::kMissingKey,
                 "needs \"requests_per_minute\", \"input_per_minute\" or \"output_per_minute\"");
  }
  limits.rate.requests = flow_of(requests, burst_s);
  limits.rate.input = flow_of(input, burst_s);
  limits.rate.output = flow_of(output, burst_s);
  limits.output_estimate = fare::Tokens(estimate);
  return reader.ok() ? std::optional<HostedLimits>(limits) : std::nullopt;
}

std::optional<RampLimit> read_ramp(const JsonNode& node) {
  RampLimit ramp;
  ObjectReader reader(node);
  double window_s = 0;
  std::int64_t floor = 1;
  reader.required("window_s", window_s, json::number(0.001, kDayS));
  reader.required("growth", ramp.growth, json::number(1, 1'000));
  reader.required("floor", floor, json::integer(1, kPlacesMax));
  reader.finish();
  ramp.window = Duration(static_cast<std::int64_t>(window_s * 1e9));
  ramp.floor = static_cast<std::uint64_t>(floor);
  return reader.ok() ? std::optional<RampLimit>(ramp) : std::nullopt;
}

std::optional<HostedChange> read_change(const JsonNode& node, const HostedNames& names) {
  HostedChange change;
  ObjectReader reader(node);
  fare::Instant at = names.start;
  reader.required("at", at, json::read_with(&fare::parse_instant));
  change.at = std::max(at, names.start) - names.start;
  const auto keep = [&reader](std::string_view key, auto& out, const auto& parse) {
    auto value = typename std::decay_t<decltype(out)>::value_type{};
    if (reader.optional(key, value, parse)) out = std::move(value);
  };
  keep("latency_factor", change.latency_factor, json::number(0, 1'000));
  keep("failure_share", change.failure_share, json::number(0, 1));
  keep("concurrency", change.concurrency, read_places);
  keep("limits", change.limits, read_limits);
  reader.optional("skill", change.skill,
                  [&names](const JsonNode& skill) { return read_skill(skill, names.classes); });
  reader.optional("retired", change.retired, json::boolean());
  reader.finish();
  return reader.ok() ? std::optional<HostedChange>(std::move(change)) : std::nullopt;
}

void read_region(ObjectReader& reader, const HostedNames& names, HostedPhysics& physics) {
  if (names.regions.empty()) {
    const std::optional<JsonNode> node = reader.member("region", false);
    if (node) node->problem(ErrorCode::kUnknownName, "needs \"regions\" in the world");
    return;
  }
  std::size_t region = 0;
  if (!reader.optional("region", region, json::one_of(names.regions))) return;
  physics.region = static_cast<std::uint32_t>(region);
}

void read_changes(ObjectReader& reader, const HostedNames& names, HostedPhysics& physics) {
  const auto change = [&names](const JsonNode& item) { return read_change(item, names); };
  reader.optional("changes", physics.changes, json::list(change, 1, kChangesMax));
  const auto earlier = [](const HostedChange& a, const HostedChange& b) { return a.at < b.at; };
  if (std::is_sorted(physics.changes.begin(), physics.changes.end(), earlier)) return;
  reader.node().member("changes").problem(ErrorCode::kConflict, "must be in order of time");
}

// A line stands before places that are taken.
void check_line(const ObjectReader& reader, const HostedPhysics& physics) {
  const auto limits = [](const HostedChange& change) { return change.concurrency.has_value(); };
  if (!physics.queue_max || reader.node().has("concurrency")) return;
  if (std::any_of(physics.changes.begin(), physics.changes.end(), limits)) return;
  reader.node()
      .member("queue_max")
      .problem(ErrorCode::kMissingKey,
               "needs \"concurrency\": nobody waits where places have no end");
}

void read_load(ObjectReader& reader, HostedPhysics& physics) {
  const std::optional<JsonNode> node = reader.member("load", false);
  if (!node) return;
  ObjectReader load(*node);
  load.optional("first_token_ms_per_busy", physics.first_token_ms_per_busy,
                json::number(0, kDayMs));
  load.optional("output_share_per_busy", physics.output_share_per_busy, json::number(0, 1'000));
  load.finish();
}

}  // namespace

std::optional<std::uint32_t> read_places(const JsonNode& node) {
  const std::optional<std::int64_t> places = json::integer(0, kPlacesMax)(node);
  return places ? std::optional(static_cast<std::uint32_t>(*places)) : std::nullopt;
}

void read_hosted(ObjectReader& reader, const HostedNames& names, HostedPhysics& physics) {
  std::uint32_t queue_max = 0;
  if (reader.optional("queue_max", queue_max, read_places)) physics.queue_max = queue_max;
  reader.optional("first_token_ms_per_1k_cached", physics.first_token_ms_per_1k_cached,
                  json::number(0, kDayMs));
  read_load(reader, physics);
  reader.optional("timeout_ms", physics.timeout, read_ms);
  reader.optional("timeout_share", physics.timeout_share, json::number(0, 1));
  reader.optional("cut_share", physics.cut_share, json::number(0, 1));
  reader.optional("refusal_ms", physics.refusal, read_ms);
  if (physics.timeout_share > 0 && physics.timeout == Duration(0)) {
    reader.node().problem(ErrorCode::kMissingKey, "\"timeout_share\" needs \"timeout_ms\"");
  }
  HostedLimits limits;
  if (reader.optional("limits", limits, read_limits)) physics.limits = limits;
  RampLimit ramp;
  if (reader.optional("ramp", ramp, read_ramp)) physics.ramp = ramp;
  const auto outage = [&names](const JsonNode& item) { return read_outage(item, names.start); };
  reader.optional("outages", physics.outages, json::list(outage, 1, kOutagesMax));
  read_region(reader, names, physics);
  read_changes(reader, names, physics);
  check_line(reader, physics);
  if (const std::optional<JsonNode> cache = reader.member("cache", false)) {
    physics.cache = read_cache_model(*cache, names.start, names.cache_rules);
  }
}

}  // namespace routesim
