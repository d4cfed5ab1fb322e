#include "fare/window.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/time_zone.h"
#include "fare/check.h"

namespace fare {

struct WindowRule {
  WindowSpec spec;
  std::optional<TimeZone> zone;
};

namespace {

namespace chrono = std::chrono;
using chrono::days;
using chrono::seconds;

constexpr std::array<std::string_view, kWindowKindCount> kNames = {
    "day", "week", "month", "quarter", "year", "rolling", "session", "absolute"};
constexpr Duration kLengthMax = days(3653);

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_calendar(WindowKind kind) { return kind <= WindowKind::kYear; }

bool is_whole_seconds(Duration duration) { return duration % seconds(1) == Duration(0); }

// The months of a window that is made of whole months.
int months_of(WindowKind kind) {
  return kind == WindowKind::kMonth ? 1 : kind == WindowKind::kQuarter ? 3 : 12;
}

// Periods are numbered: period k of a kind begins at a civil day, and a civil day is in a period.
std::int64_t period_of(const WindowSpec& spec, chrono::local_days day) {
  const std::int64_t number = day.time_since_epoch().count();
  if (spec.kind == WindowKind::kDay) return number;
  // 1970-01-01 was a Thursday: ISO weekday 4.
  if (spec.kind == WindowKind::kWeek) return floor_div(number + 4 - spec.first_weekday, 7);
  const chrono::year_month_day date(day);
  std::int64_t month =
      std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
  if (static_cast<unsigned>(date.day()) < static_cast<unsigned>(spec.first_day)) --month;
  if (spec.kind == WindowKind::kMonth) return month;
  return floor_div(month - (spec.first_month - 1), months_of(spec.kind));
}

chrono::local_days first_day_of(const WindowSpec& spec, std::int64_t period) {
  if (spec.kind == WindowKind::kDay) return chrono::local_days(days(period));
  if (spec.kind == WindowKind::kWeek) {
    return chrono::local_days(days(period * 7 - 4 + spec.first_weekday));
  }
  const std::int64_t month = spec.kind == WindowKind::kMonth
                                 ? period
                                 : period * months_of(spec.kind) + spec.first_month - 1;
  const std::int64_t year = floor_div(month, 12);
  return chrono::local_days(chrono::year(static_cast<int>(year)) /
                            chrono::month(static_cast<unsigned>(month - year * 12 + 1)) /
                            chrono::day(static_cast<unsigned>(spec.first_day)));
}

Instant begin_of(const WindowRule& rule, std::int64_t period) {
  const LocalSeconds local = LocalSeconds(first_day_of(rule.spec, period)) +
                             chrono::duration_cast<seconds>(rule.spec.time_of_day);
  return rule.zone->first_at_or_after(local);
}

WindowSpan calendar_at(const WindowRule& rule, Instant at) {
  const auto local = chrono::local_time<Duration>(at.time_since_epoch()) +
                     rule.zone->offset_at(at) - rule.spec.time_of_day;
  std::int64_t period = period_of(rule.spec, chrono::floor<days>(local));
  // Where the clock was set back across a beginning, it shows the period before once more.
  Instant end = begin_of(rule, period + 1);
  while (end <= at) end = begin_of(rule, ++period + 1);
  return {begin_of(rule, period), end};
}

seconds slice_of(const WindowSpec& spec) {
  return seconds(floor_div(spec.length / seconds(1) - 1, Window::kSlices) + 1);
}

// Records that a field breaks a rule.
void must_be(Errors& errors, std::string_view field, std::string_view rule) {
  errors.push_back(
      {ErrorCode::kOutOfRange, std::string(field), fmt::format("{} must be {}", field, rule)});
}

Errors check(const WindowSpec& spec) {
  Errors errors;
  const auto whole = [](Instant at) { return is_whole_seconds(at.time_since_epoch()); };
  if (is_calendar(spec.kind)) {
    const bool in_day = spec.time_of_day >= Duration(0) && spec.time_of_day < days(1);
    if (!in_day || !is_whole_seconds(spec.time_of_day)) {
      must_be(errors, "time_of_day", "whole seconds from 00:00:00 to 23:59:59");
    }
    if (spec.first_weekday < 1 || spec.first_weekday > 7) {
      must_be(errors, "first_weekday", "1 (Monday) to 7 (Sunday)");
    }
    if (spec.first_day < 1 || spec.first_day > 28) must_be(errors, "first_day", "1 to 28");
    if (spec.first_month < 1 || spec.first_month > 12) must_be(errors, "first_month", "1 to 12");
  } else if (spec.kind == WindowKind::kAbsolute) {
    const bool ordered = spec.from >= kWindowsFirst && spec.from < spec.until;
    const bool ends = spec.until == kNever || (spec.until < kWindowsEnd && whole(spec.until));
    if (!ordered || !ends || !whole(spec.from)) {
      must_be(errors, "until", "later than from; both whole seconds from 1970 to 2100");
    }
  } else if (spec.length < seconds(1) || spec.length > kLengthMax ||
             !is_whole_seconds(spec.length)) {
    must_be(errors, "length", "whole seconds, from one second to ten years");
  }
  return errors;
}

}  // namespace

std::string_view to_string(WindowKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Expected<Window> Window::create(const WindowSpec& spec) {
  Errors errors = check(spec);
  auto rule = std::make_shared<WindowRule>();
  rule->spec = spec;
  if (is_calendar(spec.kind)) {
    Expected<TimeZone> zone = TimeZone::named(spec.zone);
    if (zone) {
      rule->zone = std::move(*zone);
    } else {
      for (Error& error : zone.error()) {
        errors.push_back({error.code, "zone", "zone " + error.message});
      }
    }
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return Window(std::move(rule));
}

WindowSpan Window::at(Instant at) const {
  FARE_CHECK(at >= kWindowsFirst);
  FARE_CHECK(at < kWindowsEnd);
  const WindowSpec& spec = rule_->spec;
  if (is_calendar(spec.kind)) return calendar_at(*rule_, at);
  if (spec.kind == WindowKind::kAbsolute) return {spec.from, spec.until};
  const Instant second = chrono::floor<seconds>(at);
  if (spec.kind == WindowKind::kSession) return {second, second + spec.length};
  const Duration slice = slice_of(spec);
  const Instant begin = second - second.time_since_epoch() % slice;
  return {begin, begin + slice};
}

Instant Window::reset_after(Instant at) const {
  const Instant end = this->at(at).end;
  const WindowSpec& spec = rule_->spec;
  return spec.kind == WindowKind::kRolling ? end + slice_of(spec) * kSlices : end;
}

const WindowSpec& Window::spec() const { return rule_->spec; }

}  // namespace fare
