#pragma once

#include <cstdint>      // std::uint8_t.
#include <memory>       // std::shared_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Expected.
#include "fare/time.h"      // Instant, Duration.

namespace fare {

// How a budget's time is cut into windows.
enum class WindowKind : std::uint8_t {
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kRolling,   // The last `length`, at every instant.
  kSession,   // From the first use until nothing was reserved for `length`.
  kAbsolute,  // From an instant until another one, once.
};

inline constexpr std::size_t kWindowKindCount = 8;

// The stable, lower-case name: "month".
[[nodiscard]] std::string_view to_string(WindowKind kind);

// Later than every window: the end of one that never resets.
inline constexpr Instant kNever = Instant::max();

// Windows begin and end within these instants; the ledger works between them.
inline constexpr Instant kWindowsFirst{};                                   // 1970.
inline constexpr Instant kWindowsEnd{std::chrono::seconds(4'102'444'800)};  // 2100.

// What a window is, as data.
struct WindowSpec {
  WindowKind kind = WindowKind::kMonth;
  std::string zone = "UTC";  // Calendar windows: an IANA zone.
  Duration time_of_day{};    // Calendar windows: when the day begins; whole seconds below 24 h.
  int first_weekday = 1;     // Weeks: 1 is Monday, 7 is Sunday.
  int first_day = 1;         // Months, quarters, years: 1 to 28.
  int first_month = 1;       // Quarters, years: 1 to 12, the month a fiscal year begins with.
  Duration length{};         // Rolling, session: whole seconds from 1 s to 10 years.
  Instant from{};            // Absolute: whole seconds.
  Instant until = kNever;    // Absolute: whole seconds; kNever if it has no end.

  friend bool operator==(const WindowSpec&, const WindowSpec&) = default;
};

// From `begin` up to, not including, `end`.
struct WindowSpan {
  Instant begin;
  Instant end;

  friend bool operator==(const WindowSpan&, const WindowSpan&) = default;
};

struct WindowRule;  // What a window holds inside.

// The rule that cuts time into windows.  An immutable value; copies share one snapshot; any number
// of threads may read.
//
// A calendar window begins at the first instant at which the zone's civil clock shows its first
// day's `time_of_day` or later: where a change to summer time skips that time, at the change; where
// a change back shows it twice, at the first showing.  So days have 23, 24 or 25 hours, a day that
// a zone skips has none, and every instant is in exactly one window.
//
// A rolling window is counted in slices, each the twelfth part of its length rounded up to a
// second: what is spent counts for at least `length` and at most one slice more, so the limit holds
// over every interval of that length.
class Window {
 public:
  static constexpr int kSlices = 12;  // Of a rolling window.

  // Errors: a value out of its range, an unknown zone; all of them, each with the name of its
  // field.
  [[nodiscard]] static Expected<Window> create(const WindowSpec& spec);

  // The window that `at` is in; of a rolling window, the slice; of a session, the one that a first
  // use at `at` would begin, in whole seconds; of an absolute one, itself, wherever `at` is.  Below
  // a microsecond; allocates nothing.  REQUIRES: kWindowsFirst <= at < kWindowsEnd.
  [[nodiscard]] WindowSpan at(Instant at) const;

  // The first instant at which what is spent at `at` no longer counts: at(at).end, but one length
  // later if rolling.
  [[nodiscard]] Instant reset_after(Instant at) const;

  [[nodiscard]] const WindowSpec& spec() const;

 private:
  explicit Window(std::shared_ptr<const WindowRule> rule) : rule_(std::move(rule)) {}

  std::shared_ptr<const WindowRule> rule_;
};

}  // namespace fare
