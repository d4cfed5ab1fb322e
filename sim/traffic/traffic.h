#pragma once

#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "base/json_reader.h"            // JsonNode.
#include "engine/distribution.h"         // Distribution.
#include "fare/time.h"                   // Duration.
#include "fare/tokens.h"                 // Tokens.
#include "traffic/arrival.h"             // Arrival.
#include "traffic/session_model.h"       // RecordedSessions, SessionModel.
#include "traffic/synthetic_arrivals.h"  // SyntheticArrivals.
#include "traffic/trace.h"               // Trace.
#include "traffic/user_model.h"          // UserModel.

namespace routesim {

struct ClassMix {
  std::string name;
  double share = 1;                          // Relative weight: 0, or 1e-9 to 1e9.
  std::optional<Distribution> input_tokens;  // Instead of the model's, for synthetic arrivals.
  std::optional<Distribution> output_tokens;
};

struct TenantMix {
  std::string name;
  double share = 1;  // Relative weight, not negative.
};

// Everything about the requests that come in; a value, shared by all replications.
struct TrafficModel {
  SyntheticArrivals arrivals;  // Used when there is no trace.
  // Lengths are rounded up to whole tokens: a part of a token is a token.  So every length is at
  // least 1, whole bounds hold, and the mean is up to one token (as a rule half of one) above that
  // of the distribution.  Every draw must be above 0 and at most kTokensMax.
  Distribution input_tokens = Distribution::constant(1);
  Distribution output_tokens = Distribution::constant(1);
  std::optional<Trace> trace;      // Times and lengths of a recording.
  std::vector<ClassMix> classes;   // Never empty; some share is above 0.
  std::vector<TenantMix> tenants;  // Never empty; some share is above 0.
  // Whether classes are drawn at random, or dealt out in exact proportion: after n requests (of
  // those whose class no trace names) class c has floor or ceil of n times its share, for every n.
  // The order is a fixed one, the same in every replication, and known ahead.
  bool exact_mix = false;
  std::optional<SessionModel> sessions;      // What requests lead to; for SessionSource only,
  std::optional<RecordedSessions> recorded;  // as this, in its place, and
  UserModel users;                           // what users do when things go wrong.
};

// Reads the scenario's "traffic" object:
//   {"arrivals": {...},                                    see read_arrivals()
//    "input_tokens": DISTRIBUTION, "output_tokens": DISTRIBUTION,
//    "classes": [{"name": "simple", "share": 0.6, "input_tokens": ..., "output_tokens": ...}, ...],
//    "class_mix": "random" | "exact",
//    "tenants": [{"name": "acme", "share": 3}, ...] | {"count": 40, "zipf_exponent": 1.1},
//    "sessions": {...}, "users": {...}}                     see read_sessions(), read_users()
// The model's lengths may be left out if every class has its own; a share is 1 if it is not
// written; without "classes" or "tenants" there is one, called "default"; "class_mix" is "random".
// Numbered tenants are called "tenant-01", "tenant-02", ... (as many digits as the count has), with
// Zipf shares k^-exponent, exponent 0 to 10.
// Anything wrong is recorded in the node's Problems; then what is returned, if anything, is not to
// be used.
std::optional<TrafficModel> read_traffic(const fare::JsonNode& node);

// Puts a trace in the place of the synthetic arrivals and lengths.  Classes and tenants that the
// trace names must be ones of the model (classes) or are taken over (tenants, with a share of 0);
// what it does not name is drawn from the mixes.  From then on the trace's names and indices are
// those of the model.  Errors: a class of the trace that the model does not know; more than
// kTenantsMax tenants together.
[[nodiscard]] fare::Expected<TrafficModel> with_trace(TrafficModel model, Trace trace);

// The requests of one replication, in order of time.  Deterministic in (model, seed, replication):
// every draw is keyed by the request's index, so the same request is the same under every policy.
// The model must outlive it.  Allocates only in its constructor, whose cost grows with the number
// of tenants; next() is O(1), with an exact mix O(classes).  Not thread-safe.
// REQUIRES: a model with the ranges above, as read_traffic() and with_trace() give.
class TrafficSource {
 public:
  TrafficSource(const TrafficModel& model, std::uint64_t seed, std::uint32_t replication);
  ~TrafficSource();

  // The next request, or false at the end.
  bool next(Arrival& arrival);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Puts clients in the place of the synthetic arrivals, from the start of their first window to the
// end of the last; the model's lengths stay.  A client's name is its tenant's, which is taken over
// with a share of 0.  Errors: a class that the model does not know; more than kTenantsMax tenants.
[[nodiscard]] fare::Expected<TrafficModel> with_clients(TrafficModel model,
                                                        std::vector<Client> clients);

// Puts recorded prompts in the place of the synthetic ones.  Calls without sessions come at their
// recorded times.  Of kClaudeCode each request of the model's open process begins one recorded
// session, in the order of the file and from its start again; `open_loop` as RecordedSessions has
// it.  Classes and tenants are drawn from the mixes.
TrafficModel with_prompts(TrafficModel model, PromptTrace prompts, bool open_loop);

// The number of requests to expect, for progress bars; with sessions, of them.
double expected_requests(const TrafficModel& model);

}  // namespace routesim
