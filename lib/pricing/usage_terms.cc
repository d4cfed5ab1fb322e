#include "pricing/usage_terms.h"

namespace fare {
namespace {

struct Tier {
  std::string_view name;
  ServiceTier tier;
  std::string_view note{};
};

constexpr std::string_view kReserved =
    "capacity was bought beforehand: rates by the token may not apply";

// As OpenAI, Anthropic, Groq, xAI, Bedrock and Google name them.
constexpr Tier kTiers[] = {
    {"default", ServiceTier::kStandard},
    {"standard", ServiceTier::kStandard},
    {"auto", ServiceTier::kStandard, "names no tier that served: standard is assumed"},
    {"on_demand", ServiceTier::kStandard},
    {"ON_DEMAND", ServiceTier::kStandard},
    {"TRAFFIC_TYPE_UNSPECIFIED", ServiceTier::kStandard},
    {"unspecified", ServiceTier::kStandard},
    {"batch", ServiceTier::kBatch},
    {"flex", ServiceTier::kFlex},
    {"ON_DEMAND_FLEX", ServiceTier::kFlex},
    {"priority", ServiceTier::kPriority},
    {"fast", ServiceTier::kPriority},
    {"performance", ServiceTier::kPriority},
    {"ON_DEMAND_PRIORITY", ServiceTier::kPriority},
    {"scale", ServiceTier::kStandard, kReserved},
    {"reserved", ServiceTier::kStandard, kReserved},
    {"PROVISIONED_THROUGHPUT", ServiceTier::kStandard, kReserved},
};

}  // namespace

std::optional<ServedTier> served_tier(std::string_view name) {
  for (const Tier& known : kTiers) {
    if (known.name == name) return ServedTier{known.tier, known.note};
  }
  return std::nullopt;
}

std::optional<SpeedMode> served_speed(std::string_view name) {
  if (name == "optimized") return SpeedMode::kFast;  // Bedrock's latency.
  return speed_mode_named(name);
}

}  // namespace fare
