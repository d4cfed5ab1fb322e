#include "study/latency_fit_hosted.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/json_reader.h"
#include "base/random.h"
#include "fare/check.h"

namespace routesim {
namespace {

using Point = Distribution::Point;

constexpr double kBackground = 1e-6;
constexpr std::array<double, 18> kPer1k = {0,  1,  2,  3,  4,  5,  6,  7,  8,
                                           10, 12, 14, 16, 20, 25, 30, 50, 100};
constexpr std::size_t kNoBin = kHostedBins;

double to_ms(fare::Duration time) { return static_cast<double>(time.count()) / 1e6; }

bool is_in(const LatencyRow& row, std::uint32_t model, SessionHalf half) {
  if (row.model != model) return false;
  return half == SessionHalf::kAll || (row.session % 2 == 0) == (half == SessionHalf::kEven);
}

// One row in milliseconds and thousands of tokens.
struct Item {
  double total;
  double first;  // Below 0: not recorded.
  double later_tokens;
  double input_k;
};

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
  Estimate(const std::vector<Item>& items, const Bins& first, const Bins& later, double per_1k)
      : items_(items), first_bins_(first), later_bins_(later) {
    first_.fill(1.0 / kHostedBins);
    later_.fill(1.0 / kHostedBins);
    for (std::size_t b = 0; b < kHostedBins; ++b) width_[b] = first.width(b);
    bin_.resize(items.size() * kHostedBins);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const double known = items[i].total - per_1k * items[i].input_k;
      for (std::size_t b = 0; b < kHostedBins; ++b) {
        const double rest = known - later.middle(b) * items[i].later_tokens;
        bin_[i * kHostedBins + b] = static_cast<std::uint8_t>(first.find(rest));
      }
      fix_recorded(i, per_1k);
    }
  }

  // Returns the log-likelihood of the masses before.
  double round() {
    Masses first{};
    Masses later{};
    Masses density;
    for (std::size_t b = 0; b < kHostedBins; ++b) density[b] = first_[b] / width_[b];
    double likelihood = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const std::uint8_t* const bin = &bin_[i * kHostedBins];
      double sum = kBackground / items_[i].total;
      for (std::size_t b = 0; b < kHostedBins; ++b) {
        if (bin[b] != kNoBin) sum += later_[b] * density[bin[b]];
      }
      likelihood += std::log(sum);
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
    return likelihood;
  }

  std::vector<Point> first_quantiles() const { return quantiles(first_bins_, first_); }
  std::vector<Point> later_quantiles() const { return quantiles(later_bins_, later_); }

 private:
  // Where the first token was recorded, one pair of bins explains the row.
  void fix_recorded(std::size_t i, double per_1k) {
    const Item& item = items_[i];
    if (item.first < 0) return;
    const std::size_t first = first_bins_.find(item.first - per_1k * item.input_k);
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

  const std::vector<Item>& items_;
  Bins first_bins_;
  Bins later_bins_;
  Masses first_{};
  Masses later_{};
  Masses width_{};
  std::vector<std::uint8_t> bin_;  // By row and bin of the later tokens: that of the first.
};

std::vector<Item> items_of(const LatencyRows& rows, std::uint32_t model, SessionHalf half) {
  std::vector<Item> items;
  for (const LatencyRow& row : rows.rows) {
    if (!is_in(row, model, half) || row.total.count() == 0) continue;
    items.push_back({.total = to_ms(row.total),
                     .first = row.first_token == kUnrecorded ? -1 : to_ms(row.first_token),
                     .later_tokens = static_cast<double>(row.output.count() - 1),
                     .input_k = static_cast<double>(row.input.count()) / 1'000});
  }
  return items;
}

// The times per later token that any row could have had, but for the shortest answers, whose time
// is mostly that of the first token.
Bins later_bins(const std::vector<Item>& items) {
  constexpr double kShort = 16;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Item& item : items) {
    if (item.later_tokens < 1) continue;
    const double most = item.total / item.later_tokens;
    low = std::min(low, most / 4);
    if (item.later_tokens >= kShort) high = std::max(high, most);
  }
  return {low, std::max(high, low * 16) * 1.01};
}

Bins first_bins(const std::vector<Item>& items) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Item& item : items) {
    const double first = item.first > 0 ? item.first : item.total;
    low = std::min(low, first / 16);
    high = std::max(high, item.total);
  }
  return {low, high * 1.01};
}

double quantile_of(std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double above = sorted[std::min(below + 1, sorted.size() - 1)];
  return sorted[below] + (above - sorted[below]) * (place - static_cast<double>(below));
}

Distribution read_back(const std::vector<Point>& quantiles) {
  fare::Problems problems("fit");
  const fare::JsonDocument document(distribution_json(quantiles), problems);
  const auto distribution = read_distribution(document.root());
  FARE_CHECK(problems.empty());
  return *distribution;
}

HostedErrors compare(const std::vector<Item>& items, const HostedFit& fit, std::uint64_t seed,
                     std::uint64_t draws) {
  HostedErrors errors;
  errors.rows = items.size();
  if (items.empty()) return errors;
  const Distribution first = read_back(fit.first_token_ms);
  const Distribution later = read_back(fit.ms_per_output_token);
  const fare::RandomKey first_key(seed, 0, fare::Purpose::kFirstToken);
  const fare::RandomKey later_key(seed, 0, fare::Purpose::kOutputTime);
  std::vector<double> measured;
  std::vector<double> drawn;
  for (std::size_t i = 0; i < items.size(); ++i) {
    measured.push_back(items[i].total);
    fare::RandomStream first_luck(first_key, i);
    fare::RandomStream later_luck(later_key, i);
    for (std::uint64_t draw = 0; draw < draws; ++draw) {
      drawn.push_back(first.sample(first_luck) +
                      fit.first_token_ms_per_1k_input * items[i].input_k +
                      later.sample(later_luck) * items[i].later_tokens);
    }
  }
  std::sort(measured.begin(), measured.end());
  std::sort(drawn.begin(), drawn.end());
  for (std::size_t k = 0; k < HostedErrors::kShares.size(); ++k) {
    errors.measured_ms[k] = quantile_of(measured, HostedErrors::kShares[k]);
    errors.drawn_ms[k] = quantile_of(drawn, HostedErrors::kShares[k]);
    errors.error[k] = errors.drawn_ms[k] / errors.measured_ms[k] - 1;
  }
  return errors;
}

// How far the fit's median and 90 % quantile are off in each quarter of the rows by input.
double distance_by_input(std::vector<Item> items, const HostedFit& fit) {
  constexpr std::size_t kParts = 4;
  constexpr std::uint64_t kDraws = 20;
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.input_k < b.input_k; });
  double distance = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto at = [&](std::size_t k) {
      return items.begin() + static_cast<std::ptrdiff_t>(k * items.size() / kParts);
    };
    const HostedErrors errors = compare({at(part), at(part + 1)}, fit, 0, kDraws);
    for (std::size_t k = 0; k < 2; ++k) {
      distance += std::abs(std::log(errors.drawn_ms[k] / errors.measured_ms[k]));
    }
  }
  return distance;
}

}  // namespace

std::string distribution_json(const std::vector<Point>& quantiles) {
  std::string text = "{\"kind\": \"empirical\", \"quantiles\": [";
  for (std::size_t i = 0; i < quantiles.size(); ++i) {
    text += fmt::format("{}[{:.9g}, {:.6g}]", i == 0 ? "" : ", ", quantiles[i].probability,
                        quantiles[i].value);
  }
  return text + "]}";
}

std::optional<HostedFit> fit_hosted(const LatencyRows& rows, std::uint32_t model,
                                    SessionHalf half) {
  const std::vector<Item> items = items_of(rows, model, half);
  const auto is_long = [](const Item& item) { return item.later_tokens >= 1; };
  if (items.size() < kHostedRowsMin || std::none_of(items.begin(), items.end(), is_long)) {
    return std::nullopt;
  }
  HostedFit best;
  double least = std::numeric_limits<double>::infinity();
  for (const double per_1k : kPer1k) {
    Estimate estimate(items, first_bins(items), later_bins(items), per_1k);
    for (std::size_t round = 0; round < kHostedRounds; ++round) estimate.round();
    HostedFit fit{
        .model = model,
        .rows = items.size(),
        .with_first_token = static_cast<std::size_t>(std::count_if(
            items.begin(), items.end(), [](const Item& item) { return item.first >= 0; })),
        .first_token_ms_per_1k_input = per_1k,
        .first_token_ms = estimate.first_quantiles(),
        .ms_per_output_token = estimate.later_quantiles()};
    const double distance = distance_by_input(items, fit);
    if (distance >= least) continue;
    least = distance;
    best = std::move(fit);
  }
  return best;
}

HostedErrors compare_hosted(const LatencyRows& rows, const HostedFit& fit, SessionHalf half,
                            std::uint64_t seed) {
  return compare(items_of(rows, fit.model, half), fit, seed, kHostedDraws);
}

}  // namespace routesim
