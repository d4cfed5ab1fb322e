#pragma once

#include <span>  // std::span.

#include "study/latency_fit_hosted.h"  // HostedFit.
#include "study/latency_fit_items.h"   // HostedItem.

namespace routesim {

// What a thousand tokens of input add, in milliseconds, at least 0: of the median of the total as a
// linear function of later tokens and input (least absolute deviations relative to the answer's
// length, by iteratively reweighted least squares; Schlossmacher 1973).
// REQUIRES: not empty.
double input_effect(std::span<const HostedItem> items);

// Brings what the fit draws near to what was measured, where independent draws cannot be right in
// all (later tokens of long answers vary less): seven numbers, a factor and two exponents (below
// and above the median) of either distribution and a factor of the effect of the input, so that the
// totals' 50, 90 and 99 % quantiles and the 25, 50, 75 and 90 % quantiles in the quarters by input
// and by output come nearest to the measured ones (minimum distance; Levenberg-Marquardt from the
// fit as it is, which a ridge holds on to).
// REQUIRES: at least 20 items.  O(evaluations * max(2 * items, 20,000)).
void match_quantiles(std::span<const HostedItem> items, HostedFit& fit);

}  // namespace routesim
