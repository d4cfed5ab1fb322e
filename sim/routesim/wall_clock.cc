#include "routesim/wall_clock.h"

#include <chrono>

namespace routesim {

fare::Instant wall_clock_now() { return std::chrono::system_clock::now(); }

}  // namespace routesim
