#pragma once

#include <array>    // std::array.
#include <cstddef>  // std::size_t.
#include <vector>   // std::vector.

#include "study/latency_fit_rows.h"  // LatencyRows.
#include "world/pool_model.h"        // PoolModel.

namespace routesim {

// What an iteration takes, in microseconds: the coefficients of BatchModel, in its order: base, per
// sequence, per resident token, per token of prompt.
inline constexpr std::size_t kPoolCoefficients = 4;
using PoolCoefficients = std::array<double, kPoolCoefficients>;
PoolCoefficients coefficients_of(const BatchModel& batch);
void set_coefficients(BatchModel& batch, const PoolCoefficients& coefficients);

// What a pool makes of recorded requests, sent when they were sent and `overhead` under way.
struct PoolReplay {
  using Work = std::array<double, kPoolCoefficients>;  // Iterations, sequences, resident tokens,
                                                       // prompt tokens.
  struct Answer {
    fare::Duration started{};  // All three from `at` of the row.
    fare::Duration first_token{};
    fare::Duration total{};
    Work to_first{};    // What the replica did between the start and the first token,
    Work to_last{};     // and from there to the last.
    bool full = false;  // Half of the pool's places were taken when it was sent, or more.
    bool rejected = false;
  };
  std::vector<Answer> answers;  // By row.
  std::uint64_t preemptions = 0;
};
PoolReplay replay_pool(const LatencyRows& rows, const PoolModel& model);

struct PoolFitOptions {
  PoolModel pool;                          // All but the coefficients and the overhead.
  std::size_t calibration_rows = 0;        // Only the times of so many first rows count; 0: all.
  std::vector<PoolCoefficients> priors{};  // Fits of other pools.
  double prior_weight = 1e-4;
};

struct PoolFit {
  PoolModel pool;
  std::size_t rounds = 0;  // Of refitting.
  bool in_range = true;    // All coefficients are within what a BatchModel allows.
  bool settled = false;    // The last round moved no part of a time by more than 1e-6 of it.
};

// Fits a pool to measured requests, all of which are its load, though only the times of the first
// ones may be looked at.
//
// Once it is known which iterations lay between an answer's first and last token, that time is
// linear in the coefficients; so is the time to a first token, with the overhead for a constant,
// once it is known for how long the request was in line.  So each round replays all rows with the
// coefficients of the last one, and fits those of the next by least squares of relative errors,
// none of them negative.  The first tokens are those of requests that found the pool less than half
// full; either kind of equation is weighed by the inverse of its mean squared error in the last
// round.
//
// With priors, the part of an iteration that each coefficient but the base makes up is drawn to
// what its ratio to the base would make of it, were that the geometric mean of the priors' (above
// zero): by prior_weight times the number of answers times the squared difference of the parts,
// weighed as answers are.  That decides only what the rows leave open. REQUIRES: no row is rejected
// by the pool; first tokens are recorded.
PoolFit fit_pool(const LatencyRows& rows, const PoolFitOptions& options);

// How well a pool answers as was measured.
struct PoolError {
  double measured_mean = 0;  // In ms.
  double replayed_mean = 0;
  double error_of_mean = 0;   // replayed / measured - 1.
  double mean_abs_error = 0;  // Of single answers, relative to the measured mean.
};
struct PoolErrors {
  std::size_t rows = 0;
  PoolError first_token, per_output_token, end_to_end;  // The second over answers of two tokens up.
};
PoolErrors compare_pool(const LatencyRows& rows, const PoolReplay& replay, std::size_t from,
                        std::size_t to);

}  // namespace routesim
