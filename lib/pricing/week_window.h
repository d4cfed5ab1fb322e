#pragma once

#include <chrono>  // std::chrono::sys_days.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time_zone.h"    // TimeZone.
#include "fare/price_sheet.h"  // PriceSource.
#include "fare/time.h"         // Instant.

namespace fare {

// The public holidays of a place, for the days that it covers.
struct HolidayCalendar {
  std::string name;
  PriceSource source;
  std::chrono::local_days from;                   // The first day it knows about.
  std::chrono::local_days until;                  // The day after the last.
  std::vector<std::chrono::local_days> holidays;  // Ascending.
};

// Hours of the week in a civil time zone, public holidays excepted: "9 to 12 and 14 to 18, Monday
// to Friday, in Beijing".
class WeekWindow {
 public:
  using Seconds = std::chrono::seconds;

  enum class Answer : std::uint8_t {
    kOutside,
    kInside,
    kUnknown,  // The calendar does not reach that day.
  };

  // `weekdays` has bit 0 for Sunday to bit 6 for Saturday; `hours` are [from, until) of the day's
  // clock, ascending.  A null calendar means that no day is a holiday.
  WeekWindow(TimeZone zone, std::uint8_t weekdays, std::vector<std::pair<Seconds, Seconds>> hours,
             std::shared_ptr<const HolidayCalendar> calendar);

  // About 15 ns; allocates nothing.
  Answer contains(Instant at) const;

  const TimeZone& zone() const { return zone_; }
  std::uint8_t weekdays() const { return weekdays_; }
  const std::vector<std::pair<Seconds, Seconds>>& hours() const { return hours_; }
  const HolidayCalendar* calendar() const { return calendar_.get(); }  // May be null.

  // Everything that decides contains(), in one canonical form.
  std::string canonical_text() const;

 private:
  TimeZone zone_;
  std::uint8_t weekdays_;
  std::vector<std::pair<Seconds, Seconds>> hours_;
  std::shared_ptr<const HolidayCalendar> calendar_;
};

}  // namespace fare
