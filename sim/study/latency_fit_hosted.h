#pragma once

#include <array>     // std::array.
#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "engine/distribution.h"     // Distribution.
#include "study/latency_fit_rows.h"  // LatencyRows.

namespace routesim {

// Which sessions' rows a fit or a comparison takes: by their number in the file.
enum class SessionHalf : std::uint8_t { kAll, kEven, kOdd };

// How a hosted model answers, in the terms of WorldModel:
//   total = first_token_ms + first_token_ms_per_1k_input * input / 1000
//           + ms_per_output_token * (output - 1)
// with first_token_ms and ms_per_output_token drawn once a request, independently.
struct HostedFit {
  std::uint32_t model = 0;  // Index into LatencyRows::models.
  std::size_t rows = 0;
  std::size_t with_first_token = 0;  // Rows of them whose first token was recorded.
  double first_token_ms_per_1k_input = 0;
  std::vector<Distribution::Point> first_token_ms;  // As the quantiles of "empirical".
  std::vector<Distribution::Point> ms_per_output_token;
};

// Fits one model by maximum likelihood, with no shape assumed: either distribution is a histogram
// of kHostedBins bins of equal ratio, and since most rows record only their sum, its masses are
// those that make the totals most likely, by the EM algorithm (Dempster, Laird, Rubin 1977;
// kHostedRounds rounds, of which the early stop smooths).  A row whose first token was recorded
// counts for its own bins; one that no pair of bins explains, for a background of 1e-6.
//
// The effect of the input is that of some candidates from 0 to 100 ms under which median and 90 %
// quantile are nearest to the measured ones, over the quarters of the rows by input.
// Nothing if the model has fewer than kHostedRowsMin rows, whose tail would be a guess, or none of
// two output tokens.  O(rows * bins * rounds * candidates).
std::optional<HostedFit> fit_hosted(const LatencyRows& rows, std::uint32_t model, SessionHalf half);

inline constexpr std::size_t kHostedBins = 96;
inline constexpr std::size_t kHostedRounds = 120;
inline constexpr std::size_t kHostedRowsMin = 100;

// The fit's distributions as worlds read them: {"kind": "empirical", "quantiles": ...}.
std::string distribution_json(const std::vector<Distribution::Point>& quantiles);

// The total times of one model's rows beside those that the fit draws for the same requests.
struct HostedErrors {
  static constexpr std::array<double, 3> kShares = {0.5, 0.9, 0.99};
  std::size_t rows = 0;
  std::array<double, 3> measured_ms{};
  std::array<double, 3> drawn_ms{};
  std::array<double, 3> error{};  // drawn / measured - 1.
};

// Draws kHostedDraws answers a row from `seed`, with the distributions read back from their JSON.
HostedErrors compare_hosted(const LatencyRows& rows, const HostedFit& fit, SessionHalf half,
                            std::uint64_t seed);

inline constexpr std::uint64_t kHostedDraws = 100;

}  // namespace routesim
