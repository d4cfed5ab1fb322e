#pragma once

#include <array>        // std::array.
#include <string_view>  // std::string_view.

namespace fare {

// What the enumerators of fare/budget.h are called in files, in their order.
inline constexpr std::array<std::string_view, 8> kScopeKindNames = {
    "org", "team", "user", "key", "session", "tag", "provider", "model"};
inline constexpr std::array<std::string_view, 3> kModeNames = {"strict", "expected", "observe"};
inline constexpr std::array<std::string_view, 3> kExpiryNames = {"charge_reserved",
                                                                 "charge_counted", "release"};
inline constexpr std::array<std::string_view, 3> kAbortNames = {"charge_reserved", "charge_counted",
                                                                "drain"};

inline constexpr std::size_t kScopeIdMax = 255;  // Bytes.

}  // namespace fare
