#include "study/traffic_fit_arrivals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/json_reader.h"
#include "fare/check.h"
#include "study/traffic_fit_play.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

using fare::Duration;
using Json = nlohmann::ordered_json;

constexpr std::size_t kWindowsMin = 10;
constexpr double kHour = 3'600;
constexpr double kStateShareMin = 0.02;   // Of the time, in either of two states.
constexpr double kStateSecondsMax = 1e9;  // As read_arrivals() has it.
constexpr double kTicks[] = {60, 30, 10, 5, 3, 2, 1, 0.5, 0.1};

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

std::vector<double> gaps_of(const std::vector<Duration>& at) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < at.size(); ++i) gaps.push_back(seconds(at[i] - at[i - 1]));
  return gaps;
}

// How many instants each window has.  Windows without one are only counted: a trace may have
// billions of them.
struct Counts {
  std::size_t windows() const { return some.size() + none; }

  std::vector<double> some;
  std::size_t none = 0;
};

Counts counts_of(const std::vector<Duration>& at, double window) {
  const double span = seconds(at.back() - at.front());
  const auto windows = static_cast<std::size_t>(span / window);
  Counts counts;
  std::size_t last = windows;
  for (const Duration instant : at) {
    const auto place = static_cast<std::size_t>(seconds(instant - at.front()) / window);
    if (place >= windows) break;
    if (place != last) counts.some.push_back(0);
    ++counts.some.back();
    last = place;
  }
  counts.none = windows - counts.some.size();
  return counts;
}

struct Moments {
  double mean = 0;
  double variance = 0;
  double third = 0;  // Central.
};

// Of the values and so many zeros.
Moments moments_of(const std::vector<double>& values, std::size_t zeros = 0) {
  Moments moments;
  const auto none = static_cast<double>(zeros);
  const double n = static_cast<double>(values.size()) + none;
  moments.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (const double value : values) {
    const double off = value - moments.mean;
    moments.variance += off * off / (n - 1);
    moments.third += off * off * off / n;
  }
  moments.variance += none * moments.mean * moments.mean / (n - 1);
  moments.third -= none * moments.mean * moments.mean * moments.mean / n;
  return moments;
}

// Significant digits enough for a scenario that a person reads.
double rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

// The mean of fits over replications.
void add(Burstiness& sum, const Burstiness& one, double share) {
  sum.per_second += one.per_second * share;
  sum.gap_cv += one.gap_cv * share;
  for (std::size_t i = 0; i < sum.dispersion.size(); ++i) {
    if (!one.dispersion[i]) continue;
    sum.dispersion[i] = sum.dispersion[i].value_or(0) + *one.dispersion[i] * share;
  }
}

void judge(const Burstiness& trace, ArrivalCandidate& candidate) {
  const auto miss = [&](double simulated, double real, std::string name) {
    const double off = real > 0 ? std::abs(simulated / real - 1) : 0;
    if (off <= candidate.worst_miss && !candidate.worst.empty()) return;
    candidate.worst_miss = off;
    candidate.worst = std::move(name);
  };
  miss(candidate.simulated.gap_cv, trace.gap_cv, "CV of gaps");
  for (std::size_t i = 0; i < kDispersionSeconds.size(); ++i) {
    if (!trace.dispersion[i]) continue;
    miss(candidate.simulated.dispersion[i].value_or(0), *trace.dispersion[i],
         fmt::format("index of dispersion at {} s", kDispersionSeconds[i]));
  }
}

// Lengths matter to when requests come only where sessions follow from them.
TrafficModel model_of(const Json& arrivals, const Json& source) {
  Json traffic = source.is_null() ? Json{{"input_tokens", 1}, {"output_tokens", 1}} : source;
  traffic["arrivals"] = arrivals;
  fare::Problems problems("fit");
  const fare::JsonDocument document(traffic.dump(), problems);
  auto model = read_traffic(document.root());
  FARE_CHECK(problems.empty());
  return std::move(*model);
}

class Trial {
 public:
  Trial(const ArrivalQuestion& question, const TrafficFitOptions& options)
      : question_(question),
        gaps_(gaps_of(question.at)),
        span_(question.at.back() - question.at.front()),
        source_(question.source_json.empty() ? Json() : Json::parse(question.source_json)),
        options_(options) {
    const double per_second = static_cast<double>(question.starts.size()) / seconds(span_);
    base_ = {{"per_second", rounded(per_second)}, {"hours", rounded(seconds(span_) / kHour)}};
  }

  // Simulates a process as often as asked and measures it as the trace was.
  ArrivalCandidate run(std::string name, const Json& process) const {
    Json json = process;
    json.update(base_);
    if (question_.tick) json["tick_seconds"] = *question_.tick;
    ArrivalCandidate candidate;
    candidate.name = std::move(name);
    candidate.json = json.dump();
    const TrafficModel model = model_of(json, source_);
    std::vector<double> gaps;
    std::uint32_t used = 0;
    std::vector<Burstiness> all;
    for (std::uint32_t i = 0; i < options_.replications; ++i) {
      std::vector<Duration> at = instants_of(model, i);
      if (at.size() < 3 || at.front() == at.back()) continue;
      all.push_back(burstiness(at));
      const std::vector<double> more = gaps_of(at);
      if (used++ < 3) gaps.insert(gaps.end(), more.begin(), more.end());
    }
    for (const Burstiness& one : all) {
      add(candidate.simulated, one, 1 / static_cast<double>(all.size()));
    }
    candidate.gap_distance = gaps.empty() ? 1 : distance(gaps_, gaps);
    judge(question_.trace, candidate);
    return candidate;
  }

 private:
  // Up to the end of the recording, where sessions are cut off there too.
  std::vector<Duration> instants_of(const TrafficModel& model, std::uint32_t replication) const {
    std::vector<Duration> at;
    if (model.sessions) {
      at = play(model, options_.seed + replication, 1, false).at;
      std::erase_if(at, [&](Duration instant) { return instant > span_; });
      return at;
    }
    TrafficSource source(model, options_.seed, replication);
    for (Arrival arrival; source.next(arrival);) at.push_back(arrival.at);
    return at;
  }

  const ArrivalQuestion& question_;
  std::vector<double> gaps_;
  Duration span_;
  Json source_;
  TrafficFitOptions options_;
  Json base_;
};

// The rate of each hour of a day or week in the trace; a run starts where the trace did.  Hours
// that it does not reach have the mean rate.
Json hours_of(const std::vector<Duration>& at, std::size_t hours) {
  const double span = seconds(at.back() - at.front()) / kHour;
  std::vector<double> counts(hours);
  std::vector<double> times(hours);
  for (const Duration instant : at) {
    ++counts[static_cast<std::size_t>(seconds(instant - at.front()) / kHour) % hours];
  }
  for (std::size_t hour = 0; static_cast<double>(hour) < span; ++hour) {
    times[hour % hours] += std::min(1.0, span - static_cast<double>(hour));
  }
  Json weights = Json::array();
  const double mean = static_cast<double>(at.size()) / span;
  for (std::size_t i = 0; i < hours; ++i) {
    const double weight = times[i] > 0 ? counts[i] / times[i] / mean : 1;
    weights.push_back(std::round(weight * 1e4) / 1e4);
  }
  return weights;
}

// 1 - (1 - e^-x) / x: how much of a slow spread shows in a window of x time constants.
double shown(double x) { return x < 1e-6 ? x / 2 : 1 + std::expm1(-x) / x; }

// Two states: index(t) = 1 + spread * shown(leaving * t), where a tick has more than the 1 (`calm`,
// measured without states).  `leaving` is searched on a grid, the spread is the geometric mean of
// what the windows ask for.
std::optional<Json> two_states(const std::vector<Duration>& at, const Burstiness& trace,
                               const Burstiness& calm, double tick) {
  const double span = seconds(at.back() - at.front());
  double best = std::numeric_limits<double>::infinity();
  double leaving = 0;
  double spread = 0;
  for (double constant = 0.5; constant <= span / 4; constant *= 1.05) {
    std::vector<double> logs;
    for (std::size_t i = 0; i < kDispersionSeconds.size(); ++i) {
      const double window = kDispersionSeconds[i];
      if (!trace.dispersion[i] || !calm.dispersion[i] || window <= tick) continue;
      const double excess = *trace.dispersion[i] - *calm.dispersion[i];
      if (excess > 0.02) logs.push_back(std::log(excess / shown(window / constant)));
    }
    if (logs.empty()) return std::nullopt;
    const double mean =
        std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(logs.size());
    double off = 0;
    for (const double log : logs) off += (log - mean) * (log - mean);
    if (off >= best) continue;
    best = off;
    leaving = 1 / constant;
    spread = std::exp(mean);
  }
  if (leaving == 0) return std::nullopt;
  // spread = 2 variance of the rate / (mean rate * leaving).
  const double rate = trace.per_second;
  const double variance = spread * rate * leaving / 2;
  const double window = std::max(10.0, tick);
  const Counts in_windows = counts_of(at, window);
  const Moments counts = moments_of(in_windows.some, in_windows.none);
  const double third = counts.third - 3 * counts.variance + 2 * counts.mean;  // Of the rate's part.
  const double skewness = third / std::pow(variance * window * window, 1.5);
  const double greatest =
      rate * rate / (rate * rate + variance);  // Else the calm rate is negative.
  if (greatest < kStateShareMin) return std::nullopt;
  const double share = std::clamp((1 - skewness / std::sqrt(4 + skewness * skewness)) / 2,
                                  kStateShareMin, std::min(1 - kStateShareMin, greatest));
  const double high = rate + std::sqrt(variance * (1 - share) / share);
  const double low = std::max(0.0, rate - std::sqrt(variance * share / (1 - share)));
  const auto state = [&](double weight, double mean) {
    return Json{{"weight", rounded(weight / rate)}, {"mean_seconds", rounded(mean)}};
  };
  // The shares of time are as the means; 1 / mean_low + 1 / mean_high = leaving.
  if (1 / (leaving * std::min(share, 1 - share)) > kStateSecondsMax) return std::nullopt;
  return Json::array({state(low, 1 / (leaving * share)), state(high, 1 / (leaving * (1 - share)))});
}

}  // namespace

Burstiness burstiness(const std::vector<Duration>& at) {
  FARE_CHECK(at.size() >= 3);
  FARE_CHECK(at.front() < at.back());
  Burstiness result;
  const Moments gaps = moments_of(gaps_of(at));
  result.per_second = static_cast<double>(at.size()) / seconds(at.back() - at.front());
  result.gap_cv = std::sqrt(gaps.variance) / gaps.mean;
  for (std::size_t i = 0; i < kDispersionSeconds.size(); ++i) {
    const Counts counts = counts_of(at, kDispersionSeconds[i]);
    if (counts.windows() < kWindowsMin) continue;
    const Moments moments = moments_of(counts.some, counts.none);
    if (moments.mean > 0) result.dispersion[i] = moments.variance / moments.mean;
  }
  return result;
}

double distance(std::vector<double> a, std::vector<double> b) {
  FARE_CHECK(!a.empty());
  FARE_CHECK(!b.empty());
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double greatest = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    greatest = std::max(greatest, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                           static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return greatest;
}

std::optional<double> tick_of(const std::vector<Duration>& at) {
  for (const double tick : kTicks) {
    std::size_t hits = 0;
    for (const Duration instant : at) {
      const double ticks = seconds(instant) / tick;
      if (std::abs(ticks - std::round(ticks)) <= 0.01) ++hits;
    }
    if (10 * hits >= 9 * at.size()) return tick;
  }
  return std::nullopt;
}

std::vector<ArrivalCandidate> fit_arrivals(const ArrivalQuestion& question,
                                           const TrafficFitOptions& options) {
  const Trial trial(question, options);
  const std::vector<Duration>& at = question.starts;
  const Burstiness starts = burstiness(at);
  const double days = seconds(at.back() - at.front()) / (24 * kHour);
  std::vector<ArrivalCandidate> all;
  all.push_back(trial.run("poisson", {{"process", "poisson"}}));
  if (days >= 2) {
    all.push_back(trial.run("hours", {{"process", "poisson"}, {"hour_weights", hours_of(at, 24)}}));
  }
  if (days >= 6.5) {
    all.push_back(trial.run("week", {{"process", "poisson"}, {"hour_weights", hours_of(at, 168)}}));
  }
  const double cv = std::clamp(starts.gap_cv, GapLaw::kCvMin, GapLaw::kCvMax);
  for (const char* const kind : {"gamma", "weibull"}) {
    all.push_back(trial.run(kind, {{"process", kind}, {"cv", rounded(cv)}}));
    if (cv != starts.gap_cv) all.back().cut = Cut{starts.gap_cv, cv};
  }
  // What starts alone would show without states; with sessions that is not what was just measured.
  Burstiness calm = all.front().simulated;
  if (!question.source_json.empty()) {
    const ArrivalQuestion alone{at, at, starts, question.tick, ""};
    calm = Trial(alone, options).run("poisson", {{"process", "poisson"}}).simulated;
  }
  if (const auto states = two_states(at, starts, calm, question.tick.value_or(0))) {
    all.push_back(trial.run("mmpp", {{"process", "mmpp"}, {"states", *states}}));
  }
  return all;
}

}  // namespace routesim
