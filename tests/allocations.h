#pragma once

#include <cstdint>  // std::uint64_t.

namespace fare {

// How often this program has allocated memory: tests hold "allocates nothing" to it.  Counts only
// in programs that list allocations.cc among their sources.
std::uint64_t allocations();

}  // namespace fare
