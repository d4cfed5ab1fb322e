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

std::string axis_time(double milliseconds, double end, double step) {
  if (milliseconds == 0) return "0";
  const double scale = end >= 5'400 ? 1'000 : 1;
  step /= scale;
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

double half_of(const Estimate& estimate) { return estimate.half_width.value_or(0); }
double low_of(const Estimate& estimate) { return estimate.mean - half_of(estimate); }
double high_of(const Estimate& estimate) { return estimate.mean + half_of(estimate); }

// The interval as a line with ends; nothing where it has no length.
std::string whisker(const std::string& style, const Scale& scale, double low, double high, int y,
                    int reach) {
  if (!(high > low)) return "";
  return horizontal(style, scale.place(low), scale.place(high), y) +
         vertical(style, scale.place(low), y - reach, y + reach) +
         vertical(style, scale.place(high), y - reach, y + reach);
}

std::string axis_label(double value, const Scale& scale, AxisUnit unit) {
  const double step = step_for(scale.high - scale.low);
  switch (unit) {
    case AxisUnit::kDollars:
      return axis_dollars(value, step);
    case AxisUnit::kMilliseconds:
      return axis_time(value, scale.high, step);
    case AxisUnit::kPercent:
      if (value == 0) return "0 %";
      return fmt::format("{:.{}f} %", value * 100, decimals_of(step * 100));
    case AxisUnit::kPlain:
      break;
  }
  return fmt::format("{:.{}f}", value, decimals_of(step));
}

Scale scale_of_difference(const Estimate& difference) {
  const double low = std::min(0.0, low_of(difference));
  const double high = std::max(0.0, high_of(difference));
  const double length = high - low;
  if (!(length > 0) || !std::isfinite(length)) return {-1, 1};
  return {low - kMargin * length, high + kMargin * length};
}

constexpr std::string_view kDot = "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z";
constexpr std::string_view kCircle = "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z";
constexpr std::string_view kDiamond = "M0,-8L8,0L0,8L-8,0z";
constexpr std::string_view kSquare = "M-6,-6H6V6H-6z";

}  // namespace

Scale scale_from_zero(const std::vector<Estimate>& estimates) {
  double end = 0;
  for (const Estimate& one : estimates) end = std::max(end, high_of(one));
  if (!(end > 0) || !std::isfinite(end)) return {};
  return {0, end * kOvershoot};
}

Scale scale_around(const std::vector<Estimate>& estimates, bool with_zero) {
  if (estimates.empty()) return {};
  double low = with_zero ? 0 : low_of(estimates.front());
  double high = with_zero ? 0 : high_of(estimates.front());
  for (const Estimate& one : estimates) {
    low = std::min(low, low_of(one));
    high = std::max(high, high_of(one));
  }
  double margin = kMargin / 2 * (high - low);
  if (!std::isfinite(margin)) return {};
  if (!(margin > 0)) margin = low == 0 ? 1 : std::abs(low) * kMargin;
  return {low - margin, high + margin};
}

std::string scale_axis(const Scale& scale, AxisUnit unit) {
  std::string content;
  for (const double tick : ticks(scale.low, scale.high)) {
    const double x = scale.place(tick);
    // Labels at the ends stay within the picture.
    const std::string_view style = x < 0.05 ? "tick first" : x > 0.95 ? "tick last" : "tick";
    content += words(style, x, 14, axis_label(tick, scale, unit));
  }
  return fmt::format(
      "<svg class=\"axis\" aria-hidden=\"true\" width=\"100%\" height=\"18\">\n{}"
      "</svg>\n",
      content);
}

std::string stacked_bar(const Alternative& alternative, const std::vector<BarSegment>& segments,
                        const std::optional<std::array<double, 2>>& interval) {
  constexpr int kHeight = 40;
  std::string content =
      fmt::format("<rect class=\"track\" width=\"100%\" height=\"{}\"/>\n", kHeight);
  double from = 0;
  for (const BarSegment& segment : segments) {
    content += fmt::format(
        "<rect class=\"segment fill-{}\" x=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title>"
        "</rect>\n",
        segment.fill, percent(from), percent(segment.length), kHeight, escaped(segment.tip).html);
    if (segment.length >= kLabelledLength && segment.fill <= kFills) {
      content += words(fmt::format("key ink-{}", segment.fill), from + segment.length / 2,
                       kHeight / 2 + 5, fmt::format("{}", segment.fill));
    }
    from += segment.length;
  }
  if (interval) {
    // A halo first: it lies on segments of any colour.
    for (const char* style : {"halo", "whisker"}) {
      content += whisker(style, {}, (*interval)[0], (*interval)[1], kHeight / 2, kHeight / 2 - 4);
    }
  }
  return picture(alternative, "bar", kHeight, content);
}

std::string difference_chart(const Alternative& alternative, const Estimate& difference) {
  constexpr int kTop = 22;
  constexpr int kMiddle = 48;
  constexpr int kBottom = 74;
  const Scale scale = scale_of_difference(difference);
  const double zero = scale.place(0);
  std::string content;
  const bool empty = difference.mean == 0 && half_of(difference) == 0;
  for (const double tick : empty ? std::vector<double>{0} : ticks(scale.low, scale.high)) {
    const double x = scale.place(tick);
    if (x < 0.06 || x > 0.94) continue;  // Its label would be cut off.
    content += vertical("grid", x, kTop, kBottom);
    content += words("tick", x, kBottom + 18, axis_label(tick, scale, AxisUnit::kDollars));
  }
  content += horizontal("stem", std::min(zero, scale.place(difference.mean)),
                        std::max(zero, scale.place(difference.mean)), kMiddle);
  content += vertical("zero", zero, kTop - 16, kBottom);
  content += fmt::format(
      "<svg class=\"marker\" x=\"{}\"><text class=\"less\" x=\"-8\" y=\"14\">"
      "cheaper</text><text class=\"more\" x=\"8\" y=\"14\">dearer</text></svg>\n",
      percent(zero));
  content += whisker("interval", scale, low_of(difference), high_of(difference), kMiddle, 12);
  content += marker("dot", scale.place(difference.mean), kMiddle, kDot);
  return picture(alternative, "difference", kBottom + 24, content);
}

std::string interval_chart(const Alternative& alternative, const Estimate& estimate,
                           const Scale& scale, std::string_view style) {
  constexpr int kHeight = 24;
  constexpr int kMiddle = kHeight / 2;
  std::string content = horizontal("grid", 0, 1, kMiddle);
  for (const double tick : ticks(scale.low, scale.high)) {
    content += vertical("grid", scale.place(tick), 0, kHeight);
  }
  if (scale.low <= 0 && scale.high >= 0) content += vertical("zero", scale.place(0), 0, kHeight);
  content += whisker(fmt::format("range {}", style), scale, low_of(estimate), high_of(estimate),
                     kMiddle, 8);
  content += marker(fmt::format("point {}", style), scale.place(estimate.mean), kMiddle, kDot);
  return picture(alternative, "interval-chart", kHeight, content);
}

std::string range_chart(const Alternative& alternative,
                        const std::array<std::optional<Estimate>, 3>& milliseconds,
                        const Scale& scale, std::size_t policy) {
  constexpr int kHeight = 34;
  constexpr int kMiddle = kHeight / 2;
  constexpr std::array<std::string_view, 3> kShapes = {kCircle, kDiamond, kSquare};
  std::string content;
  for (const double tick : ticks(scale.low, scale.high)) {
    content += vertical("grid", scale.place(tick), 0, kHeight);
  }
  if (milliseconds.front() && milliseconds.back()) {
    content += horizontal(fmt::format("range faint policy-{}", policy),
                          scale.place(milliseconds.front()->mean),
                          scale.place(milliseconds.back()->mean), kMiddle);
  }
  // The slowest first: where markers overlap, the median lies on top.
  for (std::size_t i = kShapes.size(); i-- > 0;) {
    if (!milliseconds[i]) continue;
    content += whisker(fmt::format("range policy-{}", policy), scale, low_of(*milliseconds[i]),
                       high_of(*milliseconds[i]), kMiddle, 13);
    content += marker(fmt::format("point policy-{}", policy), scale.place(milliseconds[i]->mean),
                      kMiddle, kShapes[i]);
  }
  return picture(alternative, "range-chart", kHeight, content);
}

std::string share_bar(const Alternative& alternative, double share, std::size_t policy) {
  constexpr int kHeight = 14;
  return picture(alternative, "share-bar", kHeight,
                 fmt::format("<rect class=\"track\" width=\"100%\" height=\"{0}\"/>\n"
                             "<rect class=\"policy-{1}\" width=\"{2}\" height=\"{0}\"/>\n",
                             kHeight, policy, percent(share)));
}

std::string budget_chart(const Alternative& alternative, const BudgetPicture& budget,
                         std::size_t policy) {
  constexpr int kHeight = 30;
  constexpr int kMiddle = kHeight / 2;
  const Scale scale = scale_from_zero({{budget.limit, {}}, {budget.p90, {}}, {budget.before, {}}});
  const auto bar = [&](std::string_view style, double to) {
    return fmt::format("<rect class=\"{}\" y=\"5\" width=\"{}\" height=\"{}\"/>\n", style,
                       percent(scale.place(to)), kHeight - 10);
  };
  std::string content = bar("track", budget.limit) + bar("before", budget.before);
  content += vertical("limit", scale.place(budget.limit), 0, kHeight);
  content +=
      whisker(fmt::format("range policy-{}", policy), scale, budget.p10, budget.p90, kMiddle, 9);
  content += marker(fmt::format("point policy-{}", policy), scale.place(budget.p50), kMiddle, kDot);
  return picture(alternative, "budget-chart", kHeight, content);
}

}  // namespace routesim
