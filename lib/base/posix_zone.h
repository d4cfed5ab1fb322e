#pragma once

#include <chrono>       // std::chrono::seconds.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

namespace fare {

// The day and time at which a clock is changed every year.
struct YearlyChange {
  enum class Kind { kMonthWeekday, kDayWithoutLeap, kDayWithLeap };
  Kind kind = Kind::kMonthWeekday;
  int month = 1;      // 1 to 12.
  int week = 1;       // 1 to 5; 5 is the last.
  int weekday = 0;    // 0 is Sunday.
  int day = 0;        // Of the year: "Jn" 1 to 365, never February 29; "n" 0 to 365.
  int second = 7200;  // Of that day's clock before the change; -167 to 167 hours.

  // The change of `year`, as the clock before it shows.
  std::chrono::seconds local_in(int year) const;
};

// The rule at the end of a time zone's file: what POSIX calls TZ, with the extensions of RFC 8536,
// such as "CET-1CEST,M3.5.0,M10.5.0/3".
struct PosixZone {
  std::chrono::seconds standard{0};  // East of UTC.
  std::chrono::seconds summer{0};    // East of UTC; meaningless without changes.
  bool has_summer = false;
  YearlyChange to_summer;
  YearlyChange to_standard;

  // Nothing if the text is not such a rule, or names a summer time without saying when.
  static std::optional<PosixZone> parse(std::string_view text);
};

}  // namespace fare
