#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {
namespace {

constexpr std::int64_t kShareMax = 1'000'000;
constexpr int kSlackPercentMax = 1'000;

void read_utility(const JsonNode& node, Objective& objective) {
  ObjectReader reader(node);
  if (reader.required("usd_per_answer", objective.quality_worth, read_usd) &&
      objective.quality_worth == Cost()) {
    node.member("usd_per_answer").must_be(ErrorCode::kOutOfRange, "above 0");
  }
  reader.optional("usd_per_second", objective.second_worth, read_usd);
  reader.finish();
}

// A candidate of the rule by its name.
void read_candidate(ObjectReader& reader, std::string_view key, const PolicyRule& rule,
                    const PolicyData& data, std::uint16_t& out) {
  const auto read = [&](const JsonNode& node) { return read_target_name(node, data); };
  if (!reader.required(key, out, read) || contains(rule.candidates, out)) return;
  reader.node()
      .member(std::string(key))
      .problem(ErrorCode::kConflict,
               fmt::format("\"{}\" is not a candidate of the rule", data.targets[out].name));
}

void read_threshold(const JsonNode& node, const PolicyRule& rule, const PolicyData& data,
                    Objective& objective) {
  ObjectReader reader(node);
  read_candidate(reader, "strong", rule, data, objective.strong);
  read_candidate(reader, "weak", rule, data, objective.weak);
  reader.required("gain", objective.threshold, json::number(-1, 1));
  reader.finish();
  if (node.has("strong") && node.has("weak") && objective.strong == objective.weak) {
    node.problem(ErrorCode::kConflict, "strong and weak must be two targets");
  }
}

// Shares by candidate; who is not named has none.
void read_split(const JsonNode& node, const PolicyRule& rule, const PolicyData& data,
                Objective& objective) {
  objective.shares.assign(rule.candidates.size(), 0);
  if (!node.is_object()) {
    node.must_be(ErrorCode::kWrongType, "an object from candidate to share");
    return;
  }
  std::uint64_t sum = 0;
  bool whole = true;
  for (const std::string& name : node.keys()) {
    const JsonNode item = node.member(name);
    const auto index = find_name(item, name, names_of(data.targets), "target");
    const auto share = json::integer(0, kShareMax)(item);
    whole = whole && index && share;
    if (!index || !share) continue;
    const auto found = std::find(rule.candidates.begin(), rule.candidates.end(), *index);
    if (found == rule.candidates.end()) {
      item.problem(ErrorCode::kConflict,
                   fmt::format("\"{}\" is not a candidate of the rule", name));
      whole = false;
      continue;
    }
    sum += static_cast<std::uint64_t>(*share);
    objective.shares[static_cast<std::size_t>(found - rule.candidates.begin())] =
        static_cast<std::uint32_t>(*share);
  }
  if (whole && sum == 0) {
    node.problem(ErrorCode::kConflict, "the shares sum to 0: nobody could be drawn");
  }
}

}  // namespace

std::optional<Objective> read_objective(const JsonNode& node, const PolicyRule& rule,
                                        const PolicyData& data) {
  Objective objective;
  if (!node.is_object()) {
    const auto only = json::one_of({"min_cost"})(node);
    return only ? std::optional<Objective>(objective) : std::nullopt;
  }
  ObjectReader reader(node);
  if (const auto utility = reader.member("utility", false)) {
    objective.kind = ObjectiveKind::kUtility;
    read_utility(*utility, objective);
  }
  if (const auto threshold = reader.member("threshold", false)) {
    objective.kind = ObjectiveKind::kThreshold;
    read_threshold(*threshold, rule, data, objective);
  }
  if (const auto split = reader.member("split", false)) {
    objective.kind = ObjectiveKind::kSplit;
    read_split(*split, rule, data, objective);
  }
  if (const auto balance = reader.member("balance", false)) {
    objective.kind = ObjectiveKind::kBalance;
    ObjectReader parts(*balance);
    parts.required("slack_percent", objective.slack_ppm, read_ppm(kSlackPercentMax));
    parts.finish();
  }
  reader.finish();
  if (node.size() != 1) {
    node.problem(ErrorCode::kConflict,
                 "must hold one of \"utility\", \"threshold\", \"split\", \"balance\"");
  }
  return objective;
}

std::optional<Canary> read_canary(const JsonNode& node, const PolicyRule& rule,
                                  const PolicyData& data) {
  Canary canary;
  canary.salt = rule.name;
  ObjectReader reader(node);
  const bool found = reader.required(
      "target", canary.target, [&](const JsonNode& item) { return read_target_name(item, data); });
  reader.required("percent", canary.share_ppm, read_ppm(100));
  reader.optional("salt", canary.salt, json::text(kNameMax));
  reader.finish();
  if (!found) return std::nullopt;
  if (contains(rule.denied, canary.target)) {
    node.member("target").problem(
        ErrorCode::kConflict,
        fmt::format("\"{}\" is denied by the rule", data.targets[canary.target].name));
  }
  return canary;
}

}  // namespace fare
