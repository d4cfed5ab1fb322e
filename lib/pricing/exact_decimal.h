#pragma once

#include <cstdint>
#include <string_view>

namespace fare {

// A decimal as a whole number of small units, from its text alone.
struct ScaledDecimal {
  enum class Status { kExact, kRounded, kNotANumber, kNegative, kTooLarge };

  Status status = Status::kNotANumber;
  std::int64_t count = 0;  // If exact or rounded; half to even.
};

// `text` x 10^shift.  The text is a JSON number: "2.5e-07", "0.0000006000000000000001".
ScaledDecimal scaled(std::string_view text, int shift);

}  // namespace fare
