#pragma once

#include <chrono>       // std::chrono::sys_time, nanoseconds.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Expected.

namespace fare {

// A length of time, and a point of time (UTC, no leap seconds), both in whole nanoseconds.  An
// Instant reaches from the year 1678 to 2261; readers accept 1970 up to, not including, 2200.
using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::sys_time<Duration>;

// Reads an RFC 3339 instant: "2026-12-01T00:00:00Z", "2026-08-16T16:00:00.5+08:00", or with a blank
// for the T.  The offset is required: a local time is not an instant.  Up to nine decimals.
[[nodiscard]] Expected<Instant> parse_instant(std::string_view text);

// Writes it as RFC 3339 in UTC, with as many decimals (0 to 9) as it needs.
[[nodiscard]] std::string to_rfc3339(Instant instant);

}  // namespace fare
