#pragma once

#include <chrono>       // std::chrono::local_seconds.
#include <memory>       // std::shared_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/time.h"      // Instant, Duration.

namespace fare {

// What a clock on a wall shows: a date and a time of day, of no zone in particular.
using LocalSeconds = std::chrono::local_seconds;

struct TimeZoneData;  // What a zone holds inside.

// An IANA time zone, its transitions of 1970 to 2100 read once.  A value; copies share one
// snapshot; any number of threads may read.
//
// The transitions are those of the system's tz database, by Howard Hinnant's date/tz; beyond the
// last one listed (often 2037) the rule at the end of the zone's file holds, which date/tz 3.0.1
// does not read.  Before 1970 and after 2100 the nearest offset stays.
class TimeZone {
 public:
  // Reads files; milliseconds the first time.  Errors: no such zone (did you mean ...); no tz
  // database.
  [[nodiscard]] static Expected<TimeZone> named(std::string_view name);

  [[nodiscard]] std::string_view name() const;  // As asked for.

  // East of UTC.  Binary search, allocates nothing.
  [[nodiscard]] Duration offset_at(Instant at) const;

  // The instant at which the civil clock first shows `local` or later: in a gap the transition, in
  // an overlap the earlier reading.  Binary search, allocates nothing.
  [[nodiscard]] Instant first_at_or_after(LocalSeconds local) const;

 private:
  explicit TimeZone(std::shared_ptr<const TimeZoneData> data) : data_(std::move(data)) {}

  std::shared_ptr<const TimeZoneData> data_;
};

// Every zone of the tz database, sorted; empty if there is none.
[[nodiscard]] std::vector<std::string> time_zone_names();

}  // namespace fare
