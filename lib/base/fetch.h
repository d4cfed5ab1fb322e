#pragma once

#include <cstddef>  // std::size_t.

namespace fare {

inline constexpr std::size_t kCacheLine = 64;

// Lets the processor fetch the cache line of something that is about to be used.  Changes nothing.
inline void fetch_line(const void* address) {
  __builtin_prefetch(address);
  // GCC would take a function that does nothing else for one without effect, and drop its calls.
  asm volatile("");
}

// All cache lines of an object: at once, instead of one after the other when they are needed.
template <class T>
void fetch(const T& object) {
  const char* const begin = reinterpret_cast<const char*>(&object);
  for (std::size_t i = 0; i < sizeof(T); i += kCacheLine) fetch_line(begin + i);
}

}  // namespace fare
