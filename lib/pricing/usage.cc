#include "fare/usage.h"

namespace fare {
namespace {

constexpr std::array<std::string_view, kMeterCount> kMeterNames = {
    "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "request"};

}  // namespace

std::string_view to_string(Meter meter) { return kMeterNames[static_cast<std::size_t>(meter)]; }

std::optional<Meter> meter_named(std::string_view name) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    if (kMeterNames[i] == name) return static_cast<Meter>(i);
  }
  return std::nullopt;
}

}  // namespace fare
