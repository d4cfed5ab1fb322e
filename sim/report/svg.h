#pragma once

#include <array>        // std::array.
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

struct BarSegment {
  std::size_t fill = 1;  // 1 to kFills; also the number written on it, if there is room.
  double length = 0;     // Of the scale's 1.
  std::string tip;       // Shown when pointed at.
};

// One bar of segments side by side, on a track as long as the scale.
std::string stacked_bar(const Alternative& alternative, const std::vector<BarSegment>& segments);

// A difference in dollars as a dot with its interval, against zero.
std::string difference_chart(const Alternative& alternative, const Estimate& difference);

// p50, p95 and p99 as a circle, a diamond and a square on a line that starts at 0 and ends a little
// beyond `end`.  `policy` is 0 or 1 and selects the colour.  Missing ones are left out.
std::string range_chart(const Alternative& alternative,
                        const std::array<std::optional<double>, 3>& milliseconds, double end,
                        std::size_t policy);

// The labels below range charts with the same `end`.
std::string range_axis(double end);

}  // namespace routesim
