#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "base/names.h"     // NameMap.
#include "fare/expected.h"  // Error.

namespace routesim {

// The names of one field of a trace, numbered in the order of their first appearance.
class NameIndex {
 public:
  // `names` receives them, and must outlive the index; `field` is what messages call them.
  NameIndex(std::string_view field, std::size_t count_max, std::vector<std::string>& names)
      : field_(field), count_max_(count_max), names_(names) {}

  // Why this cannot be a name, if it cannot: too long, no UTF-8, or one too many.
  std::optional<fare::Error> problem(std::string_view name) const;

  // kUnnamed for an empty name.  REQUIRES: !problem(name).
  std::uint32_t number(std::string_view name);

 private:
  std::string_view field_;
  std::size_t count_max_;
  std::vector<std::string>& names_;
  fare::NameMap<std::uint32_t> numbers_;
};

}  // namespace routesim
