#pragma once

#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace routesim {

// Ways to ask the same thing again that should not change what it takes to answer: a typo, another
// case, blanks, politeness, and phrases put in other words.  Deterministic; those that would change
// nothing are left out, as are phrases of English where the prompt is not.
std::vector<std::string> perturbed(std::string_view prompt);

}  // namespace routesim
