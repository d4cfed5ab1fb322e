#include "world/pool_model.h"

#include <fmt/format.h>

#include <cmath>

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;
namespace json = fare::json;

constexpr std::int64_t kReplicasMax = 10'000;
constexpr std::int64_t kSequencesMax = 4'096;
constexpr std::int64_t kCacheTokensMax = 50'000'000;
constexpr double kSecondsMax = 1e7;

// Seconds, to the nearest nanosecond.
fare::JsonParser<fare::Duration> seconds(double min) {
  return [min](const JsonNode& node) -> std::optional<fare::Duration> {
    const std::optional<double> value = json::number(min, kSecondsMax)(node);
    if (!value) return std::nullopt;
    return fare::Duration(std::llround(*value * 1e9));
  };
}

void read_iteration(const JsonNode& node, BatchModel& batch) {
  ObjectReader reader(node);
  reader.required("base", batch.base_us, json::number(0.001, 1e6));
  reader.optional("per_sequence", batch.us_per_sequence, json::number(0, 1e3));
  reader.optional("per_resident_token", batch.us_per_resident_token, json::number(0, 1));
  reader.optional("per_prefill_token", batch.us_per_prefill_token, json::number(0, 1e4));
  reader.finish();
}

std::optional<Speculation> read_speculation(const JsonNode& node) {
  Speculation speculation;
  ObjectReader reader(node);
  reader.required("acceptance", speculation.acceptance, json::number(0, 1));
  reader.required("draft_tokens", speculation.draft_tokens, json::integer(1, kDraftTokensMax));
  reader.optional("draft_us", speculation.draft_us, json::number(0, 1e6));
  reader.optional("draft_us_per_sequence", speculation.draft_us_per_sequence, json::number(0, 1e3));
  reader.finish();
  return reader.ok() ? std::optional(speculation) : std::nullopt;
}

std::optional<Autoscaling> read_scaling(const JsonNode& node) {
  Autoscaling scaling;
  if (!node.is_object()) {
    const auto count = json::integer(0, kReplicasMax)(node);
    if (!count) return std::nullopt;
    scaling.replicas_min = scaling.replicas_max = *count;
    return scaling;
  }
  ObjectReader reader(node);
  reader.required("min", scaling.replicas_min, json::integer(0, kReplicasMax));
  const bool has_max = reader.required("max", scaling.replicas_max, json::integer(0, kReplicasMax));
  reader.optional("target_utilisation", scaling.target_utilisation, json::number(0.01, 1));
  reader.optional("period_s", scaling.period, seconds(0.001));
  reader.optional("cold_start_s", scaling.cold_start, seconds(0));
  reader.optional("scale_in_delay_s", scaling.scale_in_delay, seconds(0));
  reader.finish();
  if (has_max && scaling.replicas_min > scaling.replicas_max) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("\"min\" must not be above \"max\", but is {} above {}",
                             scaling.replicas_min, scaling.replicas_max));
    return std::nullopt;
  }
  return scaling;
}

std::optional<fare::Cost> read_price(const JsonNode& node) {
  const auto price = json::read_with<fare::Cost>(fare::parse_usd)(node);
  if (!price) return std::nullopt;
  if (*price >= fare::Cost() && *price <= fare::Cost(fare::Int128{1'000'000} * 1'000'000'000'000)) {
    return price;
  }
  node.must_be(ErrorCode::kOutOfRange, "from 0 to 1,000,000 dollars");
  return std::nullopt;
}

void check_batch(const JsonNode& node, const BatchModel& batch) {
  const std::int64_t each = batch.speculation ? 1 + batch.speculation->draft_tokens : 1;
  if (batch.batch_tokens < batch.sequences_max * each) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("\"batch_tokens\" must be at least {}, as many as {} sequences decode "
                             "in an iteration, but is {}",
                             batch.sequences_max * each, batch.sequences_max, batch.batch_tokens));
  }
  if (batch.blocks > kCacheTokensMax / batch.block_tokens) {
    node.problem(
        ErrorCode::kOutOfRange,
        fmt::format("\"blocks\" of {} tokens must be at most {}, but is {}", batch.block_tokens,
                    kCacheTokensMax / batch.block_tokens, batch.blocks));
  }
}

}  // namespace

std::optional<PoolModel> read_pool(const JsonNode& node) {
  PoolModel pool;
  BatchModel& batch = pool.batch;
  ObjectReader reader(node);
  reader.required("origin", pool.origin, json::text(1'000));
  if (const auto iteration = reader.member("iteration_us", true)) read_iteration(*iteration, batch);
  reader.required("sequences", batch.sequences_max, json::integer(1, kSequencesMax));
  reader.required("batch_tokens", batch.batch_tokens, json::integer(1, 1'000'000));
  reader.optional("block_tokens", batch.block_tokens, json::integer(1, 256));
  reader.required("blocks", batch.blocks, json::integer(0, kCacheTokensMax));
  reader.optional("waiting", batch.waiting_max, json::integer(0, 1'000'000));
  if (const auto speculation = reader.member("speculation", false)) {
    batch.speculation = read_speculation(*speculation);
  }
  reader.required("replicas", pool.scaling, read_scaling);
  std::size_t balance = 0;
  reader.optional("balance", balance, json::one_of({"tokens", "requests"}));
  pool.balance = static_cast<PoolBalance>(balance);
  double overhead_ms = 0;
  reader.optional("overhead_ms", overhead_ms, json::number(0, 1e6));
  pool.overhead = fare::Duration(std::llround(overhead_ms * 1e6));
  reader.optional("gpus_per_replica", pool.gpus_per_replica, json::integer(1, 1'024));
  reader.required("usd_per_gpu_hour", pool.cost_per_gpu_hour, read_price);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  check_batch(node, batch);
  return pool;
}

}  // namespace routesim
