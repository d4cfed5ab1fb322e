#include "routesim/usage_replay.h"

#include <fmt/format.h>

#include "base/json_reader.h"
#include "fare/terms.h"
#include "traffic/line_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::size_t kNameMax = 256;

struct LoggedUsage {
  std::string model;
  std::string provider;
  std::string tenant;
  std::string region;
  fare::Instant at{};
  fare::ServiceTier tier = fare::ServiceTier::kStandard;
  fare::SpeedMode speed = fare::SpeedMode::kStandard;
  fare::Usage usage;
};

fare::Usage read_meters(const fare::JsonNode& node) {
  fare::Usage usage;
  fare::ObjectReader reader(node);
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    const auto meter = static_cast<fare::Meter>(i);
    std::int64_t count = 0;
    const auto range = fare::json::integer(0, fare::kTokensMax.count());
    if (reader.optional(fare::to_string(meter), count, range)) usage[meter] = fare::Tokens(count);
  }
  reader.finish();
  if (reader.ok() && node.size() == 0) {
    node.problem(ErrorCode::kMissingKey, "names no meter: it is unknown, not zero");
  }
  return usage;
}

template <class T>
fare::JsonParser<T> named(std::optional<T> (*find)(std::string_view), std::string_view rule) {
  return [find, rule](const fare::JsonNode& node) -> std::optional<T> {
    const auto name = fare::json::text(kNameMax)(node);
    if (!name) return std::nullopt;
    const std::optional<T> found = find(*name);
    if (!found) node.must_be(ErrorCode::kUnknownName, rule);
    return found;
  };
}

LoggedUsage read_line(const fare::JsonNode& node) {
  LoggedUsage line;
  fare::ObjectReader reader(node);
  reader.required("model", line.model, fare::json::text(kNameMax));
  reader.optional("provider", line.provider, fare::json::text(kNameMax));
  reader.required("at", line.at, fare::json::read_with(&fare::parse_instant));
  reader.optional("tenant", line.tenant, fare::json::text(kNameMax));
  reader.optional("region", line.region, fare::json::text(kNameMax));
  reader.optional("tier", line.tier,
                  named(&fare::service_tier_named, "standard, batch, flex or priority"));
  reader.optional("speed", line.speed, named(&fare::speed_mode_named, "standard or fast"));
  if (const auto usage = reader.member("usage", true)) line.usage = read_meters(*usage);
  reader.finish();
  return line;
}

// What it cost, if all of it has a price.
std::optional<fare::Cost> cost_of(const fare::PriceBook& book, const LoggedUsage& line) {
  const fare::ModelMatch match = book.find(line.provider, line.model, line.at);
  if (match.status != fare::LookUp::kFound) return std::nullopt;
  const fare::Terms terms{
      .tier = line.tier, .speed = line.speed, .region = line.region, .band_input = {}};
  const fare::Charge charge = book.charge(match.model, line.usage, line.at, terms);
  if (charge.status != fare::PriceStatus::kPriced) return std::nullopt;
  return charge.total;
}

// The model's own name in the newer book that knows it.
std::string model_name(const fare::PriceBook& before, const fare::PriceBook& after,
                       const LoggedUsage& line) {
  for (const fare::PriceBook* book : {&after, &before}) {
    const fare::ModelMatch match = book->find(line.provider, line.model, line.at);
    if (match.status != fare::LookUp::kFound) continue;
    const fare::ModelFacts facts = book->facts(match.model);
    return fmt::format("{}/{}", facts.provider, facts.model);
  }
  return line.provider.empty() ? line.model : line.provider + "/" + line.model;
}

ReplayedSpend spend_of(const fare::PriceBook& before, const fare::PriceBook& after,
                       const LoggedUsage& line) {
  ReplayedSpend spend;
  spend.requests = 1;
  const auto was = cost_of(before, line);
  const auto is = cost_of(after, line);
  if (was && is) {
    spend.before = *was;
    spend.after = *is;
  } else if (is) {
    spend.gained = 1;
    spend.gained_cost = *is;
  } else if (was) {
    spend.lost = 1;
    spend.lost_cost = *was;
  } else {
    spend.unpriced = 1;
  }
  return spend;
}

}  // namespace

ReplayedSpend& ReplayedSpend::operator+=(const ReplayedSpend& other) {
  requests += other.requests;
  before += other.before;
  after += other.after;
  gained += other.gained;
  gained_cost += other.gained_cost;
  lost += other.lost;
  lost_cost += other.lost_cost;
  unpriced += other.unpriced;
  return *this;
}

fare::Expected<UsageReplay> replay_usage(const std::string& path, const fare::PriceBook& before,
                                         const fare::PriceBook& after) {
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected<fare::Errors>(source.error());
  LineReader reader(std::move(*source));
  UsageReplay replay;
  fare::Errors errors;
  LineReader::Line line;
  while (reader.next(line) && errors.size() < fare::Problems::kProblemsMax) {
    fare::Problems problems(fmt::format("{}:{}", path, line.number));
    if (line.too_long) problems.add(ErrorCode::kOutOfRange, "", "is longer than 16 MiB");
    const fare::JsonDocument document(line.text, problems);
    const LoggedUsage logged = document.ok() ? read_line(document.root()) : LoggedUsage{};
    if (!problems.empty()) {
      const fare::Errors found = problems.take();
      errors.insert(errors.end(), found.begin(), found.end());
      continue;
    }
    const ReplayedSpend spend = spend_of(before, after, logged);
    replay.total += spend;
    replay.by_model[model_name(before, after, logged)] += spend;
    replay.by_tenant[logged.tenant] += spend;
  }
  if (reader.error()) errors.push_back({reader.error()->code, path, reader.error()->message});
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  return replay;
}

}  // namespace routesim
