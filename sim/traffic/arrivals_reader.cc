#include "traffic/arrivals_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/json_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;
using Process = SyntheticArrivals::Process;

constexpr double kPerSecondMin = 1e-6;
constexpr double kPerSecondMax = 1e6;
constexpr double kHoursMin = 1e-6;
constexpr double kHoursMax = 87'600;
constexpr std::int64_t kRequestsMax = 10'000'000'000;
constexpr double kWeightMax = 1e6;
constexpr std::size_t kHoursADay = 24;
constexpr std::size_t kHoursAWeek = 168;
constexpr double kSecondsAnHour = 3'600;
constexpr double kNanosecondsAnHour = kSecondsAnHour * 1e9;
constexpr std::size_t kPointsMax = 10'000;
constexpr std::size_t kStatesMax = 100;
constexpr double kStateSecondsMin = 1e-3;
constexpr double kStateSecondsMax = 1e9;
constexpr double kTickSecondsMin = 1e-6;
constexpr double kTickSecondsMax = 3'600;

fare::Duration nanoseconds(double count) { return fare::Duration(std::llround(count)); }

std::optional<std::vector<double>> read_hour_weights(const JsonNode& node) {
  const std::size_t count = node.is_array() ? node.size() : 0;
  if (node.is_array() && count != kHoursADay && count != kHoursAWeek) {
    node.must_be(ErrorCode::kOutOfRange,
                 fmt::format("a list of {} numbers, one an hour of the day, or of {}, one an hour "
                             "of the week",
                             kHoursADay, kHoursAWeek));
    return std::nullopt;
  }
  auto weights = fare::json::list(fare::json::number(0, kWeightMax), count, count)(node);
  if (!weights) return std::nullopt;
  if (std::accumulate(weights->begin(), weights->end(), 0.0) > 0) return weights;
  node.problem(ErrorCode::kConflict, "must have a weight above 0");
  return std::nullopt;
}

// Two of "per_second", "hours" and "requests"; the third follows from them.
void read_extent(ObjectReader& reader, SyntheticArrivals& arrivals) {
  double hours = 0;
  std::int64_t requests = 0;
  const int given = static_cast<int>(reader.node().has("per_second")) +
                    static_cast<int>(reader.node().has("hours")) +
                    static_cast<int>(reader.node().has("requests"));
  if (given != 2) {
    reader.node().problem(given < 2 ? ErrorCode::kMissingKey : ErrorCode::kConflict,
                          "needs two of \"per_second\", \"hours\" and \"requests\"");
  }
  const bool has_rate = reader.optional("per_second", arrivals.per_second,
                                        fare::json::number(kPerSecondMin, kPerSecondMax));
  const bool has_hours = reader.optional("hours", hours, fare::json::number(kHoursMin, kHoursMax));
  if (has_hours) arrivals.length = fare::Duration(std::llround(hours * kNanosecondsAnHour));
  if (!reader.optional("requests", requests, fare::json::integer(1, kRequestsMax))) return;
  arrivals.requests = static_cast<std::uint64_t>(requests);
  const auto count = static_cast<double>(requests);
  if (!has_hours && !has_rate) return;  // Neither could be read, and that is said already.
  if (has_hours && !has_rate) arrivals.per_second = count / (hours * kSecondsAnHour);
  const double hours_needed = count / (arrivals.per_second * kSecondsAnHour);
  const bool rate_fits =
      arrivals.per_second >= kPerSecondMin && arrivals.per_second <= kPerSecondMax;
  if (given != 2 || (rate_fits && hours_needed <= kHoursMax)) return;
  reader.node()
      .member("requests")
      .problem(ErrorCode::kOutOfRange,
               fmt::format("must arrive within {} hours and at {} to {} per second, but {} of them "
                           "at {:.6g} per second take {:.6g} hours",
                           kHoursMax, kPerSecondMin, kPerSecondMax, requests, arrivals.per_second,
                           hours_needed));
}

std::optional<RatePoint> read_point(const JsonNode& node) {
  if (!fare::json::is_list(node, 2, 2)) return std::nullopt;
  const std::optional<double> hours = fare::json::number(0, kHoursMax)(node.item(0));
  const std::optional<double> factor = fare::json::number(0, kWeightMax)(node.item(1));
  if (!hours || !factor) return std::nullopt;
  return RatePoint{nanoseconds(*hours * kNanosecondsAnHour), *factor};
}

std::optional<std::vector<RatePoint>> read_curve(const JsonNode& node) {
  auto curve = fare::json::list(read_point, 1, kPointsMax)(node);
  if (!curve) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < curve->size(); ++i) {
    sum += (*curve)[i].factor;
    if (i == 0 || (*curve)[i].at >= (*curve)[i - 1].at) continue;
    node.item(i).problem(ErrorCode::kConflict, "must not be before the point before it");
    return std::nullopt;
  }
  if (sum > 0) return curve;
  node.problem(ErrorCode::kConflict, "must have a factor above 0");
  return std::nullopt;
}

std::optional<RateState> read_state(const JsonNode& node) {
  ObjectReader reader(node);
  RateState state;
  double seconds = 0;
  const bool has_weight =
      reader.required("weight", state.weight, fare::json::number(0, kWeightMax));
  const bool has_mean = reader.required("mean_seconds", seconds,
                                        fare::json::number(kStateSecondsMin, kStateSecondsMax));
  reader.finish();
  if (!has_weight || !has_mean) return std::nullopt;
  state.mean = nanoseconds(seconds * 1e9);
  return state;
}

std::optional<std::vector<RateState>> read_states(const JsonNode& node) {
  auto states = fare::json::list(read_state, 2, kStatesMax)(node);
  if (!states) return std::nullopt;
  if (mean_weight(*states) > 0) return states;
  node.problem(ErrorCode::kConflict, "must have a weight above 0");
  return std::nullopt;
}

// "shape", or "cv" in its place.
void read_gaps(ObjectReader& reader, GapLaw::Kind kind, GapLaw& gaps) {
  const JsonNode& node = reader.node();
  double number = 0;
  if (node.has("shape") == node.has("cv")) {
    node.problem(node.has("cv") ? ErrorCode::kConflict : ErrorCode::kMissingKey,
                 "needs one of \"shape\" and \"cv\"");
  }
  const auto cv = fare::json::number(GapLaw::kCvMin, GapLaw::kCvMax);
  if (reader.optional("cv", number, cv)) gaps = GapLaw::with_cv(kind, number);
  if (!reader.optional("shape", number, fare::json::number(1e-6, 1e6))) return;
  const double spread = GapLaw::cv_of(kind, number);
  if (spread >= GapLaw::kCvMin && spread <= GapLaw::kCvMax) {
    gaps = GapLaw::with_shape(kind, number);
    return;
  }
  node.member("shape").problem(
      ErrorCode::kOutOfRange,
      fmt::format("must give gaps with a coefficient of variation from {} to {}, but gives {:.3g}",
                  GapLaw::kCvMin, GapLaw::kCvMax, spread));
}

std::optional<ClientWindow> read_window(const JsonNode& node) {
  ObjectReader reader(node);
  ClientWindow window;
  double start = 0;
  double length = 0;
  double cv = 1;
  std::size_t kind = 0;
  bool good =
      reader.required("start_seconds", start, fare::json::number(0, kHoursMax * kSecondsAnHour));
  good &= reader.required("seconds", length, fare::json::number(1e-3, kHoursMax * kSecondsAnHour));
  good &= reader.required("per_second", window.per_second, fare::json::number(0, kPerSecondMax));
  reader.optional("gaps", kind, fare::json::one_of({"exponential", "gamma", "weibull"}));
  const bool has_cv = reader.optional("cv", cv, fare::json::number(GapLaw::kCvMin, GapLaw::kCvMax));
  if (has_cv && kind == 0) {
    node.member("cv").problem(ErrorCode::kConflict, "is 1 for exponential gaps: name \"gaps\"");
  }
  reader.finish();
  if (!good) return std::nullopt;
  window.start = nanoseconds(start * 1e9);
  window.length = nanoseconds(length * 1e9);
  window.gaps = GapLaw::with_cv(static_cast<GapLaw::Kind>(kind), cv);
  return window;
}

std::optional<Client> read_client(const JsonNode& node) {
  ObjectReader reader(node);
  Client client;
  bool good = reader.required("tenant", client.name, fare::json::text(kNameMax));
  reader.optional("class", client.class_name, fare::json::text(kNameMax));
  good &= reader.required("windows", client.windows,
                          fare::json::list(read_window, 1, std::size_t{1'000'000}));
  reader.finish();
  if (!good) return std::nullopt;
  for (std::size_t i = 1; i < client.windows.size(); ++i) {
    const ClientWindow& before = client.windows[i - 1];
    if (client.windows[i].start >= before.start + before.length) continue;
    node.member("windows").item(i).problem(ErrorCode::kConflict,
                                           "must not start before the window before it ends");
    return std::nullopt;
  }
  return client;
}

// What "clients" has in place of the extent that the others have.
void read_clients(ObjectReader& reader, SyntheticArrivals& arrivals) {
  double scale = 1;
  double hours = kHoursMax;
  std::int64_t requests = 0;
  reader.required("clients", arrivals.clients, fare::json::list(read_client, 1, kTenantsMax));
  reader.optional("rate_scale", scale, fare::json::number(1e-6, 1e6));
  reader.optional("hours", hours, fare::json::number(kHoursMin, kHoursMax));
  if (reader.optional("requests", requests, fare::json::integer(1, kRequestsMax))) {
    arrivals.requests = static_cast<std::uint64_t>(requests);
  }
  for (Client& client : arrivals.clients) {
    for (ClientWindow& window : client.windows) window.per_second *= scale;
  }
  close_clients(arrivals, nanoseconds(hours * kNanosecondsAnHour));
}

// The keys that only some processes take.
void read_shape(ObjectReader& reader, SyntheticArrivals& arrivals) {
  const Process process = arrivals.process;
  if (process == Process::kGamma) read_gaps(reader, GapLaw::Kind::kGamma, arrivals.gaps);
  if (process == Process::kWeibull) read_gaps(reader, GapLaw::Kind::kWeibull, arrivals.gaps);
  if (process == Process::kMmpp) reader.required("states", arrivals.states, read_states);
  const bool has_curve = reader.optional("rate_curve", arrivals.rate_curve, read_curve);
  if (has_curve && arrivals.requests > 0 && arrivals.rate_curve.back().factor == 0) {
    reader.node()
        .member("rate_curve")
        .problem(ErrorCode::kConflict,
                 "must not end with a factor of 0, as then \"requests\" would never all come");
  }
}

}  // namespace

void close_clients(SyntheticArrivals& arrivals, fare::Duration end) {
  fare::Duration last{};
  for (const Client& client : arrivals.clients) {
    if (client.windows.empty()) continue;
    last = std::max(last, client.windows.back().start + client.windows.back().length);
  }
  arrivals.process = Process::kClients;
  arrivals.length = std::min(end, last);
  const double seconds = static_cast<double>(arrivals.length.count()) / 1e9;
  arrivals.per_second = seconds > 0 ? expected_before(arrivals, arrivals.length) / seconds : 0;
}

std::optional<SyntheticArrivals> read_arrivals(const JsonNode& node) {
  ObjectReader reader(node);
  if (!reader.ok()) return std::nullopt;
  SyntheticArrivals arrivals;
  std::size_t process = 0;
  reader.required("process", process,
                  fare::json::one_of({"poisson", "even", "gamma", "weibull", "mmpp", "clients"}));
  arrivals.process = static_cast<Process>(process);
  if (arrivals.process == Process::kClients) {
    read_clients(reader, arrivals);
  } else {
    read_extent(reader, arrivals);
  }
  if (reader.optional("hour_weights", arrivals.hour_weights, read_hour_weights) &&
      arrivals.process == Process::kEven) {
    node.member("hour_weights")
        .problem(ErrorCode::kConflict,
                 "is not for \"even\" arrivals, whose spacing is the same all day");
  }
  read_shape(reader, arrivals);
  for (const char* const key : {"hour_weights", "rate_curve"}) {
    const bool is_weights = key == std::string_view("hour_weights");
    if (!node.has(key) || (is_weights && arrivals.process == Process::kEven)) continue;
    if (arrivals.process != Process::kEven && arrivals.process != Process::kClients) continue;
    node.member(key).problem(ErrorCode::kConflict,
                             "is for processes with one rate, not for \"even\" or \"clients\"");
  }
  double tick = 0;
  if (reader.optional("tick_seconds", tick, fare::json::number(kTickSecondsMin, kTickSecondsMax))) {
    arrivals.tick = nanoseconds(tick * 1e9);
  }
  reader.finish();
  return arrivals;
}

}  // namespace routesim
