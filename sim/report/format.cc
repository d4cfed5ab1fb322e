#include "report/format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace routesim {
namespace {

constexpr std::size_t kWidth = 78;
constexpr double kRounding = 1e-12;

constexpr std::array<std::string_view, kMetricsMax> kLabels = {"cost",
                                                               "cost per answer",
                                                               "refused",
                                                               "failed",
                                                               "first token p50",
                                                               "first token p95",
                                                               "first token p99",
                                                               "end to end p50",
                                                               "end to end p95",
                                                               "end to end p99",
                                                               "quality",
                                                               "above the floor",
                                                               "good answers",
                                                               "hallucinated",
                                                               "injections obeyed",
                                                               "outcome unknown",
                                                               "of it for scores",
                                                               "mean time of a score",
                                                               "scored too low",
                                                               "given at stage 1",
                                                               "given at stage 2",
                                                               "given later",
                                                               "evaluated: passed",
                                                               "evaluated: good",
                                                               "evaluated: error",
                                                               "evaluation cost"};

enum class Unit { kDollars, kShare, kMilliseconds, kPlain };

Unit unit_of(Metric metric) {
  switch (metric) {
    case Metric::kCost:
    case Metric::kCostPerAnswer:
    case Metric::kScoringCost:
    case Metric::kEvaluationCost:
      return Unit::kDollars;
    case Metric::kRefusedShare:
    case Metric::kFailedShare:
    case Metric::kAboveFloor:
    case Metric::kGoodShare:
    case Metric::kHallucinatedShare:
    case Metric::kObeyedShare:
    case Metric::kUnknownShare:
    case Metric::kRejectedShare:
    case Metric::kFirstStageShare:
    case Metric::kSecondStageShare:
    case Metric::kLaterStageShare:
    case Metric::kEvaluatedPassed:
    case Metric::kEvaluatedGood:
    case Metric::kEvaluationError:
      return Unit::kShare;
    case Metric::kQuality:
      return Unit::kPlain;
    default:
      return Unit::kMilliseconds;
  }
}

void separate_thousands(std::string& digits) {
  std::size_t end = digits.find('.');
  if (end == std::string::npos) end = digits.size();
  for (; end > 3; end -= 3) digits.insert(end - 3, ",");
}

// Decimals that leave at least three significant digits of a sum below a dollar.
int decimals_for(double magnitude) {
  if (magnitude >= 1 || magnitude == 0) return 2;
  return std::min(12, static_cast<int>(std::ceil(-std::log10(magnitude))) + 2);
}

// Whether the usual decimals would leave little or nothing of it.
bool is_tiny(double magnitude, double limit) { return magnitude > 0 && magnitude < limit; }

std::string magnitude_text(Unit unit, double magnitude) {
  switch (unit) {
    case Unit::kDollars: {
      std::string text = fmt::format("{:.{}f}", magnitude, decimals_for(magnitude));
      separate_thousands(text);
      return "$" + text;
    }
    case Unit::kShare:
      return fmt::format("{:.{}f} %", magnitude * 100, is_tiny(magnitude, 0.0001) ? 4 : 2);
    case Unit::kMilliseconds:
      return fmt::format("{:.{}f} ms", magnitude, magnitude < 10 ? 2 : 0);
    case Unit::kPlain:
      return fmt::format("{:.{}f}", magnitude, is_tiny(magnitude, 0.001) ? 6 : 4);
  }
  return "";
}

std::string percent_text(double share) { return fmt::format("{:.2f} %", std::abs(share) * 100); }

std::string compare_text(const Report& report) {
  const Comparison& comparison = *report.comparison;
  const std::string& a = report.policies[0].name;
  const std::string& b = report.policies[1].name;
  const std::string span = span_text(report.span);
  const fare::Cost difference = comparison.cost_difference_mean;
  const std::optional<Estimate>& estimate = comparison[Metric::kCost];
  if (estimate->mean == 0 && estimate->half_width.value_or(0) == 0) {
    return fmt::format("{} and {} cost exactly the same: {} in {}.", a, b,
                       dollars_text(report.policies[0].cost_mean), span);
  }
  const bool cheaper = difference < fare::Cost(0);
  std::string text = fmt::format("{} costs {} {} than {} in {}", b,
                                 dollars_text(cheaper ? -difference : difference),
                                 cheaper ? "less" : "more", a, span);
  if (comparison.relative_cost) {
    text +=
        fmt::format(" ({}{})", cheaper ? "-" : "+", percent_text(comparison.relative_cost->mean));
  }
  if (!estimate->half_width) return text + ". One replication: no interval.";
  if (*estimate->half_width == 0) return text + ", exactly: all replications agree.";
  text += fmt::format(", 95 % interval {}", interval_text(Metric::kCost, *estimate));
  return text + (estimate->excludes_zero() ? "." : ": that could be chance.");
}

}  // namespace

std::string_view label(Metric metric) { return kLabels[static_cast<std::size_t>(metric)]; }

bool is_share(Metric metric) {
  return unit_of(metric) == Unit::kShare || unit_of(metric) == Unit::kPlain;
}

std::string dollars_text(double dollars) {
  return (dollars < 0 ? "-" : "") + magnitude_text(Unit::kDollars, std::abs(dollars));
}

std::string dollars_text(fare::Cost cost) {
  const fare::Cost magnitude = cost < fare::Cost(0) ? -cost : cost;
  const int decimals = decimals_for(static_cast<double>(magnitude.count()) * 1e-12);
  return (cost < fare::Cost(0) ? "-$" : "$") + fare::to_usd_rounded(magnitude, decimals);
}

std::string value_text(Metric metric, double value) {
  return (value < 0 ? "-" : "") + magnitude_text(unit_of(metric), std::abs(value));
}

std::string difference_text(Metric metric, double value) {
  if (value == 0) return "0";
  return (value < 0 ? "-" : "+") + magnitude_text(unit_of(metric), std::abs(value));
}

std::string interval_text(Metric metric, const Estimate& estimate) {
  if (!estimate.half_width) return "";
  // Below the last digits of the mean it is rounding, and no spread.
  if (*estimate.half_width <= kRounding * std::abs(estimate.mean)) return "± 0";
  return "± " + value_text(metric, *estimate.half_width);
}

std::string count_text(std::uint64_t count) {
  std::string digits = fmt::format("{}", count);
  separate_thousands(digits);
  return digits;
}

std::string span_text(fare::Duration span) {
  const std::int64_t seconds = span.count() / 1'000'000'000;
  if (seconds % 3'600 == 0 && seconds > 0) return fmt::format("{} h", seconds / 3'600);
  if (seconds >= 3'600) return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
  if (seconds >= 60) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} s", seconds);
}

std::string instant_text(fare::Instant at) {
  std::string text = fare::to_rfc3339(at).substr(0, 16);
  text[10] = ' ';
  return text + " UTC";
}

std::vector<std::string> policy_labels(const Report& report) {
  std::vector<std::string> labels;
  for (const PolicyReport& policy : report.policies) labels.push_back(policy.name);
  if (labels.size() == 2 && labels[0] == labels[1]) {
    labels[0] += " (a)";
    labels[1] += " (b)";
  }
  return labels;
}

std::string answer_text(const Report& report) {
  if (report.comparison) return compare_text(report);
  const PolicyReport& policy = report.policies.front();
  const Estimate& cost = *policy[Metric::kCost];
  std::string text = fmt::format("{} costs {} in {}", policy.name, dollars_text(policy.cost_mean),
                                 span_text(report.span));
  if (!cost.half_width) return text + ". One replication: no interval.";
  if (*cost.half_width == 0) return text + ", exactly: all replications agree.";
  return text + fmt::format(", 95 % interval {}.", interval_text(Metric::kCost, cost));
}

std::string wrapped(const std::string& text, const std::string& indent) {
  std::string out;
  std::string line = indent;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = std::min(text.find(' ', begin), text.size());
    // An interval stays in one piece.
    constexpr std::string_view kPlusMinus = "± ";
    if (std::string_view(text).substr(begin).starts_with(kPlusMinus)) {
      end = std::min(text.find(' ', begin + kPlusMinus.size()), text.size());
    }
    const std::string word = text.substr(begin, end - begin);
    if (line.size() + 1 + word.size() > kWidth && line.size() > indent.size()) {
      out += line + "\n";
      line = indent;
    }
    if (line.size() > indent.size()) line += ' ';
    line += word;
    begin = end + 1;
  }
  return out + line + "\n";
}

}  // namespace routesim
