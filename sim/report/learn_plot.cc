// The pictures of learn_text.h: standalone SVG, light background, 640 x 420.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "report/learn_text.h"
#include "report/markup.h"

namespace routesim {
namespace {

constexpr double kWidth = 640, kHeight = 420;
constexpr double kLeft = 70, kRight = 150, kTop = 40, kBottom = 55;
constexpr std::array<std::string_view, 8> kColours = {"#1b6ca8", "#d1495b", "#3f8f5f", "#8d6a9f",
                                                      "#c98a1b", "#5c6b73", "#00798c", "#7a4419"};

struct Point {
  double x, y;
};

struct Line {
  std::string name;
  std::vector<Point> points;
  bool dots = false;
};

struct Axes {
  std::string title, x, y;
  double x_max = 1, y_min = 0, y_max = 1;
};

std::string dots_of(const Line& line, const std::vector<Point>& places, std::string_view colour) {
  std::string svg;
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", places[i].x,
                       places[i].y, colour);
  }
  return svg;
}

std::string path_of(const std::vector<Point>& places, std::string_view colour) {
  std::string path;
  for (std::size_t i = 0; i < places.size(); ++i) {
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : " L", places[i].x, places[i].y);
  }
  return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"/>\n", path,
                     colour);
}

// A curve of thousands of points needs no more than this.
std::vector<Point> thinned(const std::vector<Point>& points) {
  constexpr std::size_t kMax = 400;
  if (points.size() <= kMax) return points;
  std::vector<Point> kept;
  for (std::size_t i = 0; i < kMax; ++i)
    kept.push_back(points[i * (points.size() - 1) / (kMax - 1)]);
  return kept;
}

std::string grid(const Axes& axes) {
  const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
  std::string svg;
  for (int i = 0; i <= 5; ++i) {
    const double part = i / 5.0;
    const double x = kLeft + part * width, y = kTop + (1 - part) * height;
    svg += fmt::format(
        "<path d=\"M{0:.1f} {1} V{2}\" stroke=\"#ddd\"/>\n"
        "<path d=\"M{3} {4:.1f} H{5}\" stroke=\"#ddd\"/>\n",
        x, kTop, kTop + height, kLeft, y, kLeft + width);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.3g}</text>\n", x,
                       kTop + height + 18, part * axes.x_max);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>\n", kLeft - 8,
                       y + 4, axes.y_min + part * (axes.y_max - axes.y_min));
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                     kLeft + width / 2, kHeight - 14, escaped(axes.x).html);
  svg += fmt::format(
      "<text transform=\"translate(18 {}) rotate(-90)\" "
      "text-anchor=\"middle\">{}</text>\n",
      kTop + height / 2, escaped(axes.y).html);
  return svg;
}

std::string picture(const Axes& axes, const std::vector<Line>& lines) {
  const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
      "<text x=\"{3}\" y=\"22\" font-size=\"15\">{2}</text>\n",
      kWidth, kHeight, escaped(axes.title).html, kLeft);
  svg += grid(axes);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view colour = kColours[i % kColours.size()];
    Line line = lines[i];
    line.points = thinned(line.points);
    std::vector<Point> places;
    for (const Point& point : line.points) {
      const double x = std::clamp(point.x / axes.x_max, 0.0, 1.0);
      const double y = std::clamp((point.y - axes.y_min) / (axes.y_max - axes.y_min), -0.05, 1.05);
      places.push_back({kLeft + x * width, kTop + (1 - y) * height});
    }
    svg += line.dots ? dots_of(line, places, colour) : path_of(places, colour);
    svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"{}\">{}</text>\n", kWidth - kRight + 12,
                       kTop + 14 + 18 * static_cast<double>(i), colour, escaped(line.name).html);
  }
  return svg + "</svg>\n";
}

}  // namespace

std::string deferral_svg(const LearnReport& report) {
  std::vector<Line> lines;
  double highest = 1;
  for (const RouterResult& one : report.routers) {
    if (one.curve.empty()) continue;
    Line line{one.name, {}};
    for (const DeferralPoint& point : one.curve) {
      line.points.push_back({point.share, point.recovered});
      highest = std::max(highest, point.recovered);
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return "";
  return picture(
      {"Gap recovered by share sent to the strong model",
       "share of requests sent to " + report.strong, "performance gap recovered", 1, 0, highest},
      lines);
}

std::string calibration_svg(const LearnReport& report) {
  std::vector<Line> lines{{"perfect", {{0, 0}, {1, 1}}}};
  for (const ProbabilityResult& one : report.probabilities) {
    Line line{one.target.empty() ? "all" : one.target, {}, true};
    for (const auto& bin : one.bins) line.points.push_back({bin.forecast, bin.truth});
    if (!line.points.empty()) lines.push_back(std::move(line));
  }
  if (lines.size() == 1) return "";
  return picture({"Calibration", "forecast", "what came true"}, lines);
}

std::string front_svg(const LearnReport& report) {
  std::vector<Line> lines;
  double dearest = 0, least = 1, most = 0;
  for (const RouterResult& one : report.routers) {
    if (one.hull.empty()) continue;
    Line line{one.name, {}};
    for (const CostPoint& point : one.hull) {
      line.points.push_back({point.dollars * 1'000, point.quality});
      dearest = std::max(dearest, point.dollars * 1'000);
      least = std::min(least, point.quality);
      most = std::max(most, point.quality);
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty() || !(dearest > 0)) return "";
  return picture({"What money buys", "dollars for 1,000 requests", "mean quality", dearest,
                  least - 0.02, most + 0.02},
                 lines);
}

}  // namespace routesim
