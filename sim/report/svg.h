#pragma once

#include <array>        // std::array.
#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "study/estimate.h"  // Estimate.

namespace routesim {

// Pictures as inline SVG.  Every place across is a percentage of the width and every height a fixed
// number of pixels: a picture fills whatever column it stands in, and its text keeps its size.
// Colours are classes of the page's style sheet, so dark mode and print reach them too.

// What a reader gets who cannot see the picture.
struct Alternative {
  std::string id;     // Unique in the page.
  std::string title;  // As plain text, here and below.
  std::string description;
};

// Colours of stacked bars: "fill-1" to "fill-7", and "fill-8" for what is left.
inline constexpr std::size_t kFills = 8;
inline constexpr std::size_t kGpuFill = 9;  // Dashed: money beside what the bar is of.

struct BarSegment {
  // 1 to kFills, also the number written on it, if there is room; or kGpuFill, which has none.
  std::size_t fill = 1;
  double length = 0;  // Of the scale's 1.
  std::string tip;    // Shown when pointed at.
};

// The numbers that a picture spans from its left edge to its right.  REQUIRES: low < high.
struct Scale {
  double low = 0;
  double high = 1;

  double place(double value) const { return (value - low) / (high - low); }
};

// From 0 to a little beyond the end of the furthest interval; 0 to 1 if that is nowhere.
Scale scale_from_zero(const std::vector<Estimate>& estimates);

// Around all intervals, and around zero if `with_zero`, with a margin; something around the value
// where all of them are one point.
Scale scale_around(const std::vector<Estimate>& estimates, bool with_zero);

// How the numbers of a scale are written below it.
enum class AxisUnit : std::uint8_t { kDollars, kMilliseconds, kPercent, kPlain };

// The labels below pictures of the same scale.
std::string scale_axis(const Scale& scale, AxisUnit unit);

// One bar of segments side by side, on a track as long as the scale of 1, with the interval of the
// bar's end, if there is one: {from, to}.
std::string stacked_bar(const Alternative& alternative, const std::vector<BarSegment>& segments,
                        const std::optional<std::array<double, 2>>& interval);

// A difference in dollars as a dot with its interval, against zero.
std::string difference_chart(const Alternative& alternative, const Estimate& difference);

// An estimate as a dot with its interval.  `style` is its colour: "policy-0", "policy-1", "better",
// "worse", "open".  A line marks zero if it lies within the scale.
std::string interval_chart(const Alternative& alternative, const Estimate& estimate,
                           const Scale& scale, std::string_view style);

// p50, p95 and p99 as a circle, a diamond and a square on a line, each with its interval.  `policy`
// is 0 or 1 and selects the colour.  Missing ones are left out.
std::string range_chart(const Alternative& alternative,
                        const std::array<std::optional<Estimate>, 3>& milliseconds,
                        const Scale& scale, std::size_t policy);

// A share of the whole as a bar on its track.
std::string share_bar(const Alternative& alternative, double share, std::size_t policy);

// What is spent of a budget: a bar up to what was spent before, a dot at the median of what is
// spent in the end with the range of the middle 80 %, a line at the limit.  All in dollars.
struct BudgetPicture {
  double limit = 0;
  double before = 0;
  double p10 = 0, p50 = 0, p90 = 0;
};
std::string budget_chart(const Alternative& alternative, const BudgetPicture& budget,
                         std::size_t policy);

}  // namespace routesim
