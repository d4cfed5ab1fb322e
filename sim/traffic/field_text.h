#pragma once

#include <cstdint>      // std::int64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Error.
#include "fare/time.h"      // Duration.
#include "fare/tokens.h"    // kTokensMax.

namespace routesim {

// Single values as the fields of a trace write them: readers that accept the whole text or nothing,
// know no locale and allocate nothing if all is well; and the sentence for what they refuse.

// A recorded request has at least one token on either side: none of the traces we know has a 0, and
// a request without an answer was no request that a simulation could replay.
inline constexpr std::int64_t kRecordedTokensMin = 1;
inline constexpr std::int64_t kSecondsMax = 9'000'000'000;  // int64 nanoseconds end at 9.22e9 s.

// A whole number from min to max, digits only.
std::optional<std::int64_t> read_whole(std::string_view text, std::int64_t min, std::int64_t max);

// A decimal number from min to max, such as "0.5" or "1e-3".
std::optional<double> read_decimal(std::string_view text, double min, double max);

// Decimal seconds from 0 to kSecondsMax, such as "12.5", exact to the nanosecond; digits beyond the
// ninth decimal are cut off.
std::optional<fare::Duration> read_seconds(std::string_view text);

// An instant from 1970 to 2200 such as "2023-11-16 18:15:46.6805900" or with "Z" or "+00:00" behind
// it, as the time since 1970.  Without an offset it is UTC.  Up to nine decimals.
std::optional<fare::Duration> read_wall_time(std::string_view text);

// "FIELD must be RULE, but is "VALUE"".  The code is kOutOfRange for whole numbers, else kSyntax.
fare::Error bad_field(std::string_view field, std::string_view rule, std::string_view value);

// The rule of read_whole(text, min, max).
std::string whole_rule(std::int64_t min, std::int64_t max);

// At most 64 bytes of a text; bytes that are no printable UTF-8 become question marks.
std::string excerpt(std::string_view text);
std::string quoted_excerpt(std::string_view text);

}  // namespace routesim
