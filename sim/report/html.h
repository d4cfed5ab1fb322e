#pragma once

#include <string>  // std::string.

#include "study/report.h"  // Report.

namespace routesim {

// The report as one self-contained HTML page: no script from elsewhere, no font, no network;
// pictures are inline SVG.  The answer first, then the table with intervals, where the money went,
// latency, quality, assumptions, and what identifies the run (seed, hashes).  Readable in print, in
// light and dark.  Deterministic: the same report gives the same bytes.
std::string to_html(const Report& report);

}  // namespace routesim
