#pragma once

#include <array>     // std::array.
#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <span>      // std::span.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "engine/distribution.h"      // Distribution.
#include "study/latency_fit_items.h"  // HostedItem, LatencyRows, SessionHalf.

namespace routesim {

// How a hosted model answers, in the terms of WorldModel:
//   total = first_token_ms + first_token_ms_per_1k_input * new input / 1000
//           + first_token_ms_per_1k_cached * cached input / 1000
//           + ms_per_output_token * (output - 1)
// with first_token_ms and ms_per_output_token drawn once a request, independently.
//
// Looked at and left out, since halvings within either half of the Claude Code sessions show no
// gain for most models: an exponent of the answer's length (0.86 to 1.1; errors of the 99 %
// quantile fall in five of ten halves and rise in five), sessions that weigh alike whatever their
// rows (their levels go with their size: medians err by up to twice as much), and more weight on
// the whole's quantiles in match_quantiles().
struct HostedFit {
  std::uint32_t model = 0;  // Index into LatencyRows::models.
  std::size_t rows = 0;
  std::size_t with_first_token = 0;  // Rows of them whose first token was recorded.
  std::size_t sessions = 0;
  // Below 1: too few rows for a fit of their own.  The others' fit, moved by so much of the
  // difference that the rows show.
  double own_share = 1;
  InputEffect input_effect{};  // Both alike where no row tells new from cached input.
  std::vector<Distribution::Point> first_token_ms{};  // As the quantiles of "empirical".
  std::vector<Distribution::Point> ms_per_output_token{};
};

inline constexpr std::size_t kHostedRowsMin = 100;

// Fits one model, if it has kHostedRowsMin rows, and one of them has later tokens that took time:
// the effect of the input by input_effect(), the two distributions by hosted_histograms(), all of
// them brought near to the measured totals by match_quantiles().  Half a second for 5,000 rows.
std::optional<HostedFit> fit_hosted(std::span<const HostedItem> items);
std::optional<HostedFit> fit_hosted(const LatencyRows& rows, std::uint32_t model, SessionHalf half);

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

// Draws some answers a row from `seed`, with the distributions read back from their JSON: item
// after item, `draws` each.
std::vector<double> drawn_totals(std::span<const HostedItem> items, const HostedFit& fit,
                                 std::uint64_t seed, std::uint64_t draws);

// From kHostedDraws answers a row.
HostedErrors compare_hosted(std::span<const HostedItem> items, const HostedFit& fit,
                            std::uint64_t seed);
HostedErrors compare_hosted(const LatencyRows& rows, const HostedFit& fit, SessionHalf half,
                            std::uint64_t seed);

inline constexpr std::uint64_t kHostedDraws = 100;

}  // namespace routesim
