#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint64_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/expected.h"         // Expected.
#include "study/cut.h"             // Cut.
#include "traffic/prompt_trace.h"  // PromptTrace.
#include "traffic/trace.h"         // Trace.

namespace routesim {

// How irregular arrivals are.  The index of dispersion of counts is their variance over their mean
// in windows of one length: 1 for a Poisson process at every length.  Gaps alone do not tell bursts
// of minutes, counts do (Gusella, "Characterizing the variability of arrival processes with indexes
// of dispersion", 1991).
inline constexpr std::array<int, 3> kDispersionSeconds = {1, 10, 60};

struct Burstiness {
  double per_second = 0;
  double gap_cv = 0;                                  // Standard deviation over mean.
  std::array<std::optional<double>, 3> dispersion{};  // Where there are at least ten windows.
};

// REQUIRES: ascending; at least two instants after one another.
Burstiness burstiness(const std::vector<fare::Duration>& at);

// The greatest difference of two empirical distribution functions (Kolmogorov-Smirnov).
// REQUIRES: neither is empty.  O(n log n).
double distance(std::vector<double> a, std::vector<double> b);

// A process that may have made the arrivals, tried out.
struct ArrivalCandidate {
  std::string name;         // "poisson", "hours", "week", "gamma", "weibull", "mmpp".
  std::string json;         // The scenario's "arrivals".
  Burstiness simulated;     // Mean over replications of the trace's length.
  double gap_distance = 0;  // To the gaps of the trace.
  double worst_miss = 0;    // Of the cv and the indices: the greatest |simulated / trace - 1|,
  std::string worst;        // and which it is: "index of dispersion at 60 s".
  std::optional<Cut> cut;   // Of the cv of gaps, where the law has no such one.
};

// A length of requests, fitted.
struct LengthFit {
  std::string name;  // "input_tokens", "output_tokens"; with a class "input_tokens of CLASS".
  double mean = 0;
  double mu = 0;  // Of ln(tokens).
  double sigma = 0;
  double lognormal_distance = 0;  // Of the log-normal law, cut off at the least and greatest.
  bool is_lognormal = false;      // Or quantiles, as the log-normal law misses.
  double distance = 0;            // Of what was chosen, drawn and rounded as a run does.
  double simulated_mean = 0;
  std::vector<Cut> cuts;  // What was fitted is what they left.
};

struct ShareFit {
  std::string name;
  std::uint64_t requests = 0;
};

// A part of sessions, in the recording and as the fitted source plays it.
struct SessionPart {
  std::string name;
  double recorded = 0;  // Means.
  double played = 0;
  std::optional<double> distance;  // Kolmogorov-Smirnov, where it is more than a mean.
};

// What a trace tells of sessions.  They become part of the source, each start leading to its
// further turns, if some have two and what they are is within a SessionModel's bounds.
struct SessionFit {
  std::uint64_t sessions = 0;
  double requests_mean = 0;  // A session.
  std::uint64_t requests_max = 0;
  double gap_p50_seconds = 0;  // From request to request of one session, answers included; of
  double gap_p90_seconds = 0;  // prompts from an answer to the next request.
  bool is_source = false;
  std::vector<SessionPart> parts;  // If it is; the goodness of the fit.
  bool has_answers = false;        // Times to think are without the answers' times.
  std::optional<double> reuse;     // Share of the prompts' tokens that a cache without limits would
  double played_reuse = 0;         // have had; where the recording tells.
  std::optional<Cut> context_cut;  // Of the longest prompt: in the source a session ends before.
};

struct TrafficFit {
  std::string name;  // The trace's.
  std::uint64_t requests = 0;
  double span_seconds = 0;
  std::optional<double> tick_seconds;  // To which the log cuts its times.
  Burstiness trace;
  std::vector<ArrivalCandidate> candidates;  // None: the recording does not tell when sessions
                                             // start; a day gets as many as it has.
  std::size_t chosen = 0;                    // Of the candidates.
  std::vector<LengthFit> lengths;
  double length_correlation = 0;  // Of the logarithms; the source draws them independently.
  std::vector<ShareFit> classes;
  std::vector<ShareFit> tenants;
  std::optional<SessionFit> sessions;
  std::string traffic_json;  // A scenario's "traffic", as read_traffic() reads it.
};

struct TrafficFitOptions {
  std::uint64_t seed = 1;
  std::uint32_t replications = 20;  // Of each candidate; 1 to 1,000.
  double good_enough = 0.15;        // A worst miss below which the simplest process is taken.
  double lognormal_miss = 0.05;     // A distance above which lengths become quantiles.
};

// Fits a synthetic source and tries it out: each candidate process is simulated for the length of
// the trace and measured as the trace is.  The simplest that is good enough is chosen, else that
// with the smallest worst miss.
//   poisson   the mean rate
//   hours     a rate for each hour of the day, if the trace is two days or longer; week: of the
//             week, from six and a half days; an hour that it does not reach has the mean
//   gamma, weibull   renewals with the cv of the gaps
//   mmpp      two states; the time constant and the spread from the three indices by least squares
//             of logarithms, the share of the busier state from the skewness of counts in 10 s
// With sessions in the trace the process is that of their starts, tried out with all that follows
// as it will be written; shares of classes and tenants are then those of sessions.  Turns, times
// to think, the new text of later turns, rewrites of what was said (see SessionModel) and
// sub-agents get their laws, and the source is played and compared with the recording part by part.
// Rows have only the time from request to request: the answer's is in it, and a run adds it again.
// A trace whose times are multiples of some tick is fitted below that tick by the tick.
// Errors: fewer than 20 requests, or all at one instant; more or fewer a second, or for longer or
// shorter, than a scenario's arrivals may be.
// Deterministic in (trace, options).
[[nodiscard]] fare::Expected<TrafficFit> fit_traffic(const Trace& trace,
                                                     const TrafficFitOptions& options);

// The same of recorded prompts with sessions (PromptFormat::kClaudeCode).  Errors: no such
// sessions, or ones that a SessionModel cannot be.
[[nodiscard]] fare::Expected<TrafficFit> fit_traffic(const PromptTrace& trace,
                                                     const TrafficFitOptions& options);

// A fare-scenario/1 around the source: world and policies are to be filled in.
std::string scenario_skeleton(const TrafficFit& fit);

// The scenario with its "traffic" replaced.  Errors: no JSON object.
[[nodiscard]] fare::Expected<std::string> into_scenario(const TrafficFit& fit, std::string name,
                                                        const std::string& scenario);

// The answer for people (80 columns) and for programs.
std::string to_text(const TrafficFit& fit);
std::string to_json(const TrafficFit& fit);

}  // namespace routesim
