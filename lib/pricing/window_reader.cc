#include "pricing/window_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pricing/row_reader.h"

namespace fare {
namespace {

using std::chrono::local_days;
using std::chrono::seconds;

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kDaysMax = 10'000;
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

Expected<local_days> parse_local_day(std::string_view text) {
  return parse_date(text).transform([](Instant midnight) {
    return local_days(std::chrono::floor<std::chrono::days>(midnight).time_since_epoch());
  });
}

// "09:30", up to "24:00".
Expected<seconds> parse_time_of_day(std::string_view text) {
  const auto digit = [text](std::size_t i) { return text[i] - '0'; };
  const auto is_digit = [text](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  const bool shape = text.size() == 5 && text[2] == ':' && is_digit(0) && is_digit(1) &&
                     is_digit(3) && is_digit(4);
  const int minutes =
      shape ? (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4) : 24 * 60 + 1;
  if (minutes <= 24 * 60 && (!shape || digit(3) < 6)) return std::chrono::minutes(minutes);
  return fail(ErrorCode::kSyntax, "",
              fmt::format("must be a time of day from \"00:00\" to \"24:00\", but is \"{}\"",
                          text.substr(0, 64)));
}

// ["09:00", "12:00"]: from the first, up to the second.
std::optional<std::pair<seconds, seconds>> read_span(const JsonNode& node) {
  const auto ends = json::list(json::read_with(&parse_time_of_day), 2, 2)(node);
  if (!ends) return std::nullopt;
  if ((*ends)[0] >= (*ends)[1]) {
    node.problem(ErrorCode::kConflict, "must end after it begins");
    return std::nullopt;
  }
  return std::pair((*ends)[0], (*ends)[1]);
}

std::optional<WeekWindow> read_window(const JsonNode& node, const Calendars& calendars) {
  ObjectReader reader(node);
  std::optional<TimeZone> zone;
  const auto read_zone = [](const JsonNode& item) -> std::optional<std::optional<TimeZone>> {
    const auto found = json::read_with(&TimeZone::named)(item);
    return found ? std::optional(found) : std::nullopt;
  };
  reader.required("zone", zone, read_zone);
  std::vector<std::size_t> days;
  const auto weekday = json::one_of({kWeekdays.begin(), kWeekdays.end()});
  reader.required("days", days, json::list(weekday, 1, kWeekdays.size()));
  std::vector<std::pair<seconds, seconds>> hours;
  const bool has_hours = reader.required("hours", hours, json::list(read_span, 1, 24));
  std::shared_ptr<const HolidayCalendar> calendar;
  std::string name;
  if (reader.optional("calendar", name, json::text(kNameMax))) {
    const auto found = calendars.find(name);
    if (found == calendars.end()) {
      node.member("calendar").must_be(ErrorCode::kUnknownName, "a calendar among the files");
    } else {
      calendar = found->second;
    }
  }
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  for (std::size_t i = 1; has_hours && i < hours.size(); ++i) {
    if (hours[i].first >= hours[i - 1].second) continue;
    node.member("hours").problem(ErrorCode::kConflict, "must ascend and not overlap");
  }
  std::uint8_t mask = 0;
  for (const std::size_t day : days) mask = static_cast<std::uint8_t>(mask | 1u << day);
  if (!zone) return std::nullopt;
  return WeekWindow(*zone, mask, std::move(hours), std::move(calendar));
}

}  // namespace

void read_calendar(const JsonNode& node, Calendars& calendars) {
  ObjectReader reader(node);
  std::size_t only = 0;
  auto calendar = std::make_shared<HolidayCalendar>();
  const auto day = json::read_with(&parse_local_day);
  reader.required("format", only, json::one_of({kCalendarFormat}));
  const bool has_name = reader.required("name", calendar->name, json::text(kNameMax));
  reader.required("title", calendar->source.title, json::text(1'000));
  reader.required("where", calendar->source.where, json::text(1'000));
  local_days observed;
  if (reader.required("observed", observed, day)) {
    const std::chrono::sys_days midnight(observed.time_since_epoch());
    calendar->source.observed = to_rfc3339(Instant(midnight)).substr(0, 10);
  }
  const bool has_from = reader.required("from", calendar->from, day);
  const bool has_until = reader.required("until", calendar->until, day);
  const bool has_days =
      reader.required("holidays", calendar->holidays, json::list(day, 0, kDaysMax));
  reader.finish();
  if (!reader.ok()) return;
  if (has_from && has_until && calendar->until <= calendar->from) {
    node.problem(ErrorCode::kConflict, "\"until\" must be after \"from\"");
  }
  const auto& days = calendar->holidays;
  for (std::size_t i = 0; has_days && has_from && has_until && i < days.size(); ++i) {
    if (days[i] < calendar->from || days[i] >= calendar->until) {
      node.member("holidays")
          .item(i)
          .must_be(ErrorCode::kOutOfRange, "a day from \"from\" up to \"until\"");
    } else if (i > 0 && days[i] <= days[i - 1]) {
      node.member("holidays").item(i).must_be(ErrorCode::kConflict, "after the day before it");
    }
  }
  if (has_name && !calendars.try_emplace(calendar->name, calendar).second) {
    node.member("name").problem(ErrorCode::kDuplicateKey,
                                fmt::format("\"{}\" is already a calendar", calendar->name));
  }
}

NamedWindows read_windows(const JsonNode& node, const Calendars& calendars) {
  NamedWindows windows;
  if (!node.is_object()) {
    node.must_be(ErrorCode::kWrongType, "an object");
    return windows;
  }
  for (const std::string& name : node.keys()) {
    if (auto window = read_window(node.member(name), calendars)) windows.emplace(name, *window);
  }
  return windows;
}

}  // namespace fare
