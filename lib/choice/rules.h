#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <string_view>  // std::string_view.

#include "fare/text_features.h"  // TextFeatures.

namespace fare {

// The classes of the model without labels, from the simplest.
inline constexpr std::array<std::string_view, 4> kRuleClasses = {"simple", "medium", "complex",
                                                                 "reasoning"};

// Which of them a prompt is, by keywords and lengths alone.
std::size_t rule_class(const TextFeatures& features);

}  // namespace fare
