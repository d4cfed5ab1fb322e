#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

#include "fare/expected.h"  // Expected.

namespace routesim {

// The whole text of a file of at most 64 MiB.
[[nodiscard]] fare::Expected<std::string> read_file(const std::string& path);

// The paths of a folder's files that end in `suffix`, sorted by name; not recursive.
[[nodiscard]] fare::Expected<std::vector<std::string>> list_folder(const std::string& folder,
                                                                   const std::string& suffix);

}  // namespace routesim
