#include "traffic/field_text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace routesim {
namespace {

constexpr std::size_t kExcerptMax = 64;
constexpr std::size_t kWallTimeMin = 19;  // "2023-11-16 18:15:46".
constexpr std::size_t kWallTimeMax = 40;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

std::optional<std::int64_t> read_whole(std::string_view text, std::int64_t min, std::int64_t max) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;  // from_chars takes a minus.
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  if (value < min || value > max) return std::nullopt;
  return value;
}

std::optional<double> read_decimal(std::string_view text, double min, double max) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !(number >= min && number <= max)) return std::nullopt;
  return number;
}

std::optional<fare::Duration> read_seconds(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto seconds = read_whole(text.substr(0, point), 0, kSecondsMax);
  if (!seconds) return std::nullopt;
  std::int64_t nanoseconds = 0;
  if (point < text.size()) {
    const std::string_view decimals = text.substr(point + 1);
    if (!is_digit(decimals.empty() ? ' ' : decimals.front())) return std::nullopt;
    std::int64_t unit = kNanosecondsPerSecond;
    for (const char c : decimals) {
      if (!is_digit(c)) return std::nullopt;
      unit /= 10;
      nanoseconds += (c - '0') * unit;
    }
  }
  return fare::Duration(*seconds * kNanosecondsPerSecond + nanoseconds);
}

std::optional<fare::Duration> read_wall_time(std::string_view text) {
  if (text.size() < kWallTimeMin || text.size() > kWallTimeMax) return std::nullopt;
  std::array<char, kWallTimeMax + 1> zoned;
  std::size_t size = text.copy(zoned.data(), text.size());
  if (text.find_first_of("Zz+-", kWallTimeMin) == std::string_view::npos) zoned[size++] = 'Z';
  const fare::Expected<fare::Instant> instant = fare::parse_instant({zoned.data(), size});
  if (!instant) return std::nullopt;
  return instant->time_since_epoch();
}

fare::Error bad_field(std::string_view field, std::string_view rule, std::string_view value) {
  const fare::ErrorCode code =
      is_whole(value) ? fare::ErrorCode::kOutOfRange : fare::ErrorCode::kSyntax;
  return {code, "", fmt::format("{} must be {}, but is {}", field, rule, quoted_excerpt(value))};
}

std::string whole_rule(std::int64_t min, std::int64_t max) {
  return fmt::format("a whole number from {} to {}", min, max);
}

std::string excerpt(std::string_view text) {
  std::size_t size = std::min(text.size(), kExcerptMax);
  // Not in the middle of a character: its further bytes start with the bits 10.
  while (size > 0 && size < text.size() && (text[size] & 0xc0) == 0x80) --size;
  std::string shown(text.substr(0, size));
  const bool is_utf8 = simdjson::validate_utf8(shown.data(), shown.size());
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8)) c = '?';
  }
  if (size < text.size()) shown += "...";
  return shown;
}

std::string quoted_excerpt(std::string_view text) { return fmt::format("\"{}\"", excerpt(text)); }

}  // namespace routesim
