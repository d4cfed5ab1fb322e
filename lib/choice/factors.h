#pragma once

#include <span>    // std::span.
#include <vector>  // std::vector.

#include "choice/linear_fit.h"  // LinearFunction.

namespace fare {

// Bilinear models of which target answers which prompt well.  The logit of target t's quality is
//   item response:  a(x) (ability_t - b(x)),  written a(x) ability_t + c(x)
//   factors:        bias_t + sum_k u_k(x) v_tk
// where a, c and u_k are linear in the row x.  Both are fitted by turns: the prompts' functions
// with the targets' numbers held (a convex problem, by L-BFGS), then the targets' numbers with the
// functions held (small logistic regressions).  The result is one linear function a target.
//
// Item response: Lord, "Applications of item response theory", 1980 (2PL), amortised over features.
// Factors: as RouteLLM's matrix factorisation (Ong et al., 2024), with a logistic link.

enum class FactorKind { kItemResponse, kFactors };

// `quality` by target and row, NaN where unknown; at least two targets.
std::vector<LinearFunction> fit_factors(const SparseRows& x,
                                        const std::vector<std::vector<float>>& quality,
                                        std::span<const std::size_t> use, FactorKind kind,
                                        const LinearFitOptions& options);

}  // namespace fare
