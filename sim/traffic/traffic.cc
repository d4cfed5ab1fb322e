#include "traffic/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "base/names.h"
#include "base/nearest.h"
#include "fare/check.h"
#include "traffic/arrival_times.h"
#include "traffic/arrivals_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;

constexpr double kShareMin = 1e-9;
constexpr double kShareMax = 1e9;
constexpr double kZipfExponentMax = 10;

std::optional<double> read_share(const JsonNode& node) {
  const std::optional<double> share = fare::json::number(0, kShareMax)(node);
  if (!share || *share == 0 || *share >= kShareMin) return share;
  node.must_be(ErrorCode::kOutOfRange, fmt::format("0, or from {} to {}", kShareMin, kShareMax));
  return std::nullopt;
}

// A distribution of lengths in tokens.
std::optional<Distribution> read_lengths(const JsonNode& node) {
  std::optional<Distribution> lengths = read_distribution(node);
  if (!lengths) return std::nullopt;
  if (!(lengths->least() > 0)) {
    node.problem(ErrorCode::kOutOfRange, "can be 0 tokens, but a length must always be above 0");
    return std::nullopt;
  }
  const auto tokens_max = static_cast<double>(fare::kTokensMax.count());
  if (lengths->greatest() > tokens_max) {
    node.problem(ErrorCode::kOutOfRange,
                 fmt::format("can be {:.3g} tokens, but a length must be at most {:.0f}; give it "
                             "a \"max\"",
                             lengths->greatest(), tokens_max));
    return std::nullopt;
  }
  return lengths;
}

std::optional<ClassMix> read_class(const JsonNode& node) {
  ObjectReader reader(node);
  ClassMix mix;
  const bool has_name = reader.required("name", mix.name, fare::json::text(kNameMax));
  reader.optional("share", mix.share, read_share);
  reader.optional("input_tokens", mix.input_tokens, read_lengths);
  reader.optional("output_tokens", mix.output_tokens, read_lengths);
  reader.finish();
  if (!has_name) return std::nullopt;
  return mix;
}

std::optional<TenantMix> read_tenant(const JsonNode& node) {
  ObjectReader reader(node);
  TenantMix mix;
  const bool has_name = reader.required("name", mix.name, fare::json::text(kNameMax));
  reader.optional("share", mix.share, read_share);
  reader.finish();
  if (!has_name) return std::nullopt;
  return mix;
}

// A list of classes or tenants: every name once, and some share above 0.
template <class Mix, class Parser>
std::optional<std::vector<Mix>> read_mix(const JsonNode& node, Parser parse, std::size_t max) {
  std::optional<std::vector<Mix>> mixes = fare::json::list(parse, 1, max)(node);
  if (!mixes) return std::nullopt;
  std::set<std::string_view> names;
  double sum = 0;
  for (std::size_t i = 0; i < mixes->size(); ++i) {
    sum += (*mixes)[i].share;
    if (names.insert((*mixes)[i].name).second) continue;
    node.item(i).problem(
        ErrorCode::kDuplicateKey,
        fmt::format("has the name \"{}\", which an earlier one has", (*mixes)[i].name));
  }
  if (sum > 0) return mixes;
  node.problem(ErrorCode::kConflict, "must have a share above 0");
  return std::nullopt;
}

std::optional<std::vector<ClassMix>> read_classes(const JsonNode& node) {
  return read_mix<ClassMix>(node, read_class, kClassesMax);
}

std::optional<std::vector<TenantMix>> read_tenants(const JsonNode& node) {
  if (node.is_array()) return read_mix<TenantMix>(node, read_tenant, kTenantsMax);
  if (!node.is_object()) {
    node.must_be(ErrorCode::kWrongType, "a list of tenants or an object with a \"count\"");
    return std::nullopt;
  }
  ObjectReader reader(node);
  std::int64_t count = 0;
  double exponent = 0;
  const bool has_count =
      reader.required("count", count, fare::json::integer(1, std::int64_t{kTenantsMax}));
  const bool has_exponent =
      reader.required("zipf_exponent", exponent, fare::json::number(0, kZipfExponentMax));
  reader.finish();
  if (!has_count || !has_exponent) return std::nullopt;
  const std::size_t digits = fmt::formatted_size("{}", count);
  std::vector<TenantMix> tenants;
  tenants.reserve(static_cast<std::size_t>(count));
  for (std::int64_t k = 1; k <= count; ++k) {
    tenants.push_back(
        {fmt::format("tenant-{:0{}}", k, digits), std::pow(static_cast<double>(k), -exponent)});
  }
  return tenants;
}

bool every_class_has(const std::vector<ClassMix>& classes,
                     const std::optional<Distribution> ClassMix::*lengths) {
  return std::all_of(classes.begin(), classes.end(),
                     [lengths](const ClassMix& mix) { return (mix.*lengths).has_value(); });
}

// The model's class for each class of the trace.
std::vector<std::uint32_t> match_classes(const TrafficModel& model, const Trace& trace,
                                         fare::Errors& errors) {
  std::vector<std::string_view> known;
  for (const ClassMix& mix : model.classes) known.push_back(mix.name);
  std::vector<std::uint32_t> matches;
  for (const std::string& name : trace.classes) {
    const auto found = std::find(known.begin(), known.end(), name);
    matches.push_back(static_cast<std::uint32_t>(found - known.begin()));
    if (found != known.end()) continue;
    const std::string hint = fare::did_you_mean(fare::nearest(name, known));
    errors.push_back({ErrorCode::kUnknownName, trace.name,
                      fmt::format("has requests of the class \"{}\", which the traffic does not "
                                  "define{}",
                                  name, hint)});
  }
  return matches;
}

// The model's tenant for each tenant of the trace; those it lacks are added.
std::vector<std::uint32_t> match_tenants(TrafficModel& model, const Trace& trace,
                                         fare::Errors& errors) {
  fare::NameMap<std::uint32_t> numbers;
  for (const TenantMix& mix : model.tenants) {
    numbers.emplace(mix.name, static_cast<std::uint32_t>(numbers.size()));
  }
  std::vector<std::uint32_t> matches;
  for (const std::string& name : trace.tenants) {
    const auto next = static_cast<std::uint32_t>(model.tenants.size());
    const auto [place, is_new] = numbers.emplace(name, next);
    if (is_new) model.tenants.push_back({.name = name, .share = 0});
    matches.push_back(place->second);
  }
  if (model.tenants.size() > kTenantsMax) {
    errors.push_back({ErrorCode::kOutOfRange, trace.name,
                      fmt::format("brings the tenants to {}, but there may be {}",
                                  model.tenants.size(), kTenantsMax)});
  }
  return matches;
}

// The model's indices of a client's names; its tenant is added if the model lacks it.
void match_clients(TrafficModel& model, std::vector<Client>& clients,
                   const std::function<void(std::size_t, std::string)>& refuse) {
  fare::NameMap<std::uint32_t> tenants;
  for (const TenantMix& mix : model.tenants) {
    tenants.emplace(mix.name, static_cast<std::uint32_t>(tenants.size()));
  }
  std::vector<std::string_view> classes;
  for (const ClassMix& mix : model.classes) classes.push_back(mix.name);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    Client& client = clients[i];
    const auto next = static_cast<std::uint32_t>(model.tenants.size());
    const auto [place, is_new] = tenants.emplace(client.name, next);
    if (is_new) model.tenants.push_back({.name = client.name, .share = 0});
    client.tenant = place->second;
    if (client.class_name.empty()) continue;
    const auto found = std::find(classes.begin(), classes.end(), client.class_name);
    client.request_class = static_cast<std::uint32_t>(found - classes.begin());
    if (found != classes.end()) continue;
    refuse(i, fmt::format("must be a class of the traffic, but is \"{}\"{}", client.class_name,
                          fare::did_you_mean(fare::nearest(client.class_name, classes))));
  }
}

void match_escalation(TrafficModel& model, const JsonNode& node) {
  if (model.users.escalation_class.empty()) return;
  for (std::size_t i = 0; i < model.classes.size(); ++i) {
    if (model.classes[i].name != model.users.escalation_class) continue;
    model.users.escalation_index = static_cast<std::uint32_t>(i);
    return;
  }
  node.member("users")
      .member("escalation")
      .member("class")
      .must_be(ErrorCode::kUnknownName, "a class of the traffic");
}

}  // namespace

std::optional<TrafficModel> read_traffic(const JsonNode& node) {
  ObjectReader reader(node);
  if (!reader.ok()) return std::nullopt;
  TrafficModel model;
  reader.required("arrivals", model.arrivals, read_arrivals);
  if (node.has("classes")) {
    reader.required("classes", model.classes, read_classes);
  } else {
    model.classes.push_back({.name = "default", .input_tokens = {}, .output_tokens = {}});
  }
  const auto read_length_of = [&](std::string_view key, Distribution& lengths,
                                  const std::optional<Distribution> ClassMix::*own) {
    // Without readable classes it is unknown whether anything is missing.
    if (every_class_has(model.classes, own)) {
      reader.optional(key, lengths, read_lengths);
    } else {
      reader.required(key, lengths, read_lengths);
    }
  };
  read_length_of("input_tokens", model.input_tokens, &ClassMix::input_tokens);
  read_length_of("output_tokens", model.output_tokens, &ClassMix::output_tokens);
  std::size_t mix = 0;
  reader.optional("class_mix", mix, fare::json::one_of({"random", "exact"}));
  model.exact_mix = mix == 1;
  if (node.has("tenants")) {
    reader.required("tenants", model.tenants, read_tenants);
  } else {
    model.tenants.push_back({.name = "default"});
  }
  SessionModel sessions;
  if (reader.optional("sessions", sessions, read_sessions)) model.sessions = std::move(sessions);
  if (reader.optional("users", model.users, read_users)) match_escalation(model, node);
  reader.finish();
  if (model.classes.empty() || model.tenants.empty()) return std::nullopt;
  match_clients(model, model.arrivals.clients, [&](std::size_t client, std::string why) {
    const JsonNode clients = node.member("arrivals").member("clients");
    clients.item(client).member("class").problem(ErrorCode::kUnknownName, std::move(why));
  });
  return model;
}

fare::Expected<TrafficModel> with_trace(TrafficModel model, Trace trace) {
  FARE_CHECK(!trace.rows.empty());
  fare::Errors errors;
  const std::vector<std::uint32_t> classes = match_classes(model, trace, errors);
  const std::vector<std::uint32_t> tenants = match_tenants(model, trace, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  for (TraceRow& row : trace.rows) {
    if (row.request_class != kUnnamed) row.request_class = classes[row.request_class];
    if (row.tenant != kUnnamed) row.tenant = tenants[row.tenant];
  }
  trace.classes.clear();
  for (const ClassMix& mix : model.classes) trace.classes.push_back(mix.name);
  trace.tenants.clear();
  for (const TenantMix& mix : model.tenants) trace.tenants.push_back(mix.name);
  model.trace = std::move(trace);
  return model;
}

fare::Expected<TrafficModel> with_clients(TrafficModel model, std::vector<Client> clients) {
  fare::Errors errors;
  match_clients(model, clients, [&](std::size_t client, std::string why) {
    errors.push_back({ErrorCode::kUnknownName, clients[client].name, "class " + why});
  });
  if (model.tenants.size() > kTenantsMax) {
    errors.push_back({ErrorCode::kOutOfRange, "clients",
                      fmt::format("bring the tenants to {}, but there may be {}",
                                  model.tenants.size(), kTenantsMax)});
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  model.trace.reset();
  model.arrivals = {};
  model.arrivals.clients = std::move(clients);
  close_clients(model.arrivals, fare::Duration::max());
  return model;
}

TrafficModel with_prompts(TrafficModel model, PromptTrace prompts, bool open_loop) {
  if (prompts.sessions.empty()) {
    Trace trace;
    trace.name = prompts.name;
    trace.lines = prompts.calls.size();
    for (const PromptCall& call : prompts.calls) {
      trace.rows.push_back(
          {.at = call.at, .input = call.input, .output = std::max(call.output, fare::Tokens(1))});
    }
    model.trace = std::move(trace);
  }
  model.recorded = RecordedSessions{.trace = std::move(prompts), .open_loop = open_loop};
  return model;
}

double expected_requests(const TrafficModel& model) {
  const SyntheticArrivals& arrivals = model.arrivals;
  if (model.trace) return static_cast<double>(model.trace->rows.size());
  const bool is_clients = arrivals.process == SyntheticArrivals::Process::kClients;
  if (arrivals.requests > 0 && !is_clients) return static_cast<double>(arrivals.requests);
  if (arrivals.process == SyntheticArrivals::Process::kEven) {
    return static_cast<double>(EvenTimes(arrivals).count_before(arrivals.length));
  }
  const double due = expected_before(arrivals, arrivals.length);
  return arrivals.requests > 0 ? std::min(due, static_cast<double>(arrivals.requests)) : due;
}

}  // namespace routesim
