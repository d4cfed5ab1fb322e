#pragma once

#include <simdjson.h>
#include <string_view>  // std::string_view.

namespace routesim {

// Whether a value that nobody reads is JSON through and through: On-Demand parsing looks only at
// what is read.  Consumes the value.  May say no to what is JSON, if it is unusual; then a slower
// parser has the last word.
bool is_json(simdjson::ondemand::value value);

// Whether the text is a list of whole numbers as programs write it: "[]", or digits without leading
// zeros, at most 18 of them, each but the last followed by a comma and at most one blank.  One
// pass, 64 bytes at a time.  REQUIRES: 63 readable bytes behind the text.
bool is_plain_list(std::string_view text);

}  // namespace routesim
