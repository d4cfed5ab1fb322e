#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/markup.h"

namespace routesim {
namespace {

// The least length of a segment that has room for its number, on a telephone.
constexpr double kLabelledLength = 0.035;

constexpr double kWanted = 5;        // Ticks on an axis, about.
constexpr double kMargin = 0.2;      // On both sides of a difference, for the words beside zero.
constexpr double kOvershoot = 1.08;  // Of a range axis, for the last marker.

// Fixed decimals, so that the bytes do not depend on how a number is printed shortest.
std::string percent(double share) {
  return fmt::format("{:.3f}%", std::clamp(share, 0.0, 1.0) * 100);
}

std::string picture(const Alternative& alternative, std::string_view style, int height,
                    const std::string& content) {
  return fmt::format(
      "<svg class=\"{0}\" role=\"img\" aria-labelledby=\"{1}-title {1}-text\" width=\"100%\" "
      "height=\"{2}\">\n<title id=\"{1}-title\">{3}</title>\n<desc id=\"{1}-text\">{4}</desc>\n"
      "{5}</svg>\n",
      style, alternative.id, height, escaped(alternative.title).html,
      escaped(alternative.description).html, content);
}

std::string vertical(std::string_view style, double x, int top, int bottom) {
  return fmt::format("<line class=\"{0}\" x1=\"{1}\" y1=\"{2}\" x2=\"{1}\" y2=\"{3}\"/>\n", style,
                     percent(x), top, bottom);
}

std::string horizontal(std::string_view style, double from, double to, int y) {
  return fmt::format("<line class=\"{0}\" x1=\"{1}\" y1=\"{3}\" x2=\"{2}\" y2=\"{3}\"/>\n", style,
                     percent(from), percent(to), y);
}

std::string words(std::string_view style, double x, int y, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", style, percent(x), y,
                     escaped(text).html);
}

// A path drawn around a place: paths know no percentages, nested pictures do.
std::string marker(std::string_view style, double x, int y, std::string_view path) {
  return fmt::format(
      "<svg class=\"marker\" x=\"{}\" y=\"{}\"><path class=\"{}\" d=\"{}\"/></svg>\n", percent(x),
      y, style, path);
}

// 1, 2 or 5 times a power of ten, so that about kWanted of it make `length`.  Without logarithms,
// whose last bit differs between C libraries.
double step_for(double length) {
  const double least = length / kWanted;
  if (!(least > 0) || !std::isfinite(least)) return 1;
  double power = 1;
  while (power * 10 <= least) power *= 10;
  while (power > least) power /= 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (power * factor >= least) return power * factor;
  }
  return power * 10;
}

// As many decimals as tell multiples of the step apart.
int decimals_of(double step) {
  int decimals = 0;
  for (; step < 0.999 && decimals < 12; step *= 10) ++decimals;
  return decimals;
}

// "$250", "-$1.5M": short, because labels of an axis stand close to each other.
std::string axis_dollars(double value, double step) {
  constexpr std::array<std::string_view, 5> kSuffixes = {"", "k", "M", "B", "T"};
  std::size_t thousands = 0;
  double magnitude = std::abs(value);
  while (thousands + 1 < kSuffixes.size() && magnitude >= 1'000) {
    magnitude /= 1'000;
    step /= 1'000;
    ++thousands;
  }
  const std::string number = magnitude < 1e6 ? fmt::format("{:.{}f}", magnitude, decimals_of(step))
                                             : fmt::format("{:.3g}", magnitude);
  return fmt::format("{}${}{}", value < 0 ? "-" : "", value == 0 ? "0" : number,
                     kSuffixes[thousands]);
}

std::string axis_time(double milliseconds, double end) {
  if (milliseconds == 0) return "0";
  const double scale = end >= 5'000 ? 1'000 : 1;
  const double step = step_for(end * kOvershoot) / scale;
  const std::string unit = scale > 1 ? "s" : "ms";
  const double value = milliseconds / scale;
  return value < 1e6 ? fmt::format("{:.{}f} {}", value, decimals_of(step), unit)
                     : fmt::format("{:.3g} {}", value, unit);
}

// The multiples of the step within the range.
std::vector<double> ticks(double low, double high) {
  std::vector<double> places;
  const double step = step_for(high - low);
  for (double i = std::ceil(low / step); i * step <= high; ++i) places.push_back(i * step);
  return places;
}

// The places of a difference chart.
struct Axis {
  double low;
  double high;

  double place(double value) const { return (value - low) / (high - low); }
};

Axis axis_around(const Estimate& difference) {
  const double half = difference.half_width.value_or(0);
  const double low = std::min(0.0, difference.mean - half);
  const double high = std::max(0.0, difference.mean + half);
  const double length = high - low;
  if (!(length > 0) || !std::isfinite(length)) return {-1, 1};
  return {low - kMargin * length, high + kMargin * length};
}

constexpr std::string_view kDot = "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z";
constexpr std::string_view kCircle = "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z";
constexpr std::string_view kDiamond = "M0,-8L8,0L0,8L-8,0z";
constexpr std::string_view kSquare = "M-6,-6H6V6H-6z";

}  // namespace

std::string stacked_bar(const Alternative& alternative, const std::vector<BarSegment>& segments) {
  constexpr int kHeight = 40;
  std::string content =
      fmt::format("<rect class=\"track\" width=\"100%\" height=\"{}\"/>\n", kHeight);
  double from = 0;
  for (const BarSegment& segment : segments) {
    content += fmt::format(
        "<rect class=\"segment fill-{}\" x=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title>"
        "</rect>\n",
        segment.fill, percent(from), percent(segment.length), kHeight, escaped(segment.tip).html);
    if (segment.length >= kLabelledLength) {
      content += words(fmt::format("key ink-{}", segment.fill), from + segment.length / 2,
                       kHeight / 2 + 5, fmt::format("{}", segment.fill));
    }
    from += segment.length;
  }
  return picture(alternative, "bar", kHeight, content);
}

std::string difference_chart(const Alternative& alternative, const Estimate& difference) {
  constexpr int kTop = 22;
  constexpr int kMiddle = 48;
  constexpr int kBottom = 74;
  const Axis axis = axis_around(difference);
  const double half = difference.half_width.value_or(0);
  const double zero = axis.place(0);
  std::string content;
  const bool empty = difference.mean == 0 && half == 0;
  for (const double tick : empty ? std::vector<double>{0} : ticks(axis.low, axis.high)) {
    const double x = axis.place(tick);
    if (x < 0.06 || x > 0.94) continue;  // Its label would be cut off.
    content += vertical("grid", x, kTop, kBottom);
    content += words("tick", x, kBottom + 18, axis_dollars(tick, step_for(axis.high - axis.low)));
  }
  content += horizontal("stem", std::min(zero, axis.place(difference.mean)),
                        std::max(zero, axis.place(difference.mean)), kMiddle);
  content += vertical("zero", zero, kTop - 16, kBottom);
  content += fmt::format(
      "<svg class=\"marker\" x=\"{}\"><text class=\"less\" x=\"-8\" y=\"14\">"
      "cheaper</text><text class=\"more\" x=\"8\" y=\"14\">dearer</text></svg>\n",
      percent(zero));
  if (half > 0) {
    const double low = axis.place(difference.mean - half);
    const double high = axis.place(difference.mean + half);
    content += horizontal("interval", low, high, kMiddle);
    content += vertical("interval", low, kMiddle - 12, kMiddle + 12);
    content += vertical("interval", high, kMiddle - 12, kMiddle + 12);
  }
  content += marker("dot", axis.place(difference.mean), kMiddle, kDot);
  return picture(alternative, "difference", kBottom + 24, content);
}

std::string range_chart(const Alternative& alternative,
                        const std::array<std::optional<double>, 3>& milliseconds, double end,
                        std::size_t policy) {
  constexpr int kHeight = 34;
  constexpr std::array<std::string_view, 3> kShapes = {kCircle, kDiamond, kSquare};
  const double length = end > 0 ? end * kOvershoot : 1;
  std::string content;
  for (const double tick : ticks(0, length)) content += vertical("grid", tick / length, 0, kHeight);
  if (milliseconds.front() && milliseconds.back()) {
    content += horizontal(fmt::format("range policy-{}", policy), *milliseconds.front() / length,
                          *milliseconds.back() / length, kHeight / 2);
  }
  // The slowest first: where markers overlap, the median lies on top.
  for (std::size_t i = kShapes.size(); i-- > 0;) {
    if (!milliseconds[i]) continue;
    content += marker(fmt::format("point policy-{}", policy), *milliseconds[i] / length,
                      kHeight / 2, kShapes[i]);
  }
  return picture(alternative, "range-chart", kHeight, content);
}

std::string range_axis(double end) {
  const double length = end > 0 ? end * kOvershoot : 1;
  std::string content;
  for (const double tick : ticks(0, length)) {
    const double x = tick / length;
    // Labels at the ends stay within the picture.
    const std::string_view style = tick == 0 ? "tick first" : x > 0.95 ? "tick last" : "tick";
    content += words(style, x, 14, axis_time(tick, end));
  }
  return fmt::format(
      "<svg class=\"axis\" aria-hidden=\"true\" width=\"100%\" height=\"18\">\n{}"
      "</svg>\n",
      content);
}

}  // namespace routesim
