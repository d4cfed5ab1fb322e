#pragma once

#include <cstdint>  // std::uint64_t.

namespace routesim {

// Values further out than a scenario has them, and what they were all taken for.
struct Cut {
  double from = 0;  // The furthest of them.
  double to = 0;
  std::uint64_t values = 1;
};

}  // namespace routesim
