#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/tokens.h"  // Tokens.

namespace fare {

// What a vendor counts and bills.  Meters are disjoint: a token is counted by exactly one of them,
// whatever the vendor's own fields overlap.
enum class Meter : std::uint8_t {
  kInput,         // Input tokens neither read from nor written to a prompt cache.
  kCacheRead,     // Input tokens read from the prompt cache.
  kCacheWrite5m,  // Input tokens written to the cache for its short life (5 to 30 minutes).
  kCacheWrite1h,  // Input tokens written for an hour.
  kOutput,        // Output tokens, reasoning included.
  kRequest,       // The request itself; its price is per request, not per million.
};

inline constexpr std::size_t kMeterCount = 6;

// The name in JSON: "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "request".
[[nodiscard]] std::string_view to_string(Meter meter);
[[nodiscard]] std::optional<Meter> meter_named(std::string_view name);

// What one attempt used, by meter.  A value of 48 bytes; one request unless said otherwise.
class Usage {
 public:
  constexpr Usage() { (*this)[Meter::kRequest] = Tokens(1); }

  constexpr Tokens& operator[](Meter meter) { return counts_[static_cast<std::size_t>(meter)]; }
  constexpr Tokens operator[](Meter meter) const {
    return counts_[static_cast<std::size_t>(meter)];
  }

  // All input tokens, cached or not: what context bands are measured on.
  constexpr Tokens total_input() const {
    return (*this)[Meter::kInput] + (*this)[Meter::kCacheRead] + (*this)[Meter::kCacheWrite5m] +
           (*this)[Meter::kCacheWrite1h];
  }

  friend constexpr bool operator==(const Usage&, const Usage&) = default;

 private:
  std::array<Tokens, kMeterCount> counts_{};
};

}  // namespace fare
