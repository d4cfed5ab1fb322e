#pragma once

#include <cstddef>  // std::size_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

#include "choice/linear_fit.h"    // LinearFunction.
#include "choice/training_set.h"  // TrainingSet.
#include "fare/choice_model.h"    // ModelKind.

namespace fare {

// Fits one kind of model to some rows, and scores rows that it did not see.

// By output (a target, or a class), a function; for every kind that is a sum of features.
std::vector<LinearFunction> fit_outputs(const TrainingSet& set, ModelKind kind, std::size_t classes,
                                        double penalty, std::span<const std::size_t> use);

// Scores by output and row; those of rows that are not in `use` mean nothing.  The rows of each
// fold are scored by what was fitted to the rows of the others; `per_row`: with as much penalty a
// row as a fit to all of them would have.
std::vector<std::vector<double>> cross_fit(const TrainingSet& set, ModelKind kind,
                                           std::size_t classes, double penalty,
                                           std::span<const std::size_t> use, bool per_row);

// The mean loss of scores: log loss of classes; for targets, once calibrated, the squared error of
// what one target's quality is forecast to be above another's, or of the quality if there is only
// one target.
double loss_of(const TrainingSet& set, ModelKind kind,
               const std::vector<std::vector<double>>& scores, std::span<const std::size_t> use);

// The penalty with the least cross-fitted loss: climbs a ladder of penalties from its middle.
double choose_penalty(const TrainingSet& set, ModelKind kind, std::size_t classes,
                      std::span<const std::size_t> use);

}  // namespace fare
