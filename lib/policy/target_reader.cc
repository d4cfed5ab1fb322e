#include <fmt/format.h>

#include <cmath>

#include "policy/policy_reading.h"

namespace fare {
namespace {

constexpr std::int64_t kFlowMax = 1'000'000'000'000;

// One number for all classes, or an object from class to number.
void read_quality(const JsonNode& node, const PolicyData& data, PolicyTarget& target) {
  const auto share = json::number(0, 1);
  if (!node.is_object()) {
    const std::optional<double> quality = share(node);
    std::fill(target.quality.begin(), target.quality.end(), quality);
    return;
  }
  for (const std::string& name : node.keys()) {
    const auto index = find_name(node.member(name), name, names_of(data.classes), "class");
    if (index) target.quality[*index] = share(node.member(name));
  }
}

LatencyPrior read_latency(const JsonNode& node) {
  LatencyPrior prior;
  ObjectReader parts(node);
  parts.required("first_token_ms", prior.first_token, read_milliseconds);
  parts.required("ms_per_output_token", prior.per_output_token, read_milliseconds);
  parts.finish();
  return prior;
}

std::optional<double> read_burst_share(const JsonNode& node) {
  const std::optional<double> share = json::number(0, 1)(node);
  if (share != 0.0) return share;
  node.must_be(ErrorCode::kOutOfRange, "a number above 0");
  return std::nullopt;
}

// `share` of a minute's count may wait, rounded up: at least one.
void read_flow(ObjectReader& reader, std::string_view key, double share, std::optional<Flow>& out) {
  std::int64_t count = 0;
  if (!reader.optional(key, count, json::integer(1, kFlowMax))) return;
  const auto burst = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count)));
  out = Flow{.count = count, .per = std::chrono::minutes(1), .burst = burst};
}

RateLimit read_limits(const JsonNode& node) {
  RateLimit limit;
  ObjectReader reader(node);
  double share = 1;
  reader.optional("burst_share", share, read_burst_share);
  read_flow(reader, "requests_per_minute", share, limit.requests);
  read_flow(reader, "input_tokens_per_minute", share, limit.input);
  read_flow(reader, "output_tokens_per_minute", share, limit.output);
  std::int64_t slots = 0;
  if (reader.optional("concurrency", slots, json::integer(1, 1'000'000'000))) {
    limit.slots = static_cast<std::uint32_t>(slots);
  }
  reader.optional("cache_reads_count", limit.cache_reads_count, json::boolean());
  reader.finish();
  if (!reader.ok()) return limit;
  const auto limits = {"requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute",
                       "concurrency"};
  const bool any =
      std::any_of(limits.begin(), limits.end(), [&](const char* key) { return node.has(key); });
  if (!any) node.problem(ErrorCode::kMissingKey, "limits nothing: name at least one limit");
  if (node.has("cache_reads_count") && !node.has("input_tokens_per_minute")) {
    node.member("cache_reads_count")
        .problem(ErrorCode::kConflict, "means nothing without input_tokens_per_minute");
  }
  return limit;
}

std::uint64_t capability_bit(const JsonNode& node, const std::string& name, PolicyData& data) {
  auto found = std::find(data.capabilities.begin(), data.capabilities.end(), name);
  if (found == data.capabilities.end()) {
    if (data.capabilities.size() == kCapabilitiesMax) {
      node.problem(ErrorCode::kOutOfRange,
                   fmt::format("a policy may name at most {} capabilities", kCapabilitiesMax));
      return 0;
    }
    found = data.capabilities.insert(data.capabilities.end(), name);
  }
  return std::uint64_t{1} << (found - data.capabilities.begin());
}

std::optional<ServiceTier> read_tier(const JsonNode& node) {
  const auto index = json::one_of({"standard", "batch", "flex", "priority"})(node);
  return index ? std::optional<ServiceTier>(static_cast<ServiceTier>(*index)) : std::nullopt;
}

}  // namespace

void read_target(const JsonNode& node, PolicyData& data) {
  PolicyTarget target;
  ObjectReader reader(node);
  if (reader.required("name", target.name, json::text(kNameMax))) {
    check_new(node, target.name, names_of(data.targets));
  }
  reader.optional("provider", target.provider, json::text(kNameMax));
  reader.required("model", target.model, json::text(kNameMax));
  reader.optional("region", target.region, json::text(kNameMax));
  reader.optional("tier", target.tier, read_tier);
  std::vector<std::string> capabilities;
  reader.optional("capabilities", capabilities,
                  json::list(json::text(kNameMax), 1, kCapabilitiesMax));
  for (const std::string& capability : capabilities) {
    target.capabilities |= capability_bit(node, capability, data);
  }
  target.quality.resize(data.classes.size() + 1);
  if (const auto quality = reader.member("quality", false)) read_quality(*quality, data, target);
  if (const auto latency = reader.member("latency", false)) target.latency = read_latency(*latency);
  if (const auto limits = reader.member("limits", false)) target.limits = read_limits(*limits);
  reader.optional("cache", target.cache, json::text(kNameMax));
  reader.finish();
  data.targets.push_back(std::move(target));
}

}  // namespace fare
