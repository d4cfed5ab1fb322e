#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json_reader.h"
#include "pricing/model_draft.h"

namespace fare {

inline constexpr std::string_view kCalendarFormat = "fare-calendar/1";

// Calendars by name.
using Calendars = std::map<std::string, std::shared_ptr<const HolidayCalendar>>;

// Reads a whole calendar file.
void read_calendar(const JsonNode& node, Calendars& calendars);

// Reads the "windows" of a price file: {"peak": {"zone", "days", "hours", "calendar"}}.
NamedWindows read_windows(const JsonNode& node, const Calendars& calendars);

}  // namespace fare
