#pragma once

#include <cstddef>     // std::size_t.
#include <functional>  // std::function.

namespace routesim {

// Calls work(0) ... work(count - 1), each once, on up to `threads` threads, and returns when all
// are done.  The calls may run in any order at the same time: each must write to a place of its
// own. REQUIRES: threads >= 1; `work` does not throw.
void run_all(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

}  // namespace routesim
