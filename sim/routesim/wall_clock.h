#pragma once

#include "fare/time.h"  // Instant.

namespace routesim {

// What the machine's clock shows: only for questions about now that no --at answers.
fare::Instant wall_clock_now();

}  // namespace routesim
