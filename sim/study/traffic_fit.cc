#include "study/traffic_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/json_reader.h"
#include "fare/check.h"
#include "study/traffic_fit_arrivals.h"
#include "study/traffic_fit_laws.h"
#include "study/traffic_fit_play.h"
#include "study/traffic_fit_sessions.h"
#include "traffic/traffic.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr std::size_t kRequestsMin = 20;
constexpr std::size_t kClassRequestsMin = 50;  // Fewer have the lengths of all.
constexpr std::size_t kTenantsListed = 1'000;
constexpr std::uint32_t kPlaysMax = 5;
constexpr double kPerSecondMin = 1e-6;  // All these as read_arrivals() has them.
constexpr double kPerSecondMax = 1e6;
constexpr double kHoursMin = 1e-6;
constexpr double kHoursMax = 87'600;

std::vector<double> lengths_of(const Trace& trace, fare::Tokens TraceRow::*member,
                               std::optional<std::uint32_t> request_class) {
  std::vector<double> values;
  for (const TraceRow& row : trace.rows) {
    if (request_class && row.request_class != *request_class) continue;
    values.push_back(static_cast<double>((row.*member).count()));
  }
  return values;
}

double log_correlation(const Trace& trace) {
  double sums[2] = {};
  double squares[2] = {};
  double product = 0;
  for (const TraceRow& row : trace.rows) {
    const double logs[2] = {std::log(static_cast<double>(row.input.count())),
                            std::log(static_cast<double>(row.output.count()))};
    for (int i = 0; i < 2; ++i) {
      sums[i] += logs[i];
      squares[i] += logs[i] * logs[i];
    }
    product += logs[0] * logs[1];
  }
  const auto n = static_cast<double>(trace.rows.size());
  const double spread =
      std::sqrt((squares[0] - sums[0] * sums[0] / n) * (squares[1] - sums[1] * sums[1] / n));
  return spread > 0 ? (product - sums[0] * sums[1] / n) / spread : 0;
}

// How many requests have each name; those without one are left to the mix.
std::vector<ShareFit> shares_of(const Trace& trace, const std::vector<std::string>& names,
                                std::uint32_t TraceRow::*member) {
  std::vector<ShareFit> shares;
  for (const std::string& name : names) shares.push_back({name, 0});
  for (const TraceRow& row : trace.rows) {
    if (row.*member != kUnnamed) ++shares[row.*member].requests;
  }
  return shares;
}

// The same of what a source draws names for: the starts of sessions, which keep theirs.
std::vector<ShareFit> shares_drawn(const Trace& trace, const Trace& opening,
                                   const std::vector<std::string>& names,
                                   std::uint32_t TraceRow::*member) {
  std::vector<ShareFit> shares = shares_of(opening, names, member);
  const bool are_named = std::any_of(shares.begin(), shares.end(),
                                     [](const ShareFit& one) { return one.requests > 0; });
  return are_named ? shares : shares_of(trace, names, member);
}

// `opening`: the rows whose prompts are new text as a whole.
Json classes_json(const Trace& trace, const Trace& opening, const TrafficFitOptions& options,
                  TrafficFit& fit) {
  const std::vector<ShareFit> shares =
      shares_drawn(trace, opening, trace.classes, &TraceRow::request_class);
  Json classes = Json::array();
  for (std::uint32_t i = 0; i < shares.size(); ++i) {
    const ShareFit& one = shares[i];
    Json json = {{"name", one.name}, {"share", one.requests}};
    const auto own = [&](const char* what, const Trace& from, fare::Tokens TraceRow::*member) {
      std::vector<double> lengths = lengths_of(from, member, i);
      if (lengths.size() < kClassRequestsMin) return;
      json[what] = fit_law(fmt::format("{} of {}", what, one.name), std::move(lengths),
                           LawKind::kCount, options, fit.lengths);
    };
    own("input_tokens", opening, &TraceRow::input);
    own("output_tokens", trace, &TraceRow::output);
    classes.push_back(std::move(json));
  }
  return classes;
}

// All of them, or, if they are very many, a Zipf law by least squares of logarithms.
Json tenants_json(const std::vector<ShareFit>& tenants) {
  Json list = Json::array();
  if (tenants.size() <= kTenantsListed) {
    for (const ShareFit& one : tenants)
      list.push_back({{"name", one.name}, {"share", one.requests}});
    return list;
  }
  std::vector<double> counts;
  for (const ShareFit& one : tenants) counts.push_back(static_cast<double>(one.requests));
  std::sort(counts.rbegin(), counts.rend());
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(counts.size());
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double rank = std::log(static_cast<double>(k + 1));
    const double count = std::log(std::max(counts[k], 0.5));
    x += rank;
    y += count;
    xx += rank * rank;
    xy += rank * count;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  return {{"count", counts.size()}, {"zipf_exponent", rounded(std::clamp(-slope, 0.0, 10.0))}};
}

SessionFit session_fit_of(const SessionSample& sample) {
  SessionFit fit;
  fit.sessions = sample.turns.size();
  fit.requests_mean =
      static_cast<double>(sample.input_tokens.size()) / static_cast<double>(fit.sessions);
  fit.requests_max =
      static_cast<std::uint64_t>(*std::max_element(sample.turns.begin(), sample.turns.end()));
  std::vector<double> gaps = sample.think_seconds;
  std::sort(gaps.begin(), gaps.end());
  if (!gaps.empty()) {
    fit.gap_p50_seconds = sorted_quantile(gaps, 0.5);
    fit.gap_p90_seconds = sorted_quantile(gaps, 0.9);
  }
  fit.is_source = can_be_source(sample);
  fit.context_cut = context_cut(sample);
  return fit;
}

// Plays the source's sessions and compares them with the recording.
void try_sessions(const SessionSample& recorded, bool by_blocks, const TrafficFitOptions& options,
                  TrafficFit& fit) {
  fare::Problems problems("fit");
  const fare::JsonDocument document(fit.traffic_json, problems);
  const auto model = read_traffic(document.root());
  FARE_CHECK(problems.empty());
  const Played played =
      play(*model, options.seed, std::min(options.replications, kPlaysMax), by_blocks);
  if (played.trace.calls.empty()) return;
  const SessionSample sample = sample_sessions(played.trace, by_blocks);
  fit.sessions->parts = compare_samples(recorded, sample);
  // Block by block, so of one replication only.
  if (by_blocks) fit.sessions->played_reuse = reuse_of(play(*model, options.seed, 1, true).trace);
}

Duration span_of(const Trace& trace) { return trace.rows.back().at - trace.rows.front().at; }

// Why a source cannot have so many requests in such a time, if so.
std::optional<std::string> extent_problem(std::size_t count, Duration span) {
  const double hours = static_cast<double>(span.count()) / 3.6e12;
  const double per_second = static_cast<double>(count) / static_cast<double>(span.count()) * 1e9;
  if (hours >= kHoursMin && hours <= kHoursMax && per_second >= kPerSecondMin &&
      per_second <= kPerSecondMax) {
    return std::nullopt;
  }
  return fmt::format(
      "must have {:g} to {:g} requests a second for {:g} to {} hours to fit a source, but has "
      "{:.6g} for {:.6g} hours",
      kPerSecondMin, kPerSecondMax, kHoursMin, kHoursMax, per_second, hours);
}

// Leaves the first row of each session; false if those are too few for a process of their own.
bool keep_first(Trace& trace) {
  std::set<std::uint32_t> seen;
  Trace first = trace;
  std::erase_if(first.rows, [&](const TraceRow& row) {
    return row.session != kUnnamed && !seen.insert(row.session).second;
  });
  const std::size_t count = first.rows.size();
  if (count < kRequestsMin || span_of(first) == Duration(0)) return false;
  if (extent_problem(count, span_of(trace)) || extent_problem(count, span_of(first))) return false;
  trace = std::move(first);
  return true;
}

std::size_t choose(const std::vector<ArrivalCandidate>& candidates, double good_enough) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].worst_miss <= good_enough) return i;
    if (candidates[i].worst_miss < candidates[best].worst_miss) best = i;
  }
  return best;
}

}  // namespace

fare::Expected<TrafficFit> fit_traffic(const Trace& trace, const TrafficFitOptions& options) {
  FARE_CHECK(options.replications >= 1);
  const std::size_t count = trace.rows.size();
  if (count < kRequestsMin || trace.rows.front().at == trace.rows.back().at) {
    return fare::fail(ErrorCode::kOutOfRange, trace.name,
                      fmt::format("must have at least {} requests at more than one instant to fit "
                                  "a source, but has {}",
                                  kRequestsMin, count));
  }
  if (const auto problem = extent_problem(count, span_of(trace))) {
    return fare::fail(ErrorCode::kOutOfRange, trace.name, *problem);
  }
  std::vector<Duration> at;
  for (const TraceRow& row : trace.rows) at.push_back(row.at);
  TrafficFit fit;
  fit.name = trace.name;
  fit.requests = count;
  fit.span_seconds = static_cast<double>((at.back() - at.front()).count()) / 1e9;
  fit.trace = burstiness(at);
  fit.tick_seconds = tick_of(at);
  fit.length_correlation = log_correlation(trace);
  fit.classes = shares_of(trace, trace.classes, &TraceRow::request_class);
  fit.tenants = shares_of(trace, trace.tenants, &TraceRow::tenant);
  const SessionSample sample = sample_sessions(trace);
  if (!trace.sessions.empty()) fit.sessions = session_fit_of(sample);
  Trace opening = trace;
  Json sessions;
  const bool is_source = fit.sessions && fit.sessions->is_source && keep_first(opening);
  if (is_source) sessions = fit_sessions(sample, options, fit.lengths);
  if (fit.sessions) fit.sessions->is_source = is_source;
  Json traffic = {{"arrivals", nullptr}};  // First to be read, and last to be known.
  const auto length = [&](const char* name, const Trace& from, fare::Tokens TraceRow::*member) {
    traffic[name] = fit_law(name, lengths_of(from, member, std::nullopt), LawKind::kCount, options,
                            fit.lengths);
  };
  length("input_tokens", opening, &TraceRow::input);
  length("output_tokens", trace, &TraceRow::output);
  if (!fit.classes.empty()) traffic["classes"] = classes_json(trace, opening, options, fit);
  if (!fit.tenants.empty()) {
    traffic["tenants"] =
        tenants_json(shares_drawn(trace, opening, trace.tenants, &TraceRow::tenant));
  }
  if (is_source) traffic["sessions"] = std::move(sessions);
  ArrivalQuestion question{
      at, {}, fit.trace, fit.tick_seconds, is_source ? traffic.dump() : std::string()};
  for (const TraceRow& row : opening.rows) question.starts.push_back(row.at);
  fit.candidates = fit_arrivals(question, options);
  fit.chosen = choose(fit.candidates, options.good_enough);
  traffic["arrivals"] = Json::parse(fit.candidates[fit.chosen].json);
  fit.traffic_json = traffic.dump(2);
  if (is_source) try_sessions(sample, false, options, fit);
  return fit;
}

fare::Expected<TrafficFit> fit_traffic(const PromptTrace& trace, const TrafficFitOptions& options) {
  FARE_CHECK(options.replications >= 1);
  if (trace.sessions.empty()) {
    return fare::fail(ErrorCode::kConflict, trace.name, "has no sessions to fit a source to");
  }
  const SessionSample sample = sample_sessions(trace, true);
  TrafficFit fit;
  fit.name = trace.name;
  fit.requests = trace.calls.size();
  fit.sessions = session_fit_of(sample);
  if (!fit.sessions->is_source) {
    return fare::fail(ErrorCode::kOutOfRange, trace.name,
                      "has no sessions as a source could have: some must have a second turn, none "
                      "more than 1,000, and no one may think for more than 1e6 seconds");
  }
  fit.sessions->has_answers = true;
  fit.sessions->reuse = reuse_of(trace);
  constexpr double kDay = 86'400;
  Json traffic = {{"arrivals",
                   {{"process", "poisson"},
                    {"per_second", rounded(static_cast<double>(fit.sessions->sessions) / kDay)},
                    {"hours", 24}}}};
  Json sessions = fit_sessions(sample, options, fit.lengths);
  traffic["input_tokens"] =
      fit_law("input_tokens", sample.first_tokens, LawKind::kCount, options, fit.lengths);
  traffic["output_tokens"] =
      fit_law("output_tokens", sample.output_tokens, LawKind::kCount, options, fit.lengths);
  traffic["sessions"] = std::move(sessions);
  fit.traffic_json = traffic.dump(2);
  try_sessions(sample, true, options, fit);
  return fit;
}

}  // namespace routesim
