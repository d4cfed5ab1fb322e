#pragma once

#include <cstdint>  // std::int64_t.

#include "fare/tokens.h"  // Tokens.

namespace routesim {

// Rounded up: a part of a token is a token.  REQUIRES: 0 <= draw <= kTokensMax.
inline fare::Tokens whole_tokens(double draw) {
  const auto floor = static_cast<std::int64_t>(draw);
  return fare::Tokens(static_cast<double>(floor) < draw ? floor + 1 : floor);
}

}  // namespace routesim
