#pragma once

#include <array>     // std::array.
#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t, std::uint64_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "study/latency_fit_hosted.h"  // HostedErrors, HostedFit, HostedItem, LatencyRows.

namespace routesim {

using HostedSpread = std::array<double, HostedErrors::kShares.size()>;

// How far the logarithm of a quantile that the fit draws for some rows is from that of the measured
// one by chance alone: its standard deviation over kHostedResamples draws of as many sessions with
// replacement (a cluster bootstrap, times the root of n / (n - 1) for n sessions; Davison and
// Hinkley, "Bootstrap methods and their application", 1997, section 3.8).
// Nothing with fewer than two sessions.
std::optional<HostedSpread> quantile_noise(std::span<const HostedItem> items, const HostedFit& fit,
                                           std::uint64_t seed);

// The same for the error of held-out rows, as a share: both the rows that were fitted and those
// that were held out are samples of sessions.
std::optional<HostedSpread> held_out_noise(std::span<const HostedItem> fitted,
                                           std::span<const HostedItem> held_out,
                                           const HostedFit& fit, std::uint64_t seed);

inline constexpr std::size_t kHostedResamples = 200;

// What a user has to expect of a fit for sessions that it has not seen: the root of the mean square
// of HostedErrors::error over random halvings of a model's sessions, each half predicted from the
// other (as fit_or_pool() does).  A fit of all sessions is better than one of half of them, so this
// is above what is to come; sampling error of the half that is measured is in it.
struct HeldOutErrors {
  std::size_t trials = 0;
  HostedSpread error{};  // Root of the mean square,
  HostedSpread bias{};   // and the mean.
};

// Nothing if no halving leaves a fit on one side and kPooledRowsMin rows on the other.
std::optional<HeldOutErrors> held_out_errors(const LatencyRows& rows, std::uint32_t model,
                                             std::uint64_t seed);

inline constexpr std::size_t kHostedHalvings = 8;

}  // namespace routesim
