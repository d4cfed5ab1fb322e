#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "engine/distribution.h"      // Distribution.
#include "study/latency_fit_items.h"  // HostedItem, InputEffect.

namespace routesim {

inline constexpr std::size_t kHostedBins = 96;
inline constexpr std::size_t kHostedRounds = 120;

// The distributions of the first token's time and of the time per later token that make the totals
// of the rows most likely, if both are drawn independently.
struct HostedHistograms {
  std::vector<Distribution::Point> first_token_ms;  // As the quantiles of "empirical".
  std::vector<Distribution::Point> ms_per_output_token;
};

// By maximum likelihood, with no shape assumed: either distribution is a histogram of kHostedBins
// bins of equal ratio, and since most rows record only their sum, its masses are those that make
// the totals most likely, by the EM algorithm (Dempster, Laird, Rubin 1977; kHostedRounds rounds,
// of which the early stop smooths).  A row whose first token was recorded counts for its own bins;
// one that no pair of bins explains, for a background of 1e-6.  `input` is what the input
// adds.
// REQUIRES: some item has a later token.  O(items * bins * rounds).
HostedHistograms hosted_histograms(std::span<const HostedItem> items, const InputEffect& input);

}  // namespace routesim
