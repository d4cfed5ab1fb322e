#pragma once

#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/tokens.h"  // Tokens.

namespace fare {

// The service tier that served a request; not the one that was asked for.
enum class ServiceTier : std::uint8_t { kStandard, kBatch, kFlex, kPriority };

// How fast the vendor was paid to answer.
enum class SpeedMode : std::uint8_t { kStandard, kFast };

[[nodiscard]] std::string_view to_string(ServiceTier tier);  // "standard", "batch", ...
[[nodiscard]] std::optional<ServiceTier> service_tier_named(std::string_view name);
[[nodiscard]] std::string_view to_string(SpeedMode speed);  // "standard", "fast".
[[nodiscard]] std::optional<SpeedMode> speed_mode_named(std::string_view name);

// What, beside the model and the instant, selects the rates of a request.  The default is what a
// vendor's price page means when it says nothing.
struct Terms {
  ServiceTier tier = ServiceTier::kStandard;
  SpeedMode speed = SpeedMode::kStandard;
  // Where it was served, by the name the price table gives it ("us", "eu"); empty: anywhere.  The
  // view must live as long as the Terms.
  std::string_view region{};
  // The input that context bands are measured on, where that is not the total input of the usage:
  // the largest of several sampling steps.  Zero: the total input.
  Tokens band_input{};
};

}  // namespace fare
