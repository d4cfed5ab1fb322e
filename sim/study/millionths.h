#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.

#include "base/json_reader.h"  // JsonNode.

namespace routesim {

// A JSON parser for ObjectReader: a share from "0" to "1" with at most six decimals, such as "0.4",
// as whole millionths.  A number would do as well as a text, but "0.4" is exact and 0.4 is not.
std::optional<std::int64_t> read_millionths(const fare::JsonNode& node);

}  // namespace routesim
