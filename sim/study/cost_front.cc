#include "study/cost_front.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fare/check.h"

namespace routesim {
namespace {

constexpr int kLambdas = 81;         // Of the sweep,
constexpr double kDecadesBelow = 4;  // from the mean cost of the dearest target times 10^-4
constexpr double kDecadesAbove = 4;  // to 10^4.
constexpr double kEnough = 0.95;

CostPoint mean_point(std::span<const MenuRow> rows, const std::vector<std::uint32_t>& choice,
                     std::span<const std::uint32_t> weight) {
  CostPoint sum{0, 0};
  double all = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double times = weight.empty() ? 1 : static_cast<double>(weight[i]);
    if (times == 0) continue;
    sum.dollars += times * rows[i].dollars[choice[i]];
    sum.quality += times * rows[i].quality[choice[i]];
    all += times;
  }
  return {sum.dollars / all, sum.quality / all};
}

// The upper hull of the points, cut off where it no longer rises.
std::vector<CostPoint> rising_hull(std::vector<CostPoint> points) {
  std::sort(points.begin(), points.end(), [](const CostPoint& a, const CostPoint& b) {
    return a.dollars != b.dollars ? a.dollars < b.dollars : a.quality > b.quality;
  });
  std::vector<CostPoint> hull;
  for (const CostPoint& point : points) {
    if (!hull.empty() && point.quality <= hull.back().quality) continue;
    while (hull.size() >= 2) {
      const CostPoint& a = hull[hull.size() - 2];
      const CostPoint& b = hull.back();
      const double turn = (b.dollars - a.dollars) * (point.quality - a.quality) -
                          (b.quality - a.quality) * (point.dollars - a.dollars);
      if (turn < 0) break;
      hull.pop_back();
    }
    if (!hull.empty() && hull.back().dollars == point.dollars) hull.pop_back();
    hull.push_back(point);
  }
  return hull;
}

double height(const std::vector<CostPoint>& hull, double dollars) {
  if (dollars <= hull.front().dollars) return hull.front().quality;
  for (std::size_t i = 1; i < hull.size(); ++i) {
    if (dollars > hull[i].dollars) continue;
    const double part = (dollars - hull[i - 1].dollars) / (hull[i].dollars - hull[i - 1].dollars);
    return hull[i - 1].quality + part * (hull[i].quality - hull[i - 1].quality);
  }
  return hull.back().quality;
}

// The area below the hull between two costs, flat beyond its ends.
double area(const std::vector<CostPoint>& hull, double from, double to) {
  std::vector<double> at{from, to};
  for (const CostPoint& point : hull) {
    if (point.dollars > from && point.dollars < to) at.push_back(point.dollars);
  }
  std::sort(at.begin(), at.end());
  double sum = 0;
  for (std::size_t i = 1; i < at.size(); ++i) {
    sum += (at[i] - at[i - 1]) * (height(hull, at[i]) + height(hull, at[i - 1])) / 2;
  }
  return sum;
}

double least_cost(const std::vector<CostPoint>& hull, double quality) {
  if (hull.front().quality >= quality) return hull.front().dollars;
  for (std::size_t i = 1; i < hull.size(); ++i) {
    if (hull[i].quality < quality) continue;
    const double part = (quality - hull[i - 1].quality) / (hull[i].quality - hull[i - 1].quality);
    return hull[i - 1].dollars + part * (hull[i].dollars - hull[i - 1].dollars);
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace

Choices single_targets(std::span<const MenuRow> rows) {
  FARE_CHECK(!rows.empty());
  Choices choices;
  for (std::uint32_t t = 0; t < rows[0].quality.size(); ++t) {
    choices.emplace_back(rows.size(), t);
  }
  return choices;
}

std::vector<CostPoint> single_points(std::span<const MenuRow> rows,
                                     std::span<const std::uint32_t> weight) {
  std::vector<CostPoint> points;
  for (const auto& choice : single_targets(rows)) {
    points.push_back(mean_point(rows, choice, weight));
  }
  return points;
}

Choices sweep(std::span<const MenuRow> rows) {
  double dearest = 0;
  for (const CostPoint& point : single_points(rows, {})) dearest = std::max(dearest, point.dollars);
  Choices choices(kLambdas + 2, std::vector<std::uint32_t>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const MenuRow& row = rows[i];
    const auto take = [&](std::size_t step, double lambda, double price_weight) {
      std::size_t best = 0;
      const auto value = [&](std::size_t t) {
        return lambda * row.forecast_quality[t] - price_weight * row.forecast_dollars[t];
      };
      for (std::size_t t = 1; t < row.forecast_quality.size(); ++t) {
        if (value(t) > value(best)) best = t;
      }
      choices[step][i] = static_cast<std::uint32_t>(best);
    };
    for (int k = 0; k < kLambdas; ++k) {
      const double decade =
          -kDecadesBelow + (kDecadesBelow + kDecadesAbove) * k / static_cast<double>(kLambdas - 1);
      take(static_cast<std::size_t>(k), dearest * std::pow(10.0, decade), 1);
    }
    take(kLambdas, 0, 1);      // The cheapest,
    take(kLambdas + 1, 1, 0);  // and the best, whatever it costs.
  }
  return choices;
}

CostFront cost_front(std::span<const MenuRow> rows, const Choices& choices,
                     std::span<const std::uint32_t> weight) {
  const std::vector<CostPoint> singles = single_points(rows, weight);
  CostPoint cheapest = singles[0], dearest = singles[0], best = singles[0];
  for (const CostPoint& one : singles) {
    if (one.dollars < cheapest.dollars) cheapest = one;
    if (one.dollars > dearest.dollars) dearest = one;
    if (one.quality > best.quality) best = one;
  }
  std::vector<CostPoint> points;
  for (const auto& choice : choices) points.push_back(mean_point(rows, choice, weight));
  const std::vector<CostPoint> own = rising_hull(points);
  points.push_back(cheapest);
  CostFront front;
  front.hull = rising_hull(std::move(points));
  const double range = dearest.dollars - cheapest.dollars;
  front.aiq = range > 0 ? area(front.hull, cheapest.dollars, dearest.dollars) / range
                        : front.hull.back().quality;
  const double end = std::max(dearest.dollars, own.back().dollars);
  front.aiq_published = end > own.front().dollars ? area(own, own.front().dollars, end) / end : 0;
  front.cost_at_95 =
      best.dollars > 0 ? least_cost(front.hull, kEnough * best.quality) / best.dollars : 0;
  return front;
}

}  // namespace routesim
