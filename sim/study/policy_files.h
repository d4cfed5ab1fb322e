#pragma once

#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Expected.
#include "fare/policy.h"    // Policy, PolicyText.

namespace routesim {

// A fare::FindPolicy for files: names are paths relative to the file that extends them, which may
// be a place inside a file ("scenario.json#/policies/0/policy").
[[nodiscard]] fare::Expected<fare::PolicyText> find_policy(std::string_view name,
                                                           std::string_view from);

// Reads the policy of a file, with all that it extends.
[[nodiscard]] fare::Expected<fare::Policy> load_policy(const std::string& path);

}  // namespace routesim
