#include "base/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>

#include "base/nearest.h"
#include "base/posix_zone.h"

namespace fare {

// Segment i lasts from begin[i] to begin[i + 1].  The first one began before all time.
struct TimeZoneData {
  std::string name;
  std::vector<std::chrono::sys_seconds> begin;
  std::vector<std::chrono::seconds> offset;

  std::size_t at(std::chrono::sys_seconds when) const {
    const auto after = std::upper_bound(begin.begin() + 1, begin.end(), when);
    return static_cast<std::size_t>(after - begin.begin()) - 1;
  }

  void add(std::chrono::sys_seconds from, std::chrono::seconds east) {
    if (!offset.empty() && offset.back() == east) return;
    begin.push_back(from);
    offset.push_back(east);
  }
};

namespace {

using std::chrono::sys_seconds;

constexpr int kYearFirst = 1970;
constexpr int kYearEnd = 2101;  // The first year that is not read.

// No clock is further from UTC, so a civil time comes at the earliest this long before it would
// come in Greenwich.
constexpr std::chrono::hours kOffsetMax{26};

constexpr sys_seconds start_of(int year) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / 1);
}

// The database's names without "localtime", which is whatever the machine says.
bool is_portable(std::string_view name) { return name != "localtime"; }

// The last line of a zone's file; nothing if it cannot be read.
std::optional<std::string> footer_of(const std::string& zone) {
  std::FILE* file = std::fopen(("/usr/share/zoneinfo/" + zone).c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  char tail[256];
  std::size_t size = 0;
  if (std::fseek(file, -static_cast<long>(sizeof tail), SEEK_END) != 0) std::rewind(file);
  size = std::fread(tail, 1, sizeof tail, file);
  std::fclose(file);
  const std::string_view text(tail, size);
  if (text.size() < 2 || text.back() != '\n') return std::nullopt;
  const std::size_t line = text.rfind('\n', text.size() - 2);
  if (line == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(line + 1, text.size() - line - 2));
}

// Adds what the rule says of all years, from `from` on.
void add_rule(const PosixZone& rule, sys_seconds from, TimeZoneData& data) {
  if (!rule.has_summer) return data.add(from, rule.standard);
  for (int year = kYearFirst; year < kYearEnd; ++year) {
    struct Change {
      sys_seconds at;
      std::chrono::seconds offset;
    };
    Change changes[] = {
        {sys_seconds(rule.to_summer.local_in(year) - rule.standard), rule.summer},
        {sys_seconds(rule.to_standard.local_in(year) - rule.summer), rule.standard}};
    if (changes[1].at < changes[0].at) std::swap(changes[0], changes[1]);
    for (const Change& change : changes) {
      if (change.at > from && change.at < start_of(kYearEnd)) data.add(change.at, change.offset);
    }
  }
}

// Errors: the zone's rule cannot be read.
Expected<TimeZoneData> read_zone(std::string_view name, const date::time_zone& zone) {
  TimeZoneData data;
  data.name = name;
  sys_seconds at = start_of(kYearFirst);
  sys_seconds listed_until = at;
  while (at < start_of(kYearEnd)) {
    const date::sys_info info = zone.get_info(at);
    data.add(info.begin, info.offset);
    listed_until = std::max(listed_until, info.begin);
    at = info.end;
  }
  const std::optional<std::string> footer = footer_of(std::string(name));
  const std::optional<PosixZone> rule = footer ? PosixZone::parse(*footer) : std::nullopt;
  if (!rule) {
    return fail(ErrorCode::kIo, "", fmt::format("the file of time zone \"{}\" has no rule", name));
  }
  add_rule(*rule, listed_until, data);
  return data;
}

// Null if there is no such zone, or no database.
const date::time_zone* find_zone(std::string_view name) {
  if (!is_portable(name)) return nullptr;
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

tl::unexpected<Errors> no_zone(std::string_view name) {
  const std::vector<std::string> known = time_zone_names();
  if (known.empty()) {
    return fail(ErrorCode::kIo, "", "this machine has no time zone database (package tzdata)");
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  return fail(ErrorCode::kUnknownName, "",
              fmt::format("must be an IANA time zone such as \"Europe/Berlin\", but is \"{}\"{}",
                          name.substr(0, 64), did_you_mean(nearest(name, names))));
}

}  // namespace

std::vector<std::string> time_zone_names() {
  std::vector<std::string> names;
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) {
      if (is_portable(zone.name())) names.push_back(zone.name());
    }
  } catch (const std::exception&) {
    names.clear();
  }
  std::sort(names.begin(), names.end());
  return names;
}

Expected<TimeZone> TimeZone::named(std::string_view name) {
  const date::time_zone* zone = find_zone(name);
  if (zone == nullptr) return no_zone(name);
  try {
    Expected<TimeZoneData> data = read_zone(name, *zone);
    if (!data) return tl::unexpected<Errors>(std::move(data.error()));
    return TimeZone(std::make_shared<const TimeZoneData>(std::move(*data)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kIo, "", fmt::format("time zone \"{}\": {}", name, error.what()));
  }
}

std::string_view TimeZone::name() const { return data_->name; }

Duration TimeZone::offset_at(Instant at) const {
  return data_->offset[data_->at(std::chrono::floor<std::chrono::seconds>(at))];
}

Instant TimeZone::first_at_or_after(LocalSeconds local) const {
  const sys_seconds in_greenwich(local.time_since_epoch());
  for (std::size_t i = data_->at(in_greenwich - kOffsetMax);; ++i) {
    sys_seconds reached = in_greenwich - data_->offset[i];
    if (i > 0) reached = std::max(reached, data_->begin[i]);
    if (i + 1 == data_->begin.size() || reached < data_->begin[i + 1]) return reached;
  }
}

}  // namespace fare
