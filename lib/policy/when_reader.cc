#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {
namespace {

// "09:30", up to "24:00".
Expected<Duration> parse_time_of_day(std::string_view text) {
  const auto digit = [text](std::size_t i) { return text[i] - '0'; };
  const auto is_digit = [text](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  const bool shape = text.size() == 5 && text[2] == ':' && is_digit(0) && is_digit(1) &&
                     is_digit(3) && is_digit(4) && digit(3) < 6;
  const int minutes =
      shape ? (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4) : 24 * 60 + 1;
  if (minutes <= 24 * 60) return std::chrono::minutes(minutes);
  return fail(ErrorCode::kSyntax, "",
              fmt::format("must be a time of day from \"00:00\" to \"24:00\", but is \"{}\"",
                          text.substr(0, 64)));
}

std::optional<WeekHours> read_hours(const JsonNode& node) {
  ObjectReader reader(node);
  std::optional<TimeZone> zone;
  const auto read_zone = [](const JsonNode& item) -> std::optional<std::optional<TimeZone>> {
    const auto found = json::read_with(&TimeZone::named)(item);
    return found ? std::optional(found) : std::nullopt;
  };
  reader.required("zone", zone, read_zone);
  std::vector<std::size_t> days;
  const auto weekday = json::one_of({"mon", "tue", "wed", "thu", "fri", "sat", "sun"});
  const bool has_days = reader.optional("days", days, json::list(weekday, 1, 7));
  Duration from{};
  Duration until = std::chrono::hours(24);
  reader.optional("from", from, json::read_with(&parse_time_of_day));
  reader.optional("until", until, json::read_with(&parse_time_of_day));
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (from == std::chrono::hours(24)) {
    node.member("from").problem(ErrorCode::kOutOfRange, "must be before \"24:00\"");
  }
  if (until == Duration(0)) {
    node.member("until").problem(ErrorCode::kOutOfRange,
                                 "must be after \"00:00\"; a day ends at \"24:00\"");
  }
  if (!zone) return std::nullopt;
  WeekHours hours{.zone = *zone, .from = from, .until = until};
  if (!has_days) return hours;
  hours.days = 0;
  for (const std::size_t day : days) hours.days = static_cast<std::uint8_t>(hours.days | 1u << day);
  return hours;
}

void read_classes(const JsonNode& node, const PolicyData& data, When& when) {
  when.any_class = false;
  const bool is_list = json::is_list(node, 1, kClassesMax);
  for (std::size_t i = 0; is_list && i < node.size(); ++i) {
    const std::optional<std::string> name = json::text(kNameMax)(node.item(i));
    if (!name) continue;
    const auto index = find_name(node.item(i), *name, names_of(data.classes), "class");
    if (index) when.classes |= std::uint64_t{1} << *index;
  }
}

When read_when_parts(const JsonNode& node, const PolicyData& data) {
  When when;
  ObjectReader reader(node);
  if (const auto classes = reader.member("class", false)) read_classes(*classes, data, when);
  if (const auto tags = reader.member("tags", false)) {
    ObjectReader tag_reader(*tags);
    for (const std::string& key : tags->keys()) {
      std::string value;
      tag_reader.required(key, value, json::text(kNameMax));
      when.tags.emplace_back(key, value);
    }
  }
  if (const auto scopes = reader.member("scope", false)) when.scopes = read_names(*scopes);
  if (const auto names = reader.member("language", false)) when.languages = read_names(*names);
  if (const auto hours = reader.member("hours", false)) when.hours = read_hours(*hours);
  reader.finish();
  return when;
}

}  // namespace

// One that is wrong holds never, so that nothing is said of the rules before and behind it.
When read_when(const JsonNode& node, const PolicyData& data) {
  Problems found(node.problems().file());
  const When when = read_when_parts(JsonNode(&node.value(), node.pointer(), &found), data);
  if (found.empty()) return when;
  node.problems().add_all(found.take());
  When never;
  never.any_class = false;
  return never;
}

}  // namespace fare
