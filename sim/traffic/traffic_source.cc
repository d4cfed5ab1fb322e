#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/samplers.h"
#include "fare/check.h"
#include "traffic/arrival_times.h"
#include "traffic/class_dealer.h"
#include "traffic/traffic.h"
#include "traffic/whole_tokens.h"

namespace routesim {
namespace {

using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;

template <class Mix>
std::vector<double> shares_of(const std::vector<Mix>& mixes) {
  std::vector<double> shares;
  shares.reserve(mixes.size());
  for (const Mix& mix : mixes) shares.push_back(mix.share);
  return shares;
}

void check_lengths(const Distribution& distribution) {
  FARE_CHECK(distribution.least() > 0);
  FARE_CHECK(distribution.greatest() <= static_cast<double>(fare::kTokensMax.count()));
}

using Times = std::variant<RenewalTimes, EvenTimes, ClientTimes>;

Times make_times(const SyntheticArrivals& arrivals, std::uint64_t seed, std::uint32_t replication) {
  using Process = SyntheticArrivals::Process;
  if (arrivals.process == Process::kEven) return EvenTimes(arrivals);
  if (arrivals.process == Process::kClients) return ClientTimes(arrivals, seed, replication);
  return RenewalTimes(arrivals, seed, replication);
}

}  // namespace

struct TrafficSource::State {
  State(const TrafficModel& traffic, std::uint64_t seed, std::uint32_t replication)
      : model(traffic),
        times(make_times(traffic.arrivals, seed, replication)),
        classes(shares_of(traffic.classes)),
        tenants(shares_of(traffic.tenants)),
        class_key(seed, replication, Purpose::kClass),
        tenant_key(seed, replication, Purpose::kTenant),
        input_key(seed, replication, Purpose::kInputTokens),
        output_key(seed, replication, Purpose::kOutputTokens) {
    if (traffic.exact_mix) dealer.emplace(shares_of(traffic.classes));
    if (traffic.trace) return;
    for (const ClassMix& mix : traffic.classes) {
      lengths.push_back({mix.input_tokens ? &*mix.input_tokens : &traffic.input_tokens,
                         mix.output_tokens ? &*mix.output_tokens : &traffic.output_tokens});
      check_lengths(*lengths.back().input);
      check_lengths(*lengths.back().output);
    }
  }

  std::uint32_t draw_class() {
    if (dealer) return dealer->deal();
    return static_cast<std::uint32_t>(classes(RandomStream(class_key, index).uniform()));
  }

  std::uint32_t draw_tenant() const {
    return static_cast<std::uint32_t>(tenants(RandomStream(tenant_key, index).uniform()));
  }

  bool replay(const Trace& trace, Arrival& arrival) {
    if (index >= trace.rows.size()) return false;
    const TraceRow& row = trace.rows[index];
    arrival.at = row.at;
    arrival.request_class = row.request_class == kUnnamed ? draw_class() : row.request_class;
    arrival.tenant = row.tenant == kUnnamed ? draw_tenant() : row.tenant;
    arrival.input = row.input;
    arrival.output = row.output;
    return true;
  }

  bool create(Arrival& arrival) {
    const SyntheticArrivals& arrivals = model.arrivals;
    if (arrivals.requests > 0 && index >= arrivals.requests) return false;
    arrival.at = std::visit([](auto& process) { return process.next(); }, times);
    if (arrival.at == fare::Duration::max()) return false;
    if (arrivals.requests == 0 && arrival.at >= arrivals.length) return false;
    if (arrivals.tick.count() > 0) arrival.at -= arrival.at % arrivals.tick;
    name(arrival);
    RandomStream input(input_key, index);
    RandomStream output(output_key, index);
    arrival.input = whole_tokens(lengths[arrival.request_class].input->sample(input));
    arrival.output = whole_tokens(lengths[arrival.request_class].output->sample(output));
    return true;
  }

  // Whose request it is, and of which class: the client's, or drawn.
  void name(Arrival& arrival) {
    const ClientTimes* const clients = std::get_if<ClientTimes>(&times);
    const Client* const client =
        clients == nullptr ? nullptr : &model.arrivals.clients[clients->client()];
    arrival.request_class = client != nullptr && client->request_class != kUnnamed
                                ? client->request_class
                                : draw_class();
    arrival.tenant =
        client != nullptr && client->tenant != kUnnamed ? client->tenant : draw_tenant();
  }

  struct Lengths {
    const Distribution* input;
    const Distribution* output;
  };

  const TrafficModel& model;
  Times times;
  std::optional<ClassDealer> dealer;
  std::vector<Lengths> lengths;  // By class.
  fare::Discrete classes;
  fare::Discrete tenants;
  RandomKey class_key;
  RandomKey tenant_key;
  RandomKey input_key;
  RandomKey output_key;
  std::uint64_t index = 0;
};

TrafficSource::TrafficSource(const TrafficModel& model, std::uint64_t seed,
                             std::uint32_t replication)
    : state_(std::make_unique<State>(model, seed, replication)) {}

TrafficSource::~TrafficSource() = default;

bool TrafficSource::next(Arrival& arrival) {
  State& state = *state_;
  arrival.index = state.index;
  const std::optional<Trace>& trace = state.model.trace;
  if (!(trace ? state.replay(*trace, arrival) : state.create(arrival))) return false;
  ++state.index;
  return true;
}

}  // namespace routesim
