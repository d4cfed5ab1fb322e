#pragma once

#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "fare/money.h"  // Cost.

namespace fare {

struct ReportedCost {
  Cost cost;
  bool rounded = false;  // Half to even: the number had more than twelve decimals.
};

// Reads a JSON number of dollars by its digits: "0.0012", "9E-7", "1.5e2".  Nothing if it is no
// such number, negative, or above a quintillion dollars.
std::optional<ReportedCost> read_cost(std::string_view number);

}  // namespace fare
