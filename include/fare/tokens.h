#pragma once

#include "fare/quantity.h"  // Quantity.

namespace fare {

struct TokenUnit;

// A count of tokens.  Readers accept [0, kTokensMax]; a larger count in a file is an error there.
using Tokens = Quantity<TokenUnit>;

inline constexpr Tokens kTokensMax{1'000'000'000'000};

}  // namespace fare
