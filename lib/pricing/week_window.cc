#include "pricing/week_window.h"

#include <fmt/format.h>

#include <algorithm>

namespace fare {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::local_time;
using std::chrono::seconds;

long day_number(local_days day) { return day.time_since_epoch().count(); }

}  // namespace

WeekWindow::WeekWindow(TimeZone zone, std::uint8_t weekdays,
                       std::vector<std::pair<Seconds, Seconds>> hours,
                       std::shared_ptr<const HolidayCalendar> calendar)
    : zone_(std::move(zone)),
      weekdays_(weekdays),
      hours_(std::move(hours)),
      calendar_(std::move(calendar)) {}

WeekWindow::Answer WeekWindow::contains(Instant at) const {
  const local_time<Duration> local(at.time_since_epoch() + zone_.offset_at(at));
  const local_days day = floor<days>(local);
  const unsigned weekday = std::chrono::weekday(day).c_encoding();
  if ((weekdays_ >> weekday & 1u) == 0) return Answer::kOutside;
  const seconds clock = floor<seconds>(local - day);
  const bool in_hours = std::any_of(hours_.begin(), hours_.end(), [clock](const auto& span) {
    return span.first <= clock && clock < span.second;
  });
  if (!in_hours) return Answer::kOutside;
  if (calendar_ == nullptr) return Answer::kInside;
  if (day < calendar_->from || day >= calendar_->until) return Answer::kUnknown;
  const auto& holidays = calendar_->holidays;
  return std::binary_search(holidays.begin(), holidays.end(), day) ? Answer::kOutside
                                                                   : Answer::kInside;
}

std::string WeekWindow::canonical_text() const {
  std::string text = fmt::format("{}\t{}", zone_.name(), weekdays_);
  for (const auto& [from, until] : hours_) {
    text += fmt::format("\t{}-{}", from.count(), until.count());
  }
  if (calendar_ == nullptr) return text;
  text += fmt::format("\t[{},{})", day_number(calendar_->from), day_number(calendar_->until));
  for (const local_days day : calendar_->holidays) text += fmt::format("\t{}", day_number(day));
  return text;
}

}  // namespace fare
