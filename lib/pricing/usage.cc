#include "fare/usage.h"

#include "fare/terms.h"

namespace fare {
namespace {

struct MeterFacts {
  std::string_view name;
  Meter parent;
  bool per_million;
};

constexpr std::array<MeterFacts, kMeterCount> kMeters = {{
    {"input", Meter::kInput, true},
    {"input_audio", Meter::kInput, true},
    {"input_image", Meter::kInput, true},
    {"input_video", Meter::kInput, true},
    {"cache_read", Meter::kCacheRead, true},
    {"cache_read_audio", Meter::kCacheRead, true},
    {"cache_read_image", Meter::kCacheRead, true},
    {"cache_read_video", Meter::kCacheRead, true},
    {"cache_write_5m", Meter::kCacheWrite5m, true},
    {"cache_write_1h", Meter::kCacheWrite1h, true},
    {"cache_write_12h", Meter::kCacheWrite12h, true},
    {"output", Meter::kOutput, true},
    {"output_reasoning", Meter::kOutput, true},
    {"output_audio", Meter::kOutput, true},
    {"output_image", Meter::kOutput, true},
    {"request", Meter::kRequest, false},
    {"search", Meter::kSearch, false},
    {"cache_storage", Meter::kCacheStorage, true},
    {"reserved_hour", Meter::kReservedHour, false},
}};

constexpr const MeterFacts& facts(Meter meter) { return kMeters[static_cast<std::size_t>(meter)]; }

constexpr std::array<std::string_view, 4> kTiers = {"standard", "batch", "flex", "priority"};
constexpr std::array<std::string_view, 2> kSpeeds = {"standard", "fast"};

template <class E, std::size_t kCount>
std::optional<E> named(const std::array<std::string_view, kCount>& names, std::string_view name) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Meter meter) { return facts(meter).name; }

std::optional<Meter> meter_named(std::string_view name) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    if (kMeters[i].name == name) return static_cast<Meter>(i);
  }
  return std::nullopt;
}

Meter parent_of(Meter meter) { return facts(meter).parent; }

bool is_per_million(Meter meter) { return facts(meter).per_million; }

std::string_view to_string(ServiceTier tier) { return kTiers[static_cast<std::size_t>(tier)]; }

std::optional<ServiceTier> service_tier_named(std::string_view name) {
  return named<ServiceTier>(kTiers, name);
}

std::string_view to_string(SpeedMode speed) { return kSpeeds[static_cast<std::size_t>(speed)]; }

std::optional<SpeedMode> speed_mode_named(std::string_view name) {
  return named<SpeedMode>(kSpeeds, name);
}

}  // namespace fare
