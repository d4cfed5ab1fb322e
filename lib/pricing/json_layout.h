#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fare {

// JSON text as people write tables: what fits on a line of 100 columns stands on one; what does not
// is opened, with its plain members filled into lines.  The members of the root stand on lines of
// their own.  Ends in a newline.
std::string laid_out(const nlohmann::ordered_json& root);

}  // namespace fare
