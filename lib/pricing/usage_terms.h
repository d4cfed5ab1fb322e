#pragma once

#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/terms.h"  // ServiceTier, SpeedMode.

namespace fare {

struct ServedTier {
  ServiceTier tier;
  std::string_view note{};  // What is to be said of it, or nothing.
};

// The tier that a vendor names in an answer; nothing if we know no such name.
std::optional<ServedTier> served_tier(std::string_view name);

// Likewise the speed.
std::optional<SpeedMode> served_speed(std::string_view name);

}  // namespace fare
