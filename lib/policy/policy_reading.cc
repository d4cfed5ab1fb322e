#include "policy/policy_reading.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/nearest.h"

namespace fare {
namespace {

constexpr std::size_t kNamesMax = 64;
constexpr std::int64_t kPpmOfPercent = 10'000;
const Cost kUsdMax{Int128{1'000'000} * 1'000'000'000'000};

// "2.5" as 25'000; nothing if it is not such a number.
std::optional<std::int64_t> parse_percent(std::string_view text) {
  const Expected<Cost> exact = parse_usd(text);  // A decimal is a decimal.
  if (!exact) return std::nullopt;
  constexpr Int128 kPicoOfPpm = 100'000'000;  // Of a percent in picos.
  if (exact->count() % kPicoOfPpm != 0) return std::nullopt;
  const Int128 ppm = exact->count() / kPicoOfPpm;
  return ppm > INT32_MAX || ppm < 0 ? std::nullopt
                                    : std::optional<std::int64_t>(static_cast<std::int64_t>(ppm));
}

std::optional<std::int64_t> percent_of(double number) {
  const double ppm = number * static_cast<double>(kPpmOfPercent);
  if (!(std::fabs(ppm) < 1e9)) return std::nullopt;
  const double whole = std::nearbyint(ppm);
  // A decimal of at most four places is no further from a whole than a double rounds.
  return std::fabs(ppm - whole) < 1e-6 ? std::optional<std::int64_t>(std::llround(ppm))
                                       : std::nullopt;
}

}  // namespace

std::optional<Duration> read_milliseconds(const JsonNode& node) {
  const std::optional<double> milliseconds = json::number(0, kMillisecondsMax)(node);
  if (!milliseconds) return std::nullopt;
  return Duration(static_cast<std::int64_t>(std::llround(*milliseconds * 1e6)));
}

std::optional<Duration> read_positive_milliseconds(const JsonNode& node) {
  const std::optional<Duration> duration = read_milliseconds(node);
  if (duration != Duration(0)) return duration;
  node.must_be(ErrorCode::kOutOfRange, "a number above 0");
  return std::nullopt;
}

std::optional<Tokens> read_tokens(const JsonNode& node) {
  const std::optional<std::int64_t> count = json::integer(1, kTokensMax.count())(node);
  return count ? std::optional<Tokens>(*count) : std::nullopt;
}

std::optional<Cost> read_usd(const JsonNode& node) {
  const std::optional<Cost> cost = json::read_with(parse_usd)(node);
  if (!cost || (*cost >= Cost() && *cost <= kUsdMax)) return cost;
  node.must_be(ErrorCode::kOutOfRange, "from 0 to a million dollars");
  return std::nullopt;
}

JsonParser<std::uint32_t> read_ppm(int percent_max) {
  return [percent_max](const JsonNode& node) -> std::optional<std::uint32_t> {
    std::optional<std::int64_t> ppm;
    if (node.is_string()) {
      ppm = parse_percent(node.value().get_ref<const std::string&>());
    } else if (node.value().is_number()) {
      ppm = percent_of(node.value().get<double>());
    }
    if (ppm && *ppm >= 0 && *ppm <= percent_max * kPpmOfPercent) {
      return static_cast<std::uint32_t>(*ppm);
    }
    const bool is_type = node.is_string() || node.value().is_number();
    node.must_be(is_type ? ErrorCode::kOutOfRange : ErrorCode::kWrongType,
                 fmt::format("a percentage from 0 to {} with at most four decimals", percent_max));
    return std::nullopt;
  };
}

void check_new(const JsonNode& node, const std::string& name,
               const std::vector<std::string_view>& known) {
  if (std::find(known.begin(), known.end(), name) == known.end()) return;
  node.member("name").problem(ErrorCode::kDuplicateKey, fmt::format("\"{}\" stands twice", name));
}

std::optional<std::size_t> find_name(const JsonNode& node, const std::string& name,
                                     const std::vector<std::string_view>& known,
                                     std::string_view what) {
  const auto found = std::find(known.begin(), known.end(), name);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  const std::string hint = did_you_mean(nearest(name, known));
  node.problem(ErrorCode::kUnknownName,
               fmt::format("\"{}\" is not a {} of this policy{}", name, what, hint));
  return std::nullopt;
}

std::optional<std::uint16_t> read_target_name(const JsonNode& node, const PolicyData& data) {
  const std::optional<std::string> name = json::text(kNameMax)(node);
  if (!name) return std::nullopt;
  const auto index = find_name(node, *name, names_of(data.targets), "target");
  return index ? std::optional<std::uint16_t>(static_cast<std::uint16_t>(*index)) : std::nullopt;
}

std::vector<std::uint16_t> read_target_list(const JsonNode& node, std::size_t min,
                                            const PolicyData& data) {
  std::vector<std::uint16_t> targets;
  if (!json::is_list(node, min, kCandidatesMax)) return targets;
  for (std::size_t i = 0; i < node.size(); ++i) {
    const JsonNode item = node.item(i);
    const std::optional<std::uint16_t> target = read_target_name(item, data);
    if (!target) continue;
    if (contains(targets, *target)) {
      item.problem(ErrorCode::kDuplicateKey,
                   fmt::format("names \"{}\" twice", data.targets[*target].name));
    }
    targets.push_back(*target);
  }
  return targets;
}

std::vector<std::string> read_names(const JsonNode& node) {
  std::vector<std::string> names;
  if (!json::is_list(node, 1, kNamesMax)) return names;
  for (std::size_t i = 0; i < node.size(); ++i) {
    const std::optional<std::string> name = json::text(kNameMax)(node.item(i));
    if (!name) continue;
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      node.item(i).problem(ErrorCode::kDuplicateKey, fmt::format("names \"{}\" twice", *name));
    }
    names.push_back(*name);
  }
  return names;
}

}  // namespace fare
