#include "study/deferral.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

double area(const std::vector<DeferralPoint>& curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    sum +=
        (curve[i].share - curve[i - 1].share) * (curve[i].recovered + curve[i - 1].recovered) / 2;
  }
  return sum;
}

// Where the curve first reaches `level`.
double crossing(const std::vector<DeferralPoint>& curve, double level) {
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (curve[i].recovered < level) continue;
    const DeferralPoint& from = curve[i - 1];
    const double rise = curve[i].recovered - from.recovered;
    if (!(rise > 0)) return curve[i].share;
    return from.share + (curve[i].share - from.share) * (level - from.recovered) / rise;
  }
  return 1;
}

double area_by_deciles(std::span<const PairOutcome> sorted, double weak, double gap) {
  const std::size_t rows = sorted.size();
  std::vector<DeferralPoint> curve{{0, 0}};
  for (std::size_t k = 10; k-- > 0;) {
    // The score at quantile k / 10, as by linear interpolation between order statistics.
    const double place = static_cast<double>(k) / 10 * static_cast<double>(rows - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto score = [&](std::size_t rank) { return sorted[rows - 1 - rank].score; };
    const double part = place - static_cast<double>(below);
    const double threshold =
        score(below) + part * (score(std::min(below + 1, rows - 1)) - score(below));
    double quality = 0, strong = 0;
    for (const PairOutcome& row : sorted) {
      quality += row.score >= threshold ? row.strong : row.weak;
      strong += row.score >= threshold ? 1 : 0;
    }
    curve.push_back({strong / static_cast<double>(rows), (quality - weak) / gap});
  }
  return area(curve);
}

}  // namespace

Deferral deferral(std::span<const PairOutcome> rows) {
  FARE_CHECK(!rows.empty());
  std::vector<PairOutcome> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const PairOutcome& a, const PairOutcome& b) { return a.score > b.score; });
  double weak = 0, strong = 0;
  for (const PairOutcome& row : rows) {
    weak += row.weak;
    strong += row.strong;
  }
  const double gap = strong - weak;
  const auto count = static_cast<double>(rows.size());
  Deferral result;
  result.curve.push_back({0, 0});
  double gained = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    const double score = sorted[i].score;
    for (; i < sorted.size() && sorted[i].score == score; ++i) {
      gained += sorted[i].strong - sorted[i].weak;
    }
    result.curve.push_back({static_cast<double>(i) / count, gap > 0 ? gained / gap : 0});
  }
  result.apgr = area(result.curve);
  result.cpt50 = crossing(result.curve, 0.5);
  result.cpt80 = crossing(result.curve, 0.8);
  if (gap > 0) result.apgr_deciles = area_by_deciles(sorted, weak, gap);
  return result;
}

}  // namespace routesim
