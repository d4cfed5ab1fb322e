#pragma once

#include <span>  // std::span.

#include "study/latency_fit_hosted.h"  // HostedFit.
#include "study/latency_fit_items.h"   // HostedItem, InputEffect.

namespace routesim {

// What the input adds: of the median of the total as a linear function of later tokens, new and
// cached input (least absolute deviations relative to the answer's length, by iteratively
// reweighted least squares; Schlossmacher 1973).  One effect of both where no item has cached
// input, or where the two come out as none that a cache has: new input takes at least as long as
// cached, and that no less than nothing.
// REQUIRES: not empty.
InputEffect input_effect(std::span<const HostedItem> items);

// Brings what the fit draws near to what was measured, where independent draws cannot be right in
// all (later tokens of long answers vary less): seven numbers, a factor and two exponents (below
// and above the median) of either distribution and a factor of the effect of the input, so that the
// totals' 50, 90 and 99 % quantiles and the 25, 50, 75 and 90 % quantiles in the quarters by input
// and by output come nearest to the measured ones (minimum distance; Levenberg-Marquardt from the
// fit as it is, which a ridge holds on to).
// REQUIRES: at least 20 items.  O(evaluations * max(2 * items, 20,000)).
void match_quantiles(std::span<const HostedItem> items, HostedFit& fit);

}  // namespace routesim
