#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "study/latency_fit_hosted.h"  // HostedFit, HostedItem, LatencyRows, SessionHalf.

namespace routesim {

// What is known of a model before its rows are seen: how the others of the file answer.
// A level is the mean of ln(total / median of what `fit` draws for the same request).
struct HostedPrior {
  HostedFit fit{};              // Of all rows of the others together.
  std::size_t models = 0;       // Of those that have kHostedRowsMin rows, which are the others.
  double level = 0;             // The mean of theirs,
  double level_variance = 0;    // the variance of theirs,
  double session_variance = 0;  // that of sessions of one model,
  double row_variance = 0;      // and that of rows of one session.
};

// Nothing with fewer than two others: how far models lie apart is then unknown.
std::optional<HostedPrior> hosted_prior(const LatencyRows& rows, std::uint32_t model,
                                        SessionHalf half);

inline constexpr std::size_t kPooledRowsMin = 20;

// A fit by partial pooling: the others' fit, all of its times scaled to a level between theirs and
// that of the items.  The items' share is level_variance / (level_variance + v), with v the
// variance of their level: sessions differ, so many rows of one tell little (a random-effects
// estimate of one-way layouts; Efron and Morris, "Stein's estimation rule and its competitors",
// 1973).  REQUIRES: not empty.
HostedFit pool_hosted(std::span<const HostedItem> items, const HostedPrior& prior);

// The model's own fit, or with fewer than kHostedRowsMin rows a pooled one; nothing with fewer than
// kPooledRowsMin, or with no prior.
std::optional<HostedFit> fit_or_pool(const LatencyRows& rows, std::uint32_t model,
                                     SessionHalf half);

}  // namespace routesim
