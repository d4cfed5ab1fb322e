#include "study/latency_fit_histograms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace routesim {
namespace {

using Point = Distribution::Point;

constexpr double kBackground = 1e-6;
constexpr std::size_t kNoBin = kHostedBins;

// Bins whose edges rise by equal ratios.
class Bins {
 public:
  Bins(double low, double high)
      : log_low_(std::log(low)),
        step_((std::log(high) - log_low_) / static_cast<double>(kHostedBins)) {}

  std::size_t find(double value) const {
    if (!(value > 0)) return kNoBin;
    const double place = (std::log(value) - log_low_) / step_;
    if (place < 0 || place >= static_cast<double>(kHostedBins)) return kNoBin;
    return static_cast<std::size_t>(place);
  }
  double edge(std::size_t bin) const {
    return std::exp(log_low_ + step_ * static_cast<double>(bin));
  }
  double middle(std::size_t bin) const {
    return std::exp(log_low_ + step_ * (static_cast<double>(bin) + 0.5));
  }
  double width(std::size_t bin) const { return edge(bin + 1) - edge(bin); }

 private:
  double log_low_;
  double step_;
};

using Masses = std::array<double, kHostedBins>;

void normalise(Masses& masses) {
  double sum = 0;
  for (const double mass : masses) sum += mass;
  for (double& mass : masses) mass /= sum;
}

// The masses of both distributions, given the effect of the input.
class Estimate {
 public:
  Estimate(std::span<const HostedItem> items, const Bins& first, const Bins& later,
           const InputEffect& input)
      : items_(items), first_bins_(first), later_bins_(later) {
    first_.fill(1.0 / kHostedBins);
    later_.fill(1.0 / kHostedBins);
    for (std::size_t b = 0; b < kHostedBins; ++b) width_[b] = first.width(b);
    bin_.resize(items.size() * kHostedBins);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const double known = items[i].total - input(items[i]);
      for (std::size_t b = 0; b < kHostedBins; ++b) {
        const double rest = known - later.middle(b) * items[i].later_tokens;
        bin_[i * kHostedBins + b] = static_cast<std::uint8_t>(first.find(rest));
      }
      fix_recorded(i, input);
    }
  }

  void round() {
    Masses first{};
    Masses later{};
    Masses density;
    for (std::size_t b = 0; b < kHostedBins; ++b) density[b] = first_[b] / width_[b];
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const std::uint8_t* const bin = &bin_[i * kHostedBins];
      double sum = kBackground / items_[i].total;
      for (std::size_t b = 0; b < kHostedBins; ++b) {
        if (bin[b] != kNoBin) sum += later_[b] * density[bin[b]];
      }
      for (std::size_t b = 0; b < kHostedBins; ++b) {
        if (bin[b] == kNoBin) continue;
        const double share = later_[b] * density[bin[b]] / sum;
        later[b] += share;
        first[bin[b]] += share;
      }
    }
    first_ = first;
    later_ = later;
    normalise(first_);
    normalise(later_);
  }

  std::vector<Point> first_quantiles() const { return quantiles(first_bins_, first_); }
  std::vector<Point> later_quantiles() const { return quantiles(later_bins_, later_); }

 private:
  // Where the first token was recorded, one pair of bins explains the row.
  void fix_recorded(std::size_t i, const InputEffect& input) {
    const HostedItem& item = items_[i];
    if (item.first < 0) return;
    const std::size_t first = first_bins_.find(item.first - input(item));
    const std::size_t later = item.later_tokens > 0
                                  ? later_bins_.find((item.total - item.first) / item.later_tokens)
                                  : kNoBin;
    for (std::size_t b = 0; b < kHostedBins; ++b) {
      const bool is_it = later == kNoBin ? item.later_tokens == 0 : b == later;
      bin_[i * kHostedBins + b] = static_cast<std::uint8_t>(is_it ? first : kNoBin);
    }
  }

  // Probabilities must rise, so bins between others keep a little mass.
  static std::vector<Point> quantiles(const Bins& bins, Masses masses) {
    constexpr double kLeast = 1e-6;
    std::size_t begin = 0;
    std::size_t end = kHostedBins;
    while (begin + 1 < end && masses[begin] < kLeast) masses[begin++] = 0;
    while (end - 1 > begin && masses[end - 1] < kLeast) masses[--end] = 0;
    for (std::size_t b = begin; b < end; ++b) masses[b] = std::max(masses[b], kLeast);
    normalise(masses);
    std::vector<Point> points = {{0, bins.edge(begin)}};
    double sum = 0;
    for (std::size_t b = begin; b < end; ++b) {
      points.push_back({b + 1 == end ? 1 : sum += masses[b], bins.edge(b + 1)});
    }
    return points;
  }

  std::span<const HostedItem> items_;
  Bins first_bins_;
  Bins later_bins_;
  Masses first_{};
  Masses later_{};
  Masses width_{};
  std::vector<std::uint8_t> bin_;  // By row and bin of the later tokens: that of the first.
};

// The times per later token that any row could have had, but for the shortest answers, whose time
// is mostly that of the first token.
Bins later_bins(std::span<const HostedItem> items) {
  constexpr double kShort = 16;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const HostedItem& item : items) {
    if (item.later_tokens < 1) continue;
    const double most = item.total / item.later_tokens;
    low = std::min(low, most / 4);
    if (item.later_tokens >= kShort) high = std::max(high, most);
  }
  return {low, std::max(high, low * 16) * 1.01};
}

Bins first_bins(std::span<const HostedItem> items) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const HostedItem& item : items) {
    const double first = item.first > 0 ? item.first : item.total;
    low = std::min(low, first / 16);
    high = std::max(high, item.total);
  }
  return {low, high * 1.01};
}

}  // namespace

HostedHistograms hosted_histograms(std::span<const HostedItem> items, const InputEffect& input) {
  Estimate estimate(items, first_bins(items), later_bins(items), input);
  for (std::size_t round = 0; round < kHostedRounds; ++round) estimate.round();
  return {estimate.first_quantiles(), estimate.later_quantiles()};
}

}  // namespace routesim
