#pragma once

#include <span>         // std::span.
#include <string_view>  // std::string_view.

namespace fare {

// The candidate most like `word` by edit distance, for "did you mean"; empty if none is near (more
// than two letters and more than a third of them differ).  Ties go to the first.  O(candidates *
// length^2).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace fare
