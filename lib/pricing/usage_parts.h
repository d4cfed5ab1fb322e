#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::int64_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/usage.h"              // Usage.
#include "pricing/usage_fields.h"    // Part, Dialect.
#include "pricing/usage_findings.h"  // Findings.

namespace fare {

// What one usage stated.
class Parts {
 public:
  struct Slot {
    std::int64_t value = -1;  // Negative: absent.
    std::int32_t event = -1;  // Of a stream, which one stated it.
    const Field* field = nullptr;
  };

  Slot& operator[](Part part) { return slots_[static_cast<std::size_t>(part)]; }
  const Slot& operator[](Part part) const { return slots_[static_cast<std::size_t>(part)]; }

  bool has(Part part) const { return (*this)[part].value >= 0; }
  std::int64_t get(Part part) const { return has(part) ? (*this)[part].value : 0; }

  bool no_output = false;   // What was done has none.
  bool writes_12h = false;  // All cache writes live that long.
  bool has_broken = false;  // A count was malformed, which was recorded: not all checks apply.

 private:
  std::array<Slot, kPartCount> slots_{};
};

// Makes meters of parts: leaf = total - descendants.  Every contradiction and every absence that
// matters is recorded, `at` being the JSON pointer of the usage; nothing then.
std::optional<Usage> disjoint(const Dialect& dialect, Parts parts, std::string_view model,
                              std::string_view at, Findings& findings);

}  // namespace fare
