#pragma once

#include <string_view>  // std::string_view.

namespace routesim {

// The style sheet of the HTML report: light, dark, print, 400 pixels to any width.  Chart colours
// are the palette of Okabe and Ito (2008), which the colour-blind can tell apart; text meets WCAG
// AA.
extern const std::string_view kStyleSheet;

}  // namespace routesim
