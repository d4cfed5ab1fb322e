#include "world/outage.h"

#include <algorithm>

namespace routesim {
namespace {

namespace json = fare::json;
using fare::Duration;
using fare::ErrorCode;
using fare::Instant;
using fare::JsonNode;
using fare::ObjectReader;

constexpr double kCenturyS = 3'155'760'000;

// A century stands for more: no run lasts that long.
Duration from_seconds(double seconds) {
  return Duration(static_cast<std::int64_t>(std::min(seconds, kCenturyS) * 1e9));
}

Duration later(Duration at, Duration by) { return at > kNever - by ? kNever : at + by; }

void read_scheduled(ObjectReader& reader, Instant start, OutagePlan& plan) {
  Instant from = start;
  Instant until = start;
  const auto instant = json::read_with(&fare::parse_instant);
  const bool has_both =
      reader.required("from", from, instant) & reader.required("until", until, instant);
  if (has_both && until < from) {
    reader.node().problem(ErrorCode::kOutOfRange, "must not end before it begins");
  }
  plan.from = std::max(from, start) - start;
  plan.until = std::max(until, start) - start;
}

void read_drawn(ObjectReader& reader, OutagePlan& plan) {
  plan.drawn = true;
  if (reader.required("up_s", plan.up_s, read_distribution) && !(plan.up_s.mean() >= 1)) {
    reader.node().problem(ErrorCode::kOutOfRange,
                          "must stay up for at least a second on average: see \"up_s\"");
  }
  reader.required("down_s", plan.down_s, read_distribution);
}

}  // namespace

std::optional<OutagePlan> read_outage(const JsonNode& node, Instant start) {
  OutagePlan plan;
  ObjectReader reader(node);
  if (reader.ok() && node.has("up_s")) {
    read_drawn(reader, plan);
  } else {
    read_scheduled(reader, start, plan);
  }
  reader.finish();
  return reader.ok() ? std::optional<OutagePlan>(std::move(plan)) : std::nullopt;
}

void Outages::draw(Timeline& line) {
  line.from = later(line.until, from_seconds(line.plan->up_s.sample(line.luck)));
  line.until = later(line.from, from_seconds(line.plan->down_s.sample(line.luck)));
}

void Outages::add(const OutagePlan& plan, const fare::RandomStream& luck) {
  lines_.push_back({&plan, luck, plan.from, plan.until});
  if (plan.drawn) draw(lines_.back());
}

void Outages::advance(Duration now) {
  for (Timeline& line : lines_) {
    while (line.until <= now) {
      if (line.plan->drawn) {
        draw(line);
      } else {
        line.from = line.until = kNever;
      }
    }
  }
}

bool Outages::is_down(Duration now) {
  advance(now);
  return std::any_of(lines_.begin(), lines_.end(),
                     [now](const Timeline& line) { return line.from <= now; });
}

Duration Outages::next_start(Duration now) {
  advance(now);
  Duration next = kNever;
  for (const Timeline& line : lines_) {
    if (line.from < line.until) next = std::min(next, line.from);
  }
  return next;
}

}  // namespace routesim
