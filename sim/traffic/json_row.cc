#include "traffic/json_row.h"

#include <fmt/format.h>

#include <cmath>

#include "traffic/field_text.h"

namespace routesim {
namespace {

using fare::ErrorCode;
namespace dom = simdjson::dom;

constexpr double kRowSecondsMax = 9e6;  // A double still tells its nanoseconds apart.
constexpr std::size_t kTextMax = 200;

}  // namespace

void JsonRow::note(ErrorCode code, std::string message) {
  if (ok_) errors_.push_back({code, std::string(where_), std::move(message)});
  ok_ = false;
}

std::string JsonRow::path(std::string_view key) const {
  return inside_.empty() ? std::string(key) : fmt::format("{}/{}", inside_, key);
}

void JsonRow::must_be(std::string_view key, std::string_view rule, dom::element value) {
  const bool is_whole = value.is_int64() || value.is_uint64();
  note(is_whole ? ErrorCode::kOutOfRange : ErrorCode::kWrongType,
       fmt::format("{} must be {}, but is {}", path(key), rule,
                   excerpt(simdjson::to_string(value))));
}

std::optional<dom::element> JsonRow::find(std::string_view key, bool required) {
  std::optional<dom::element> found;
  for (const auto [name, value] : object_) {
    if (name != key) continue;
    if (found) note(ErrorCode::kDuplicateKey, fmt::format("has the key \"{}\" twice", path(key)));
    found = value;
  }
  if (!found && required) {
    note(ErrorCode::kMissingKey, fmt::format("needs the key \"{}\"", path(key)));
  }
  return found;
}

std::int64_t JsonRow::whole(std::string_view key, std::int64_t min, std::int64_t max) {
  const std::optional<dom::element> value = find(key, true);
  std::int64_t number = 0;
  if (!value) return min;
  if (value->get(number) == simdjson::SUCCESS && number >= min && number <= max) return number;
  must_be(key, whole_rule(min, max), *value);
  return min;
}

std::optional<fare::Duration> JsonRow::read_seconds_of(std::string_view key, dom::element value) {
  std::string_view text;
  double number = 0;
  if (value.get(text) == simdjson::SUCCESS) {
    const std::optional<fare::Duration> read = read_seconds(text);
    if (read && *read <= std::chrono::seconds(static_cast<std::int64_t>(kRowSecondsMax))) {
      return read;
    }
  } else if (value.get(number) == simdjson::SUCCESS && number >= 0 && number <= kRowSecondsMax) {
    return fare::Duration(std::llround(number * 1e9));
  }
  must_be(key, "seconds from 0 to 9000000", value);
  return std::nullopt;
}

fare::Duration JsonRow::seconds(std::string_view key) {
  const std::optional<dom::element> value = find(key, true);
  if (!value) return fare::Duration(0);
  return read_seconds_of(key, *value).value_or(fare::Duration(0));
}

std::optional<fare::Duration> JsonRow::optional_seconds(std::string_view key) {
  const std::optional<dom::element> value = find(key, false);
  if (!value || value->is_null()) return std::nullopt;
  return read_seconds_of(key, *value);
}

std::string_view JsonRow::text(std::string_view key) {
  const std::optional<dom::element> value = find(key, true);
  std::string_view text;
  if (!value) return text;
  if (value->get(text) == simdjson::SUCCESS && !text.empty() && text.size() <= kTextMax) {
    return text;
  }
  must_be(key, fmt::format("a text of 1 to {} bytes", kTextMax), *value);
  return {};
}

std::optional<dom::array> JsonRow::list(std::string_view key) {
  const std::optional<dom::element> value = find(key, true);
  dom::array items;
  if (!value) return std::nullopt;
  if (value->get(items) == simdjson::SUCCESS) return items;
  must_be(key, "a list", *value);
  return std::nullopt;
}

std::optional<dom::object> JsonRow::object(std::string_view key) {
  const std::optional<dom::element> value = find(key, true);
  dom::object members;
  if (!value) return std::nullopt;
  if (value->get(members) == simdjson::SUCCESS) return members;
  must_be(key, "an object", *value);
  return std::nullopt;
}

}  // namespace routesim
