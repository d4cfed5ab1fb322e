#include "base/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/nearest.h"

namespace fare {

ObjectReader::ObjectReader(const JsonNode& node) : node_(node), ok_(node.is_object()) {
  if (!ok_) node.must_be(ErrorCode::kWrongType, "an object");
}

std::optional<JsonNode> ObjectReader::member(std::string_view key, bool required) {
  if (!ok_) return std::nullopt;
  const std::string name(key);
  known_.push_back(name);
  if (node_.has(name)) return node_.member(name);
  if (required) node_.problem(ErrorCode::kMissingKey, fmt::format("needs the key \"{}\"", key));
  return std::nullopt;
}

void ObjectReader::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const std::string& key : node_.keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string hint = did_you_mean(nearest(key, known));
    node_.member(key).problem(ErrorCode::kUnknownKey, "is not a known key" + hint);
  }
}

namespace json {

JsonParser<std::string> text(std::size_t length_max) {
  return [length_max](const JsonNode& node) -> std::optional<std::string> {
    const std::string rule = fmt::format("a text of 1 to {} bytes", length_max);
    if (!node.is_string()) {
      node.must_be(ErrorCode::kWrongType, rule);
      return std::nullopt;
    }
    const auto& value = node.value().get_ref<const std::string&>();
    if (!value.empty() && value.size() <= length_max) return value;
    node.must_be(ErrorCode::kOutOfRange, rule);
    return std::nullopt;
  };
}

JsonParser<bool> boolean() {
  return [](const JsonNode& node) -> std::optional<bool> {
    if (node.value().is_boolean()) return node.value().get<bool>();
    node.must_be(ErrorCode::kWrongType, "true or false");
    return std::nullopt;
  };
}

JsonParser<std::int64_t> integer(std::int64_t min, std::int64_t max) {
  return [min, max](const JsonNode& node) -> std::optional<std::int64_t> {
    const nlohmann::json& value = node.value();
    const std::string rule = fmt::format("a whole number from {} to {}", min, max);
    if (!value.is_number_integer()) {
      node.must_be(ErrorCode::kWrongType, rule);
      return std::nullopt;
    }
    // An unsigned value above INT64_MAX would wrap in get<int64_t>().
    const bool wraps = value.is_number_unsigned() &&
                       value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    if (!wraps) {
      const auto number = value.get<std::int64_t>();
      if (number >= min && number <= max) return number;
    }
    node.must_be(ErrorCode::kOutOfRange, rule);
    return std::nullopt;
  };
}

JsonParser<double> number(double min, double max) {
  return [min, max](const JsonNode& node) -> std::optional<double> {
    const std::string rule = fmt::format("a number from {} to {}", min, max);
    if (!node.value().is_number()) {
      node.must_be(ErrorCode::kWrongType, rule);
      return std::nullopt;
    }
    const double number = node.value().get<double>();
    if (std::isfinite(number) && number >= min && number <= max) return number;
    node.must_be(ErrorCode::kOutOfRange, rule);
    return std::nullopt;
  };
}

JsonParser<std::size_t> one_of(std::vector<std::string_view> names) {
  return [names = std::move(names)](const JsonNode& node) -> std::optional<std::size_t> {
    if (node.is_string()) {
      const auto& value = node.value().get_ref<const std::string&>();
      const auto found = std::find(names.begin(), names.end(), value);
      if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    }
    node.must_be(node.is_string() ? ErrorCode::kUnknownName : ErrorCode::kWrongType,
                 fmt::format("one of \"{}\"", fmt::join(names, "\", \"")));
    return std::nullopt;
  };
}

bool is_list(const JsonNode& node, std::size_t min, std::size_t max) {
  if (!node.is_array()) {
    node.must_be(ErrorCode::kWrongType, "a list");
    return false;
  }
  if (node.size() >= min && node.size() <= max) return true;
  node.must_be(ErrorCode::kOutOfRange, fmt::format("a list of {} to {} items", min, max));
  return false;
}

}  // namespace json
}  // namespace fare
