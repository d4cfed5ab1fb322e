#pragma once

#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

namespace fare {

// The candidate most like `word` by edit distance, for "did you mean"; empty if none is near (more
// than two letters and more than a third of them differ).  Ties go to the first.  O(candidates *
// length^2).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// What a message says of it: "; did you mean \"seed\"?", or nothing if `near` is empty.
std::string did_you_mean(std::string_view near);

}  // namespace fare
