#include "fare/window.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "base/time_zone.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kDays2020 = 18'262;  // 2020-01-01, in days since 1970.
constexpr std::int64_t kDays2041 = 25'933;

Instant instant_of(std::int64_t second) { return Instant(seconds(second)); }
Instant instant_of(const char* text) { return parse_instant(text).value(); }

Window window_of(const WindowSpec& spec) {
  const Expected<Window> window = Window::create(spec);
  EXPECT_TRUE(window) << to_text(window.error());
  return *window;
}

// What the C library's clock shows, in seconds, as if it were UTC.
std::int64_t shown_at(std::int64_t second) {
  const std::time_t time = second;
  std::tm date{};
  localtime_r(&time, &date);
  return second + date.tm_gmtoff;
}

// The first second at which the C library's clock shows at least `local`: between two changes of
// the clock it is one subtraction; every piece of the 28 hours before is tried, the earliest first.
std::int64_t slow_first(std::int64_t local) {
  std::int64_t begin = local - 16 * 3600;
  const std::int64_t end = local + 40 * 3600;
  while (begin < end) {
    const std::int64_t offset = shown_at(begin) - begin;
    std::int64_t next = end;
    if (shown_at(end) - end != offset) {  // Bisect to the change; steps of an hour find it.
      std::int64_t probe = begin;
      while (shown_at(probe) - probe == offset) probe += 1800;
      std::int64_t low = probe - 1800;
      next = probe;
      while (next - low > 1) {
        const std::int64_t middle = (low + next) / 2;
        (shown_at(middle) - middle == offset ? low : next) = middle;
      }
    }
    const std::int64_t reached = std::max(begin, local - offset);
    if (reached < next) return reached;
    begin = next;
  }
  return end;
}

std::int64_t days_of(int year, int month, int day) {
  std::tm date{};
  date.tm_year = year - 1900;
  date.tm_mon = month - 1;
  date.tm_mday = day;
  return timegm(&date) / kDay;
}

// The expected beginnings: of all days, and by their dates those of longer windows.
class ExpectedDays {
 public:
  ExpectedDays(const std::string& zone, std::int64_t time_of_day) {
    setenv("TZ", (":" + zone).c_str(), 1);
    tzset();
    for (std::int64_t day = kDays2020 - 1; day <= kDays2041 + 370; ++day) {
      begin_.push_back(slow_first(day * kDay + time_of_day));
    }
    unsetenv("TZ");
    tzset();
  }
  std::int64_t of(std::int64_t day) const {
    return begin_[static_cast<std::size_t>(day - kDays2020 + 1)];
  }
  std::int64_t of(int year, int month, int day) const { return of(days_of(year, month, day)); }

 private:
  std::vector<std::int64_t> begin_;
};

// Every window from the one that begins at expected[0] on is as expected.
void expect_windows(const WindowSpec& spec, const std::vector<std::int64_t>& expected) {
  const Window window = window_of(spec);
  for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
    const WindowSpan span{instant_of(expected[i]), instant_of(expected[i + 1])};
    if (span.begin == span.end) continue;  // A day that the zone skips.
    ASSERT_EQ(window.at(span.begin), span) << to_rfc3339(span.begin);
    ASSERT_EQ(window.at(span.end - Duration(1)), span) << to_rfc3339(span.begin);
    // Set back an hour, the clock may show the day before once more.
    ASSERT_EQ(window.at(span.begin + minutes(45)), span) << to_rfc3339(span.begin);
  }
}

// Goal: in every IANA zone every reset instant of 2020 to 2040 is right, gaps and overlaps
// included. Method: an independent computation over the C library's localtime_r and timegm.
TEST(WindowTest, EveryResetOfEveryZoneEqualsAnIndependentComputation) {
  const std::vector<std::string> zones = time_zone_names();
  if (zones.empty()) GTEST_SKIP() << "the tz database is not there";
  for (const std::string& zone : zones) {
    SCOPED_TRACE(zone);
    const ExpectedDays days(zone, 0);
    std::vector<std::int64_t> daily, weekly, monthly, fiscal_monthly, quarterly, fiscal_yearly;
    for (std::int64_t day = kDays2020; day <= kDays2041; ++day) daily.push_back(days.of(day));
    for (std::int64_t day = days_of(2020, 1, 6); day <= kDays2041; day += 7) {
      weekly.push_back(days.of(day));
    }
    for (int year = 2020; year <= 2041; ++year) {
      for (int month = 1; month <= 12; ++month) {
        monthly.push_back(days.of(year, month, 1));
        fiscal_monthly.push_back(days.of(year, month, 26));
        if (month % 3 == 2) quarterly.push_back(days.of(year, month, 1));
        if (month == 4) fiscal_yearly.push_back(days.of(year, month, 6));
      }
    }
    using Kind = WindowKind;
    expect_windows({.kind = Kind::kDay, .zone = zone}, daily);
    expect_windows({.kind = Kind::kWeek, .zone = zone}, weekly);
    expect_windows({.kind = Kind::kMonth, .zone = zone}, monthly);
    expect_windows({.kind = Kind::kMonth, .zone = zone, .first_day = 26}, fiscal_monthly);
    expect_windows({.kind = Kind::kQuarter, .zone = zone, .first_month = 11}, quarterly);
    expect_windows({.kind = Kind::kYear, .zone = zone, .first_day = 6, .first_month = 4},
                   fiscal_yearly);
    if (HasFatalFailure()) return;
  }
}

// The time of day that a change of the clock skips or repeats is where a reset is easily wrong.
TEST(WindowTest, AResetInsideAGapOrAnOverlapIsRight) {
  for (const char* zone : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                           "Africa/Casablanca", "America/Santiago", "Africa/Cairo"}) {
    for (const std::int64_t minute : {90, 105, 120, 150}) {
      SCOPED_TRACE(testing::Message() << zone << " at minute " << minute);
      const ExpectedDays days(zone, minute * 60);
      std::vector<std::int64_t> daily;
      for (std::int64_t day = kDays2020; day <= kDays2041; ++day) daily.push_back(days.of(day));
      expect_windows({.kind = WindowKind::kDay, .zone = zone, .time_of_day = minutes(minute)},
                     daily);
    }
  }
}

TEST(WindowTest, KnowsTheDaysThatPeopleTripOver) {
  if (time_zone_names().empty()) GTEST_SKIP() << "the tz database is not there";
  const struct {
    const char* name;
    WindowSpec spec;
    const char* at;
    const char* begin;
    const char* end;
  } cases[] = {
      {"a day of 23 hours",
       {.kind = WindowKind::kDay, .zone = "Europe/Berlin"},
       "2026-03-29T12:00:00Z",
       "2026-03-28T23:00:00Z",
       "2026-03-29T22:00:00Z"},
      {"a day of 25 hours",
       {.kind = WindowKind::kDay, .zone = "Europe/Berlin"},
       "2026-10-25T12:00:00Z",
       "2026-10-24T22:00:00Z",
       "2026-10-25T23:00:00Z"},
      {"midnight itself is skipped",
       {.kind = WindowKind::kDay, .zone = "Africa/Cairo"},
       "2026-04-24T12:00:00Z",
       "2026-04-23T22:00:00Z",
       "2026-04-24T21:00:00Z"},
      {"a zone skips a whole day",
       {.kind = WindowKind::kDay, .zone = "Pacific/Apia"},
       "2011-12-30T10:00:00Z",
       "2011-12-30T10:00:00Z",
       "2011-12-31T10:00:00Z"},
      {"a fiscal year",
       {.kind = WindowKind::kYear, .first_month = 10},
       "2026-09-30T23:59:59Z",
       "2025-10-01T00:00:00Z",
       "2026-10-01T00:00:00Z"},
      {"a week that begins on Sunday",
       {.kind = WindowKind::kWeek, .first_weekday = 7},
       "2026-11-23T10:00:00Z",
       "2026-11-22T00:00:00Z",
       "2026-11-29T00:00:00Z"},
      {"the first instant",
       {.kind = WindowKind::kWeek},
       "1970-01-01T00:00:00Z",
       "1969-12-29T00:00:00Z",
       "1970-01-05T00:00:00Z"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const WindowSpan span = window_of(one.spec).at(instant_of(one.at));
    EXPECT_EQ(to_rfc3339(span.begin), one.begin);
    EXPECT_EQ(to_rfc3339(span.end), one.end);
  }
}

TEST(WindowTest, ARollingWindowCountsAtLeastItsLength) {
  const Window window = window_of({.kind = WindowKind::kRolling, .length = hours(1)});
  const Instant at = instant_of("2026-11-23T10:07:30.5Z");
  EXPECT_EQ(to_rfc3339(window.at(at).begin), "2026-11-23T10:05:00Z");
  EXPECT_EQ(to_rfc3339(window.at(at).end), "2026-11-23T10:10:00Z");
  EXPECT_EQ(to_rfc3339(window.reset_after(at)), "2026-11-23T11:10:00Z");
  for (int second = 0; second < 3'600; second += 7) {
    const Duration counted = window.reset_after(at + seconds(second)) - at - seconds(second);
    EXPECT_GE(counted, hours(1));
    EXPECT_LE(counted, hours(1) + minutes(5));
  }
}

TEST(WindowTest, SessionsAndAbsoluteWindowsAreWhatTheySay) {
  const Instant at = instant_of("2026-11-23T10:07:30.5Z");
  const Window session = window_of({.kind = WindowKind::kSession, .length = minutes(30)});
  EXPECT_EQ(to_rfc3339(session.at(at).begin), "2026-11-23T10:07:30Z");
  EXPECT_EQ(to_rfc3339(session.at(at).end), "2026-11-23T10:37:30Z");
  const Window once = window_of({.kind = WindowKind::kAbsolute,
                                 .from = instant_of("2026-12-01T00:00:00Z"),
                                 .until = instant_of("2027-01-01T00:00:00Z")});
  EXPECT_EQ(to_rfc3339(once.at(at).begin), "2026-12-01T00:00:00Z");
  EXPECT_EQ(window_of({.kind = WindowKind::kAbsolute}).reset_after(at), kNever);
}

TEST(WindowTest, SaysEverythingThatIsWrong) {
  const Expected<Window> window = Window::create({.kind = WindowKind::kYear,
                                                  .zone = "Mars/Olympus",
                                                  .time_of_day = hours(24),
                                                  .first_weekday = 8,
                                                  .first_day = 29,
                                                  .first_month = 0});
  ASSERT_FALSE(window);
  EXPECT_EQ(window.error().size(), 5u) << to_text(window.error());
  for (const WindowSpec& spec :
       {WindowSpec{.kind = WindowKind::kRolling},
        WindowSpec{.kind = WindowKind::kSession, .length = Duration(1'500'000'000)},
        WindowSpec{.kind = WindowKind::kRolling, .length = hours(24 * 3654)},
        WindowSpec{.kind = WindowKind::kAbsolute, .from = instant_of(5), .until = instant_of(5)}}) {
    EXPECT_FALSE(Window::create(spec));
  }
}

}  // namespace
}  // namespace fare
