#include "base/time_zone.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "base/posix_zone.h"

namespace fare {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kWeek = 7 * kDay;
constexpr std::int64_t kYear1970 = 0;
constexpr std::int64_t kYear2100 = 4'102'444'800;

Instant instant_of(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }
std::int64_t seconds_of(Instant at) { return at.time_since_epoch() / std::chrono::seconds(1); }

LocalSeconds local_of(std::int64_t seconds) { return LocalSeconds(std::chrono::seconds(seconds)); }

// The independent reading: the C library's, which reads the zone's file itself.
class CLibraryZone {
 public:
  explicit CLibraryZone(const std::string& name) {
    setenv("TZ", (":" + name).c_str(), 1);
    tzset();
  }
  ~CLibraryZone() {
    unsetenv("TZ");
    tzset();
  }
  std::int64_t offset_at(std::int64_t seconds) const {
    const std::time_t time = seconds;
    std::tm date{};
    localtime_r(&time, &date);
    return date.tm_gmtoff;
  }
};

// Every transition from 1970 to 2100, by bisecting every week at whose ends the offsets differ.
std::vector<std::int64_t> transitions_of(const CLibraryZone& zone) {
  std::vector<std::int64_t> found;
  std::int64_t before = zone.offset_at(kYear1970);
  for (std::int64_t day = kYear1970; day < kYear2100; day += kWeek) {
    const std::int64_t after = zone.offset_at(day + kWeek);
    if (after == before) continue;
    std::int64_t low = day;
    std::int64_t high = day + kWeek;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (zone.offset_at(middle) == before ? low : high) = middle;
    }
    found.push_back(high);
    before = after;
  }
  return found;
}

// Goal: offsets are right in every zone, up to 2100.
// Method: at every transition the C library knows and one second before, and every week: a
// transition of ours alone would show there.
TEST(TimeZoneTest, OffsetsEqualTheCLibrarysInEveryZone) {
  const std::vector<std::string> names = time_zone_names();
  if (names.empty()) GTEST_SKIP() << "the tz database is not there";
  EXPECT_GT(names.size(), 400u);
  std::size_t changes = 0;
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Expected<TimeZone> zone = TimeZone::named(name);
    ASSERT_TRUE(zone) << to_text(zone.error());
    const CLibraryZone slow(name);
    for (const std::int64_t at : transitions_of(slow)) {
      for (const std::int64_t second : {at - 1, at, at + 1}) {
        ASSERT_EQ(zone->offset_at(instant_of(second)).count() / 1'000'000'000,
                  slow.offset_at(second))
            << second;
      }
      ++changes;
    }
    for (std::int64_t day = kYear1970; day < kYear2100; day += kWeek) {
      ASSERT_EQ(zone->offset_at(instant_of(day)).count() / 1'000'000'000, slow.offset_at(day))
          << day;
    }
  }
  EXPECT_GT(changes, 20'000u);
}

// Goal: first_at_or_after() is the first instant at which the clock shows so much.
// Method: around every transition, for local times before, inside and after the gap or overlap: the
// clock shows it then, and at no second of the two days before.  Seconds in which the clock runs
// evenly need no look: only those where it jumps.
TEST(TimeZoneTest, FindsTheFirstInstantInEveryZone) {
  for (const std::string& name : time_zone_names()) {
    SCOPED_TRACE(name);
    const TimeZone zone = TimeZone::named(name).value();
    const CLibraryZone slow(name);
    const std::vector<std::int64_t> transitions = transitions_of(slow);
    const auto shows = [&slow](std::int64_t at) { return at + slow.offset_at(at); };
    for (const std::int64_t transition : transitions) {
      const std::int64_t before = shows(transition - 1) + 1;
      const std::int64_t after = shows(transition);
      for (const std::int64_t local :
           {before - 1, before, before + 1, (before + after) / 2, after - 1, after, after + 1}) {
        const std::int64_t first = seconds_of(zone.first_at_or_after(local_of(local)));
        ASSERT_GE(shows(first), local);
        ASSERT_LT(shows(first - 1), local);
        for (const std::int64_t jump : transitions) {
          if (jump >= first || jump <= first - 2 * kDay) continue;
          ASSERT_LT(shows(jump - 1), local);
        }
      }
    }
  }
}

TEST(TimeZoneTest, AGapGivesTheTransitionAndAnOverlapTheEarlierReading) {
  const Expected<TimeZone> berlin = TimeZone::named("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "the tz database is not there";
  EXPECT_EQ(berlin->name(), "Europe/Berlin");
  using namespace std::chrono;
  const local_days spring(2026y / March / 29);  // 02:00 to 03:00 is missing.
  EXPECT_EQ(to_rfc3339(berlin->first_at_or_after(spring + hours(2) + minutes(30))),
            "2026-03-29T01:00:00Z");
  const local_days autumn(2040y / October / 28);  // 02:00 to 03:00 comes twice.
  EXPECT_EQ(to_rfc3339(berlin->first_at_or_after(autumn + hours(2) + minutes(30))),
            "2040-10-28T00:30:00Z");
  EXPECT_EQ(berlin->offset_at(parse_instant("2099-07-01T00:00:00Z").value()), hours(2));
}

TEST(TimeZoneTest, AnUnknownZoneIsAnError) {
  if (time_zone_names().empty()) GTEST_SKIP() << "the tz database is not there";
  const Expected<TimeZone> zone = TimeZone::named("Europe/Belin");
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error()[0].code, ErrorCode::kUnknownName);
  EXPECT_EQ(zone.error()[0].message,
            "must be an IANA time zone such as \"Europe/Berlin\", but is \"Europe/Belin\"; did you "
            "mean \"Europe/Berlin\"?");
  EXPECT_FALSE(TimeZone::named("localtime"));
  EXPECT_FALSE(TimeZone::named("../../../etc/passwd"));
  EXPECT_FALSE(TimeZone::named(""));
}

TEST(TimeZoneTest, ReadsEveryFormOfAYearlyRule) {
  const auto fields = PosixZone::parse("<-0330>3:30:15<-02>2,J60/-1:30,365/167");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->standard.count(), -(3 * 3600 + 30 * 60 + 15));
  EXPECT_EQ(fields->summer.count(), -7200);
  const auto day_of = [](const YearlyChange& change, int year) {
    return std::chrono::year_month_day(
        std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(change.local_in(year))));
  };
  using namespace std::chrono;
  // March 1 in every year, minus an hour and a half; day 365 is December 31 of leap years only.
  EXPECT_EQ(day_of(fields->to_summer, 2027), 2027y / February / 28);
  EXPECT_EQ(day_of(fields->to_summer, 2028), 2028y / February / 29);
  EXPECT_EQ(day_of(fields->to_standard, 2028), 2029y / January / 6);
  for (const char* wrong : {"", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0", "<+1-1",
                            "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1 "}) {
    EXPECT_FALSE(PosixZone::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace fare
