#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <string_view>  // std::string_view.

namespace routesim {

// Why an attempt got no whole answer: what the world knows and its caller can only guess from a
// fare::AttemptEnd.
enum class Fault : std::uint8_t {
  kNone,
  kServerError,   // By chance, at the first token; unbilled.
  kTimeout,       // No first token in time: by chance, by a slow answer, or still in line.
  kCutOff,        // By chance, in the middle of the answer; billed so far.
  kOutage,        // The model was down, or went down meanwhile.
  kRegionOutage,  // Its region was.
  kRateLimit,     // Above its requests, input or output a minute.
  kRamp,          // Traffic grew faster than the vendor lets it.
  kQueueFull,     // All places were taken, and all of the line before them.
  kNoCapacity,    // It had no places at all.
  kRetired,       // The vendor had switched it off for good.
  kTooLong,       // No replica of its pool could ever hold it.
};

inline constexpr std::size_t kFaultCount = 12;

// The stable name in JSON: "region_outage"; "none".
[[nodiscard]] std::string_view to_string(Fault fault);

}  // namespace routesim
