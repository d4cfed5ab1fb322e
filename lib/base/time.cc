#include "fare/time.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace fare {
namespace {

constexpr std::string_view kRule =
    "an instant from 1970 to 2200 such as \"2026-12-01T00:00:00Z\" or "
    "\"2026-12-01T08:00:00.5+08:00\"";
constexpr int kSubsecondDigits = 9;
constexpr int kYearFirst = 1970;
constexpr int kYearEnd = 2200;  // The first year that is not read.

constexpr Instant start_of(int year) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / 1);
}

// Reads text from the front; every step fails softly by `ok`.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t count) {
    int value = 0;
    ok = ok && rest.size() >= count;
    for (std::size_t i = 0; ok && i < count; ++i) {
      ok = rest[i] >= '0' && rest[i] <= '9';
      value = value * 10 + (rest[i] - '0');
    }
    if (ok) rest.remove_prefix(count);
    return value;
  }

  char any_of(std::string_view allowed) {
    ok = ok && !rest.empty() && allowed.find(rest.front()) != std::string_view::npos;
    if (!ok) return '\0';
    const char found = rest.front();
    rest.remove_prefix(1);
    return found;
  }

  bool next_is(char c) const { return ok && !rest.empty() && rest.front() == c; }
};

Duration read_subseconds(Scanner& scanner) {
  if (!scanner.next_is('.')) return Duration(0);
  scanner.any_of(".");
  std::int64_t nanoseconds = 0;
  int count = 0;
  while (scanner.ok && !scanner.rest.empty() && scanner.rest.front() >= '0' &&
         scanner.rest.front() <= '9') {
    nanoseconds = nanoseconds * 10 + scanner.digits(1);
    if (++count > kSubsecondDigits) scanner.ok = false;
  }
  if (count == 0) scanner.ok = false;
  for (; count < kSubsecondDigits; ++count) nanoseconds *= 10;
  return Duration(nanoseconds);
}

Duration read_offset(Scanner& scanner) {
  const char sign = scanner.any_of("Zz+-");
  if (sign != '+' && sign != '-') return Duration(0);
  const int hours = scanner.digits(2);
  scanner.any_of(":");
  const int minutes = scanner.digits(2);
  scanner.ok = scanner.ok && hours <= 23 && minutes <= 59;
  const Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return sign == '+' ? offset : -offset;
}

std::optional<Instant> scan(std::string_view text) {
  Scanner scanner{text};
  const int year = scanner.digits(4);
  scanner.any_of("-");
  const int month = scanner.digits(2);
  scanner.any_of("-");
  const int day = scanner.digits(2);
  scanner.any_of("Tt ");
  const int hour = scanner.digits(2);
  scanner.any_of(":");
  const int minute = scanner.digits(2);
  scanner.any_of(":");
  const int second = scanner.digits(2);
  const Duration subseconds = read_subseconds(scanner);
  const Duration offset = read_offset(scanner);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const bool valid = scanner.ok && scanner.rest.empty() && date.ok() && year >= kYearFirst - 1 &&
                     year <= kYearEnd && hour <= 23 && minute <= 59 && second <= 59;
  if (!valid) return std::nullopt;
  const Instant instant = Instant(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                          std::chrono::minutes(minute) + std::chrono::seconds(second) + subseconds -
                          offset;
  // The range is one of instants: an offset may carry a local time of 1970 into 1969.
  const bool in_range = instant >= start_of(kYearFirst) && instant < start_of(kYearEnd);
  return in_range ? std::optional<Instant>(instant) : std::nullopt;
}

}  // namespace

Expected<Instant> parse_instant(std::string_view text) {
  const std::optional<Instant> instant = scan(text);
  if (instant) return *instant;
  return fail(ErrorCode::kSyntax, "",
              fmt::format("must be {}, but is \"{}\"", kRule, text.substr(0, 64)));
}

std::string to_rfc3339(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  // Not `instant - day`: the midnight before the first Instant is none.
  Duration since_midnight = instant.time_since_epoch() % std::chrono::days(1);
  if (since_midnight < Duration(0)) since_midnight += std::chrono::days(1);
  const std::chrono::hh_mm_ss<Duration> time(since_midnight);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  time.hours().count(), time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() != 0) {
    text += fmt::format(".{:09}", time.subseconds().count());
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

}  // namespace fare
