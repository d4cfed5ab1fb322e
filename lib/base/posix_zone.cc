#include "base/posix_zone.h"

namespace fare {
namespace {

namespace chrono = std::chrono;

// Reads text from the front; every step fails softly by `ok`.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  bool next_is(char c) const { return ok && !rest.empty() && rest.front() == c; }
  bool next_is_digit() const {
    return ok && !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
  }

  bool take(char c) {
    if (!next_is(c)) return false;
    rest.remove_prefix(1);
    return true;
  }

  int number(int min, int max) {
    int value = 0;
    ok = next_is_digit();
    while (next_is_digit() && value <= max) {
      value = value * 10 + (rest.front() - '0');
      rest.remove_prefix(1);
    }
    ok = ok && value >= min && value <= max;
    return value;
  }

  // "CET" or "<+0330>".
  void abbreviation() {
    std::size_t length = 0;
    if (take('<')) {
      length = rest.find('>');
      ok = length != std::string_view::npos;
      if (ok) rest.remove_prefix(length + 1);
      return;
    }
    const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    while (length < rest.size() && is_letter(rest[length])) ++length;
    ok = length >= 3;
    rest.remove_prefix(length);
  }

  // "[+-]hh[:mm[:ss]]", in seconds.
  int clock(int hours_max) {
    const bool negative = take('-');
    if (!negative) take('+');
    int seconds = number(0, hours_max) * 3600;
    if (take(':')) seconds += number(0, 59) * 60;
    if (take(':')) seconds += number(0, 59);
    return negative ? -seconds : seconds;
  }

  YearlyChange change() {
    YearlyChange found;
    if (take('M')) {
      found.month = number(1, 12);
      ok = ok && take('.');
      found.week = number(1, 5);
      ok = ok && take('.');
      found.weekday = number(0, 6);
    } else if (take('J')) {
      found.kind = YearlyChange::Kind::kDayWithoutLeap;
      found.day = number(1, 365);
    } else {
      found.kind = YearlyChange::Kind::kDayWithLeap;
      found.day = number(0, 365);
    }
    if (take('/')) found.second = clock(167);
    return found;
  }
};

chrono::sys_days day_of(const YearlyChange& change, chrono::year year) {
  using Kind = YearlyChange::Kind;
  const chrono::sys_days first(year / chrono::January / 1);
  if (change.kind == Kind::kDayWithLeap) return first + chrono::days(change.day);
  if (change.kind == Kind::kDayWithoutLeap) {
    const bool after_leap_day = year.is_leap() && change.day >= 60;
    return first + chrono::days(change.day - 1 + (after_leap_day ? 1 : 0));
  }
  const chrono::month month(static_cast<unsigned>(change.month));
  const chrono::weekday weekday(static_cast<unsigned>(change.weekday));
  if (change.week == 5) return year / month / weekday[chrono::last];
  return year / month / weekday[static_cast<unsigned>(change.week)];
}

}  // namespace

chrono::seconds YearlyChange::local_in(int year) const {
  return day_of(*this, chrono::year(year)).time_since_epoch() + chrono::seconds(second);
}

std::optional<PosixZone> PosixZone::parse(std::string_view text) {
  Scanner scanner{text};
  PosixZone zone;
  scanner.abbreviation();
  zone.standard = chrono::seconds(-scanner.clock(24));  // POSIX counts west of UTC.
  if (scanner.ok && !scanner.rest.empty()) {
    zone.has_summer = true;
    scanner.abbreviation();
    zone.summer = zone.standard + chrono::hours(1);
    if (!scanner.next_is(',')) zone.summer = chrono::seconds(-scanner.clock(24));
    scanner.ok = scanner.ok && scanner.take(',');
    zone.to_summer = scanner.change();
    scanner.ok = scanner.ok && scanner.take(',');
    zone.to_standard = scanner.change();
  }
  if (!scanner.ok || !scanner.rest.empty()) return std::nullopt;
  return zone;
}

}  // namespace fare
