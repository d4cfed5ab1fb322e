#include "fare/time.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <random>
#include <string>

namespace fare {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kEnd = 7'258'118'400 * kSecond;  // 2200-01-01.

Instant instant_of(std::int64_t nanoseconds) { return Instant(Duration(nanoseconds)); }

// The slow model: the C library's calendar, all nine decimals, in a given offset.
std::string slow_text(std::int64_t nanoseconds, int offset_minutes, char separator) {
  const std::int64_t local = nanoseconds + offset_minutes * 60 * kSecond;
  const std::int64_t subseconds = (local % kSecond + kSecond) % kSecond;
  const std::time_t seconds = (local - subseconds) / kSecond;
  std::tm date{};
  gmtime_r(&seconds, &date);
  const int minutes = std::abs(offset_minutes);
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}.{:09}{}{:02}:{:02}", date.tm_year + 1900,
                     date.tm_mon + 1, date.tm_mday, separator, date.tm_hour, date.tm_min,
                     date.tm_sec, subseconds, offset_minutes < 0 ? '-' : '+', minutes / 60,
                     minutes % 60);
}

// Of any size from nanoseconds to centuries, so that all numbers of decimals are met.
std::int64_t random_nanoseconds(std::mt19937_64& rng) {
  const std::int64_t units[] = {1, 10, 100, 1'000, 1'000'000, 100'000'000, kSecond, kDay};
  const std::int64_t unit = units[rng() % std::size(units)];
  return static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(kEnd)) / unit * unit;
}

TEST(TimeTest, ReadsRfc3339) {
  const struct {
    const char* name;
    std::string_view text;
    std::int64_t nanoseconds;
  } cases[] = {
      {"first", "1970-01-01T00:00:00Z", 0},
      {"a day", "2026-12-01T00:00:00Z", 1'796'083'200 * kSecond},
      {"last", "2199-12-31T23:59:59.999999999Z", kEnd - 1},
      {"leap day", "2024-02-29T23:59:59Z", 1'709'251'199 * kSecond},
      {"leap day of a leap century", "2000-02-29T00:00:00Z", 951'782'400 * kSecond},
      {"lower-case letters", "2026-12-01t00:00:00z", 1'796'083'200 * kSecond},
      {"blank for the T", "2026-12-01 00:00:00Z", 1'796'083'200 * kSecond},
      {"offset east", "2026-08-16T16:00:00+08:00", 1'786'867'200 * kSecond},
      {"offset west", "2026-08-16T00:30:00-07:30", 1'786'867'200 * kSecond},
      {"no offset, written as one", "2026-08-16T08:00:00+00:00", 1'786'867'200 * kSecond},
      {"unknown local offset", "2026-08-16T08:00:00-00:00", 1'786'867'200 * kSecond},
      {"largest offset", "2026-08-17T07:59:00+23:59", 1'786'867'200 * kSecond},
      {"one decimal", "2026-08-16T16:00:00.5+08:00", 1'786'867'200 * kSecond + kSecond / 2},
      {"nine decimals", "1970-01-01T00:00:00.000000001Z", 1},
      {"trailing zeros", "1970-01-01T00:00:00.100000000Z", kSecond / 10},
      {"1970 in UTC, 1969 there", "1969-12-31T23:00:00-02:00", 3'600 * kSecond},
      {"2199 in UTC, 2200 there", "2200-01-01T01:00:00+02:00", kEnd - 3'600 * kSecond},
  };
  for (const auto& test : cases) {
    const Expected<Instant> instant = parse_instant(test.text);
    ASSERT_TRUE(instant) << test.name << ": " << to_text(instant.error());
    EXPECT_EQ(instant->time_since_epoch().count(), test.nanoseconds) << test.name;
  }
}

TEST(TimeTest, RefusesWhatIsNoInstant) {
  const struct {
    const char* name;
    std::string_view text;
  } cases[] = {
      {"empty", ""},
      {"garbage", "yesterday"},
      {"only a date", "2026-12-01"},
      {"no offset", "2026-12-01T00:00:00"},
      {"no offset, with decimals", "2026-12-01T00:00:00.5"},
      {"30 February", "2024-02-30T00:00:00Z"},
      {"29 February of no leap year", "2026-02-29T00:00:00Z"},
      {"29 February of 2100", "2100-02-29T00:00:00Z"},
      {"31 April", "2026-04-31T00:00:00Z"},
      {"day 0", "2026-12-00T00:00:00Z"},
      {"month 0", "2026-00-01T00:00:00Z"},
      {"month 13", "2026-13-01T00:00:00Z"},
      {"hour 24", "2026-12-01T24:00:00Z"},
      {"minute 60", "2026-12-01T00:60:00Z"},
      {"leap second", "2016-12-31T23:59:60Z"},
      {"no seconds", "2026-12-01T00:00Z"},
      {"point without decimals", "2026-12-01T00:00:00.Z"},
      {"decimal comma", "2026-12-01T00:00:00,5Z"},
      {"ten decimals", "2026-12-01T00:00:00.1234567890Z"},
      {"offset without minutes", "2026-12-01T00:00:00+08"},
      {"offset without colon", "2026-12-01T00:00:00+0800"},
      {"offset of 24 hours", "2026-12-01T00:00:00+24:00"},
      {"offset of 60 minutes", "2026-12-01T00:00:00+00:60"},
      {"zone name", "2026-12-01T00:00:00UTC"},
      {"two offsets", "2026-12-01T00:00:00Z+01:00"},
      {"blank before", " 2026-12-01T00:00:00Z"},
      {"blank behind", "2026-12-01T00:00:00Z "},
      {"zero byte behind", std::string_view("2026-12-01T00:00:00Z\0", 21)},
      {"year of three digits", "026-12-01T00:00:00Z"},
      {"year of five digits", "02026-12-01T00:00:00Z"},
      {"signed month", "2026-+1-01T00:00:00Z"},
      {"slashes", "2026/12/01T00:00:00Z"},
      {"basic format", "20261201T000000Z"},
      {"1969", "1969-12-31T23:59:59.999999999Z"},
      {"2200", "2200-01-01T00:00:00Z"},
      {"1969 in UTC, 1970 there", "1970-01-01T00:00:00+08:00"},
      {"2200 in UTC, 2199 there", "2199-12-31T23:00:00-01:00"},
      {"year 0", "0000-01-01T00:00:00Z"},
      {"year 9999", "9999-12-31T23:59:59Z"},
  };
  for (const auto& test : cases) {
    const Expected<Instant> instant = parse_instant(test.text);
    ASSERT_FALSE(instant) << test.name;
    ASSERT_EQ(instant.error().size(), 1u) << test.name;
    EXPECT_EQ(instant.error()[0].code, ErrorCode::kSyntax) << test.name;
  }
}

TEST(TimeTest, SaysWhatAnInstantMustBe) {
  ASSERT_FALSE(parse_instant("2026-12-01"));
  EXPECT_EQ(parse_instant("2026-12-01").error()[0].message,
            "must be an instant from 1970 to 2200 such as \"2026-12-01T00:00:00Z\" or "
            "\"2026-12-01T08:00:00.5+08:00\", but is \"2026-12-01\"");
  EXPECT_LT(parse_instant(std::string(100'000, '1')).error()[0].message.size(), 250u);
}

// Every place of a good text, changed to every other byte: no crash, and what is still read is read
// as std::chrono would (a digit for a digit), never as the same instant.
TEST(TimeTest, NoticesEveryChangedByte) {
  const std::string good = "2026-11-23T12:34:56.789+01:30";
  const Instant instant = parse_instant(good).value();
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[place] = static_cast<char>(byte);
      const bool same_meaning = text == good || (place == 10 && (byte == 't' || byte == ' '));
      const Expected<Instant> read = parse_instant(text);
      ASSERT_EQ(read.has_value() && *read == instant, same_meaning) << text;
    }
  }
}

TEST(TimeTest, WritesAsManyDecimalsAsItNeeds) {
  EXPECT_EQ(to_rfc3339(instant_of(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(instant_of(1)), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(to_rfc3339(instant_of(1'500'000'000)), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(to_rfc3339(instant_of(10 * kSecond)), "1970-01-01T00:00:10Z");
  EXPECT_EQ(to_rfc3339(instant_of(-1)), "1969-12-31T23:59:59.999999999Z");
}

TEST(TimeTest, WritesTheFirstAndTheLastInstant) {
  EXPECT_EQ(to_rfc3339(Instant::min()), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(to_rfc3339(Instant::max()), "2262-04-11T23:47:16.854775807Z");
}

// Goal: writing is exact and shortest, and reading brings the very instant back, whatever the
// offset. Method: random instants against the calendar of the C library.
TEST(TimeTest, RoundTripsLikeTheCalendar) {
  std::mt19937_64 rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t nanoseconds = random_nanoseconds(rng);
    const Instant instant = instant_of(nanoseconds);
    std::string expected = slow_text(nanoseconds, 0, 'T');
    expected.resize(expected.size() - 6);  // "+00:00".
    expected.erase(expected.find_last_not_of('0') + 1);
    if (expected.ends_with('.')) expected.pop_back();
    ASSERT_EQ(to_rfc3339(instant), expected + "Z");
    ASSERT_EQ(parse_instant(to_rfc3339(instant)).value(), instant);
    const int offset = static_cast<int>(rng() % 2'879) - 1'439;
    const std::string local = slow_text(nanoseconds, offset, "Tt "[rng() % 3]);
    const Expected<Instant> read = parse_instant(local);
    ASSERT_TRUE(read) << local;
    ASSERT_EQ(*read, instant) << local;
  }
}

}  // namespace
}  // namespace fare
