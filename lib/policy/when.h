#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <utility>      // std::pair.
#include <vector>       // std::vector.

#include "base/time_zone.h"  // TimeZone.
#include "fare/request.h"    // Request.
#include "fare/time.h"       // Instant.

namespace fare {

// Hours of a week in which a rule holds, by the civil clock of a zone: "Monday to Friday, 9 to 18".
struct WeekHours {
  TimeZone zone;
  std::uint8_t days = 0x7f;  // Bit 0: Monday.  The day on which a span begins.
  Duration from{};           // Of the day, in [0, 24 h).
  Duration until{};          // In (0, 24 h]; at or before `from`: of the next day.

  [[nodiscard]] bool holds(Instant now) const;
};

// When a rule holds: all of its parts.
struct When {
  std::uint64_t classes = 0;  // Bits of the classes it holds for, if not for all.
  bool any_class = true;
  std::vector<std::pair<std::string, std::string>> tags;  // All of them must be there.
  std::vector<std::string> scopes;     // One of the request's must be one of these; one that ends
                                       // in "*" stands for all that begin like it.  Empty: any.
  std::vector<std::string> languages;  // One of them; "de" covers "de-AT".  Empty: any.
  std::optional<WeekHours> hours;

  [[nodiscard]] bool holds_always() const;

  // `request_class`: the class's index; any greater number: not classified.  Allocates nothing.
  [[nodiscard]] bool holds(const Request& request, std::size_t request_class, Instant now) const;

  // Whether this holds wherever `other` does, as far as can be told without knowing the requests:
  // then a rule with `other` behind one with this is never reached.
  [[nodiscard]] bool covers(const When& other) const;
};

}  // namespace fare
