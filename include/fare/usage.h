#pragma once

#include <array>        // std::array.
#include <bit>          // std::countr_zero.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t, std::uint32_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.
#include <utility>      // std::as_const.

#include "fare/tokens.h"  // Tokens.

namespace fare {

// What a vendor counts and bills.  Meters are disjoint: a token is counted by exactly one of them,
// whatever the vendor's own fields overlap.
//
// They are the leaves of a lattice: direction x modality x cache use x lifetime.  Where a price
// row has no rate of its own for a leaf, parent_of() says whose rate covers it.
enum class Meter : std::uint8_t {
  // Input tokens neither read from nor written to a prompt cache.
  kInput,  // Text, or of no stated modality.
  kInputAudio,
  kInputImage,
  kInputVideo,
  // Input tokens read from the prompt cache.
  kCacheRead,
  kCacheReadAudio,
  kCacheReadImage,
  kCacheReadVideo,
  // Input tokens written to the prompt cache.
  kCacheWrite5m,   // For its short life: 5 to 30 minutes, as the vendor has it.
  kCacheWrite1h,   // For an hour.
  kCacheWrite12h,  // For twelve hours.
  // Output tokens.
  kOutput,           // Text, or of no stated modality; without reasoning.
  kOutputReasoning,  // Thought before the answer.
  kOutputAudio,
  kOutputImage,
  // Things that are not tokens; their price is per unit, except for storage.
  kRequest,       // The request itself.
  kSearch,        // A web search or a grounding query.
  kCacheStorage,  // A token kept in a cache for an hour; its price is per million of those.
  kReservedHour,  // An hour of reserved capacity: a provisioned unit, a GPU.
};

inline constexpr std::size_t kMeterCount = 19;

// The name in JSON: "input", "cache_read", "cache_write_5m", "output_reasoning", "request".
[[nodiscard]] std::string_view to_string(Meter meter);
[[nodiscard]] std::optional<Meter> meter_named(std::string_view name);

// Whose rate covers a meter that has none of its own: a modality that is not priced apart costs
// what text costs, reasoning what output costs.  Itself where nobody's does: a cache read is never
// billed as input.
[[nodiscard]] Meter parent_of(Meter meter);

// Whether its price is for a million (tokens, token-hours) or for one (requests, searches, hours).
[[nodiscard]] bool is_per_million(Meter meter);

// What one attempt used, by meter.  A value of 160 bytes; one request unless said otherwise.
class Usage {
 public:
  // A count that can be assigned: `usage[Meter::kInput] = Tokens(500)`.
  class Count {
   public:
    constexpr Count& operator=(Tokens count) {
      usage_->set(meter_, count);
      return *this;
    }
    constexpr Count& operator+=(Tokens more) { return *this = Tokens(*this) + more; }
    constexpr Count& operator-=(Tokens less) { return *this = Tokens(*this) - less; }
    constexpr operator Tokens() const { return std::as_const(*usage_)[meter_]; }
    constexpr std::int64_t count() const { return Tokens(*this).count(); }

   private:
    friend class Usage;
    constexpr Count(Usage* usage, Meter meter) : usage_(usage), meter_(meter) {}
    Count(const Count&) = default;

    Usage* usage_;
    Meter meter_;
  };

  constexpr Usage() { set(Meter::kRequest, Tokens(1)); }

  constexpr Count operator[](Meter meter) { return {this, meter}; }
  constexpr Tokens operator[](Meter meter) const {
    return counts_[static_cast<std::size_t>(meter)];
  }

  // Bit i: meter i was used.
  constexpr std::uint32_t used() const { return used_; }

  // All input tokens, cached or not: what context bands are measured on.
  constexpr Tokens total_input() const { return sum(Meter::kInput, Meter::kCacheWrite12h); }

  // All output tokens, reasoning included.
  constexpr Tokens total_output() const { return sum(Meter::kOutput, Meter::kOutputImage); }

  friend constexpr bool operator==(const Usage&, const Usage&) = default;

 private:
  constexpr void set(Meter meter, Tokens count) {
    const auto i = static_cast<std::size_t>(meter);
    counts_[i] = count;
    used_ = count == Tokens(0) ? used_ & ~(1u << i) : used_ | 1u << i;
  }

  constexpr Tokens sum(Meter first, Meter last) const {
    Tokens total;
    const std::uint32_t wanted =
        (2u << static_cast<unsigned>(last)) - (1u << static_cast<unsigned>(first));
    for (std::uint32_t left = used_ & wanted; left != 0; left &= left - 1) {
      total += counts_[static_cast<std::size_t>(std::countr_zero(left))];
    }
    return total;
  }

  std::array<Tokens, kMeterCount> counts_{};
  std::uint32_t used_ = 0;
};

}  // namespace fare
