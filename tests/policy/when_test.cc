#include "policy/when.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <vector>

#include "base/random.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Instant at(std::string_view text) { return parse_instant(text).value(); }

WeekHours hours_of(std::string_view zone, Duration from, Duration until, std::uint8_t days = 0x7f) {
  return {.zone = TimeZone::named(zone).value(), .days = days, .from = from, .until = until};
}

TEST(WeekHoursTest, HoldByTheCivilClock) {
  const WeekHours office = hours_of("Europe/Berlin", hours(9), hours(18), 0b11111);
  EXPECT_FALSE(office.holds(at("2026-11-23T07:59:59.999999999Z"))) << "Monday, 8:59:59 in winter";
  EXPECT_TRUE(office.holds(at("2026-11-23T08:00:00Z")));
  EXPECT_TRUE(office.holds(at("2026-11-23T16:59:59.999999999Z")));
  EXPECT_FALSE(office.holds(at("2026-11-23T17:00:00Z"))) << "until is not part of it";
  EXPECT_TRUE(office.holds(at("2026-07-06T07:00:00Z"))) << "Monday, 9:00 in summer";
  EXPECT_FALSE(office.holds(at("2026-11-22T12:00:00Z"))) << "a Sunday";
  EXPECT_FALSE(office.holds(Instant{} - hours(4 * 24 - 12))) << "a Sunday before 1970";
}

TEST(WeekHoursTest, ASpanPastMidnightBelongsToTheDayItBeginsOn) {
  const WeekHours friday_night = hours_of("UTC", hours(22), hours(6), 1 << 4);
  EXPECT_FALSE(friday_night.holds(at("2026-11-27T05:00:00Z"))) << "Friday morning";
  EXPECT_TRUE(friday_night.holds(at("2026-11-27T22:00:00Z")));
  EXPECT_TRUE(friday_night.holds(at("2026-11-28T05:59:59Z"))) << "Saturday morning";
  EXPECT_FALSE(friday_night.holds(at("2026-11-28T06:00:00Z")));
  EXPECT_FALSE(friday_night.holds(at("2026-11-28T23:00:00Z")));
  const WeekHours sunday_night = hours_of("UTC", hours(22), hours(6), 1 << 6);
  EXPECT_TRUE(sunday_night.holds(at("2026-11-23T03:00:00Z"))) << "Monday morning";
}

// Goal: what covers() says is true of every request and instant.
// Method: random conditions from few values, and every request that those values can make, at every
// half hour of a week; one that covers another holds wherever the other does.

const std::array<const char*, 4> kScopes = {"acme", "acme:*", "acme:x", "*"};
const std::array<const char*, 3> kLanguages = {"de", "de-AT", "en"};

When random_when(RandomStream& random) {
  When when;
  if (random.below(2) == 0) {
    when.any_class = false;
    when.classes = 1 + random.below(7);
  }
  if (random.below(2) == 0) when.tags.emplace_back("team", random.below(2) == 0 ? "a" : "b");
  if (random.below(3) == 0) when.tags.emplace_back("env", "prod");
  for (std::uint64_t n = random.below(3); n > 0; --n) {
    when.scopes.emplace_back(kScopes[random.below(kScopes.size())]);
  }
  for (std::uint64_t n = random.below(3); n > 0; --n) {
    when.languages.emplace_back(kLanguages[random.below(kLanguages.size())]);
  }
  if (random.below(2) == 0) {
    when.hours = hours_of(random.below(4) == 0 ? "Asia/Tokyo" : "UTC",
                          minutes(720) * static_cast<int>(random.below(2)),
                          minutes(720) * static_cast<int>(1 + random.below(2)),
                          static_cast<std::uint8_t>(random.below(4) == 0 ? 0x1f : 0x7f));
  }
  return when;
}

// Requests over all values, as indices into the tables above; each once.
struct Sample {
  std::vector<Tag> tags;
  std::vector<std::string_view> scopes;
  std::string_view language;
};

std::vector<Sample> all_samples() {
  std::vector<Sample> samples;
  const std::vector<std::vector<Tag>> tags = {
      {}, {{"team", "a"}}, {{"team", "b"}, {"env", "prod"}}, {{"team", "a"}, {"env", "prod"}}};
  const std::vector<std::vector<std::string_view>> scopes = {
      {}, {"acme"}, {"acme:x"}, {"acme:y", "other"}, {"other"}};
  for (const auto& tag : tags) {
    for (const auto& scope : scopes) {
      for (const char* language : {"", "de", "de-at", "den", "en-GB"}) {
        samples.push_back({tag, scope, language});
      }
    }
  }
  return samples;
}

TEST(WhenTest, WhatCoversAnotherHoldsWhereverItDoes) {
  const std::vector<Sample> samples = all_samples();
  std::vector<Instant> instants;
  for (int i = 0; i < 7 * 4; ++i) {
    instants.push_back(at("2026-11-23T00:30:00Z") + hours(6) * i);
  }
  const RandomKey key(2, 0, Purpose::kTest);
  int covered = 0;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(key, seed);
    const When outer = random_when(random);
    const When inner = random_when(random);
    if (!outer.covers(inner)) continue;
    ++covered;
    for (const Sample& sample : samples) {
      Request request;
      request.tags = sample.tags;
      request.scopes = sample.scopes;
      request.language = sample.language;
      for (std::size_t request_class = 0; request_class < 4; ++request_class) {
        for (const Instant now : instants) {
          if (!inner.holds(request, request_class, now)) continue;
          ASSERT_TRUE(outer.holds(request, request_class, now)) << to_rfc3339(now);
        }
      }
    }
  }
  EXPECT_GT(covered, 100);
}

TEST(WhenTest, CoversItselfAndIsCoveredByAlways) {
  const RandomKey key(3, 0, Purpose::kTest);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomStream random(key, seed);
    const When when = random_when(random);
    EXPECT_TRUE(when.covers(when)) << seed;
    EXPECT_TRUE(When{}.covers(when)) << seed;
    EXPECT_EQ(when.covers(When{}), when.holds_always()) << seed;
  }
}

TEST(WhenTest, AWholeWeekOfHoursIsAlways) {
  When when;
  when.hours = hours_of("Asia/Tokyo", hours(0), hours(24));
  EXPECT_TRUE(when.holds_always());
  when.hours = hours_of("Asia/Tokyo", hours(8), hours(8));
  EXPECT_TRUE(when.holds_always()) << "24 hours from eight to eight";
  when.hours = hours_of("Asia/Tokyo", hours(0), hours(24), 0x3f);
  EXPECT_FALSE(when.holds_always()) << "not on Sundays";
}

TEST(WhenTest, LanguagesCoverTheirRegionsWhateverTheCase) {
  When when;
  when.languages = {"de"};
  for (const auto& [language, holds] : std::vector<std::pair<std::string_view, bool>>{
           {"de", true}, {"DE-at", true}, {"den", false}, {"", false}, {"en", false}}) {
    Request request;
    request.language = language;
    EXPECT_EQ(when.holds(request, 0, Instant{}), holds) << language;
  }
}

TEST(WhenTest, AScopeWithAStarStandsForAllThatBeginLikeIt) {
  When when;
  when.scopes = {"user:*", "acme"};
  const auto holds = [&when](std::vector<std::string_view> scopes) {
    Request request;
    request.scopes = scopes;
    return when.holds(request, 0, Instant{});
  };
  EXPECT_TRUE(holds({"user:7"}));
  EXPECT_TRUE(holds({"other", "acme"}));
  EXPECT_FALSE(holds({"user"}));
  EXPECT_FALSE(holds({"acme2"}));
  EXPECT_FALSE(holds({}));
}

}  // namespace
}  // namespace fare
