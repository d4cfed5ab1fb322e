#include "study/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fare/allocation.h"
#include "fare/router.h"

namespace routesim {
namespace {

using fare::Tokens;
using fare::Verdict;
using Json = nlohmann::json;

constexpr fare::Duration kStep = std::chrono::minutes(30);
constexpr int kStepsMax = 2 * 24 * 7;
constexpr std::size_t kClassesMax = 65;

// A class's requests of one replication, and what they have on average.
struct ClassLoad {
  double requests = 0;
  double input = 0;  // Sums, until divided.
  double output = 0;
};

// Whether the verdict leaves a candidate to an allocation: what it says is of the objective or of
// rate limits, which the allocation has itself.
bool may_serve(Verdict verdict) {
  switch (verdict) {
    case Verdict::kChosen:
    case Verdict::kFallback:
    case Verdict::kCostsMore:
    case Verdict::kLessUseful:
    case Verdict::kNotDrawn:
    case Verdict::kSwitchTooDear:
    case Verdict::kRateLimited:
      return true;
    default:
      return false;
  }
}

fare::Duration length_of(const TrafficModel& traffic) {
  if (traffic.trace) return traffic.trace->rows.back().at;
  const double seconds = expected_requests(traffic) / traffic.arrivals.per_second;
  if (traffic.arrivals.length > fare::Duration(0)) return traffic.arrivals.length;
  return fare::Duration(std::llround(std::ceil(seconds) * 1e9));
}

// The loads of all classes: the mix's shares of what names no class, and what the trace says.
std::vector<ClassLoad> loads_of(const TrafficModel& traffic) {
  std::vector<ClassLoad> loads(traffic.classes.size());
  double shares = 0;
  for (const ClassMix& mix : traffic.classes) shares += mix.share;
  if (!traffic.trace) {
    const double requests = expected_requests(traffic);
    for (std::size_t i = 0; i < loads.size(); ++i) {
      const ClassMix& mix = traffic.classes[i];
      loads[i] = {requests * mix.share / shares,
                  (mix.input_tokens ? *mix.input_tokens : traffic.input_tokens).mean(),
                  (mix.output_tokens ? *mix.output_tokens : traffic.output_tokens).mean()};
    }
    return loads;
  }
  for (const TraceRow& row : traffic.trace->rows) {
    for (std::size_t i = 0; i < loads.size(); ++i) {
      const double weight = row.request_class == kUnnamed ? traffic.classes[i].share / shares
                                                          : (row.request_class == i ? 1.0 : 0.0);
      loads[i].requests += weight;
      loads[i].input += weight * static_cast<double>(row.input.count());
      loads[i].output += weight * static_cast<double>(row.output.count());
    }
  }
  for (ClassLoad& load : loads) {
    if (load.requests <= 0) continue;
    load.input /= load.requests;
    load.output /= load.requests;
  }
  return loads;
}

// A mean that was added up may be a last bit below the whole number that it is.
Tokens whole_below(double mean) {
  return Tokens(static_cast<std::int64_t>(std::floor(mean * (1 + 1e-12))));
}

// What keeps the figure from being a bound.
std::optional<std::string> obstacle_of(const Scenario& scenario, const Json& policy) {
  const TrafficModel& traffic = scenario.traffic;
  if (traffic.sessions || traffic.recorded)
    return "sessions and recorded prompts grow or are cached";
  if (scenario.world.prompts && scenario.cache_rules) return "prompts may be read from a cache";
  if (traffic.classes.size() > kClassesMax) {
    return fmt::format("the traffic has {} classes, but may have {}", traffic.classes.size(),
                       kClassesMax);
  }
  for (const Json& rule : policy.at("rules")) {
    const std::string name = rule.at("name");
    if (rule.contains("cascade")) return fmt::format("rule \"{}\" asks in a cascade", name);
    for (const Json& step : rule.value("degrade", Json::array())) {
      if (step.contains("shorten_input_tokens") || step.contains("cap_output_tokens")) {
        return fmt::format("rule \"{}\" may shorten requests", name);
      }
    }
    const Json when = rule.value("when", Json::object());
    for (const char* key : {"tags", "language", "scope"}) {
      if (when.contains(key)) return fmt::format("rule \"{}\" depends on \"{}\"", name, key);
    }
  }
  return std::nullopt;
}

// Adds what the router, asked about a mean request, says of its candidates: the cheapest so far.
void ask(fare::Router& router, const Scenario& scenario, std::size_t request_class,
         const ClassLoad& load, Tokens output_max, fare::Instant now,
         std::vector<std::optional<fare::Cost>>& cost) {
  fare::Request request;
  request.id = request_class + 1;
  request.request_class = scenario.traffic.classes[request_class].name;
  request.input = whole_below(load.input);
  request.expected_output = std::min(whole_below(load.output), output_max);
  const fare::Decision decision = router.route(request, now);
  for (const fare::Candidate& one : decision.considered()) {
    if (!may_serve(one.verdict) || !one.expected_cost) continue;
    auto& least = cost[request_class * router.targets() + static_cast<std::size_t>(one.target)];
    if (!least || *one.expected_cost < *least) least = *one.expected_cost;
  }
  if (decision.ticket != fare::Ticket{}) router.settle(decision.ticket, {}, now);
}

// As many requests as a target's limits let through in the whole time, and one burst.
std::optional<std::int64_t> capacity_of(const Json& target, fare::Duration length,
                                        const std::vector<ClassLoad>& loads) {
  if (!target.contains("limits")) return std::nullopt;
  const Json& limits = target.at("limits");
  const double minutes = std::ceil(static_cast<double>(length.count()) / 60e9) + 1;
  std::optional<std::int64_t> least;
  const auto cap = [&](const char* key, double ClassLoad::*tokens) {
    if (!limits.contains(key)) return;
    const double count = std::min(limits.at(key).get<double>() * minutes, 1e12);
    auto requests = static_cast<std::int64_t>(count);
    if (tokens != nullptr) {
      double shortest = 1e12;
      for (const ClassLoad& load : loads) {
        if (load.requests > 0) shortest = std::min(shortest, load.*tokens);
      }
      const std::int64_t each = std::max<std::int64_t>(whole_below(shortest).count(), 1);
      requests = fare::capacity_of_tokens(requests, each);
    }
    least = std::min(least.value_or(requests), requests);
  };
  cap("requests_per_minute", nullptr);
  if (limits.value("cache_reads_count", true)) cap("input_tokens_per_minute", &ClassLoad::input);
  cap("output_tokens_per_minute", &ClassLoad::output);
  return least;
}

}  // namespace

fare::Expected<Oracle> oracle_of(const Scenario& scenario, const Variant& variant) {
  const Json policy = Json::parse(variant.policy.text());
  if (const auto obstacle = obstacle_of(scenario, policy)) {
    return fare::fail(fare::ErrorCode::kConflict, std::string(variant.policy.file()),
                      fmt::format("has no oracle: {}", *obstacle));
  }
  fare::Config config{scenario.prices, variant.policy};
  auto router = fare::Router::create(std::move(config), scenario.start);
  if (!router) return tl::unexpected<fare::Errors>(router.error());
  const std::vector<ClassLoad> loads = loads_of(scenario.traffic);
  const fare::Duration length = length_of(scenario.traffic);
  fare::AllocationQuestion question;
  question.cost.resize(loads.size() * (*router)->targets());
  const double asked = variant.answer_cache
                           ? 1 - static_cast<double>(variant.answer_cache->hits_per_million) / 1e6
                           : 1;
  for (const ClassLoad& load : loads) {
    question.requests.push_back(static_cast<std::int64_t>(load.requests * asked * (1 + 1e-12)));
  }
  const Tokens output_max = variant.spending && variant.spending->max_output
                                ? *variant.spending->max_output
                                : fare::kTokensMax;
  for (int step = 0; step < kStepsMax && (step == 0 || kStep * step < length); ++step) {
    for (std::size_t i = 0; i < loads.size(); ++i) {
      if (question.requests[i] == 0) continue;
      ask(**router, scenario, i, loads[i], output_max, scenario.start + kStep * step,
          question.cost);
    }
  }
  for (const Json& target : policy.at("targets")) {
    question.capacity.push_back(capacity_of(target, length, loads));
  }
  const fare::Allocation allocation = fare::allocate(question);
  Oracle oracle{variant.name, 0, allocation.unserved, allocation.cost};
  for (const std::int64_t requests : question.requests) oracle.requests += requests;
  return oracle;
}

}  // namespace routesim
