// Goal: the solvers find the minimum and the calibrations what they promise.
// Method: conditions that hold at a minimum, and slow or closed forms.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "choice/calibration.h"
#include "choice/linear_fit.h"
#include "choice/neighbours.h"

namespace fare {
namespace {

struct Problem {
  SparseRows x;
  std::vector<float> y;
  std::vector<std::size_t> use;
};

Problem make_problem(std::uint64_t seed) {
  const RandomKey key(seed, 0, Purpose::kTest);
  Problem problem;
  problem.x.columns = 6;
  for (std::size_t i = 0; i < 80; ++i) {
    RandomStream stream(key, i);
    double z = -0.3;
    for (std::uint32_t k = 0; k < 6; ++k) {
      if (stream.below(3) == 0) continue;
      const auto value = static_cast<float>(stream.uniform() * 2 - 1);
      problem.x.entries.push_back({k, value});
      z += (k % 2 == 0 ? 2.0 : -1.0) * static_cast<double>(value);
    }
    problem.x.end_row();
    problem.y.push_back(stream.uniform() < sigmoid(z) ? 1.0f : 0.0f);
    problem.use.push_back(i);
  }
  return problem;
}

// At the minimum the slope of the penalised loss is zero in every direction.
void expect_stationary(const Problem& problem, const LinearFunction& fit, double penalty,
                       bool logistic) {
  std::vector<double> slope(7, 0);
  for (const std::size_t row : problem.use) {
    const double z = fit(problem.x.row(row));
    const double gap = (logistic ? sigmoid(z) : z) - static_cast<double>(problem.y[row]);
    for (const auto& entry : problem.x.row(row)) {
      slope[entry.column] += gap * static_cast<double>(entry.value);
    }
    slope[6] += gap;
  }
  for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(slope[k] + penalty * fit.weights[k], 0, 1e-4);
  EXPECT_NEAR(slope[6], 0, 1e-4);
}

TEST(LinearFitTest, StopsAtTheMinimum) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Problem problem = make_problem(seed);
    const LinearFitOptions options{.penalty = 0.7, .start = nullptr, .tolerance = 1e-7};
    expect_stationary(problem, fit_logistic(problem.x, problem.y, problem.use, options), 0.7, true);
    expect_stationary(problem, fit_ridge(problem.x, problem.y, problem.use, options), 0.7, false);
  }
}

TEST(LinearFitTest, TwoClassesAreALogisticRegressionOfTheirDifference) {
  const Problem problem = make_problem(3);
  std::vector<std::size_t> label;
  for (const float y : problem.y) label.push_back(y > 0 ? 1 : 0);
  const LinearFitOptions options{.penalty = 1, .start = nullptr, .tolerance = 1e-7};
  const auto two = fit_multinomial(problem.x, label, 2, problem.use, options);
  // Splitting a weight over two classes halves what its square costs.
  const LinearFitOptions half{.penalty = 0.5, .start = nullptr, .tolerance = 1e-7};
  const LinearFunction one = fit_logistic(problem.x, problem.y, problem.use, half);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_NEAR(two[1].weights[k] - two[0].weights[k], one.weights[k], 1e-3);
  }
}

std::vector<Forecast> scored(std::uint64_t seed, std::size_t rows) {
  const RandomKey key(seed, 0, Purpose::kTest);
  std::vector<Forecast> all;
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream stream(key, i);
    const double z = stream.uniform() * 6 - 3;
    all.push_back({3 * z, stream.uniform() < sigmoid(0.5 * z + 0.4) ? 1.0 : 0.0});
  }
  return all;
}

TEST(CalibrationTest, LogisticFindsTheCurve) {
  const Calibration fit = fit_logistic_link(scored(1, 20'000));
  EXPECT_NEAR(fit.slope, 0.5 / 3, 0.02);
  EXPECT_NEAR(fit.offset, 0.4, 0.05);
}

TEST(CalibrationTest, AScoreThatRanksTheWrongWayIsTheBaseRate) {
  std::vector<Forecast> all = scored(2, 500);
  double mean = 0;
  for (Forecast& one : all) {
    one.probability = -one.probability;
    mean += one.truth / 500;
  }
  for (const Calibration& fit : {fit_logistic_link(all), fit_line(all)}) {
    EXPECT_EQ(fit.slope, 0);
    EXPECT_NEAR(fit(7), mean, 0.01);
  }
}

// The isotonic fit has the least squared error of all rising functions: no pooled neighbour pair,
// moved apart or together, does better, and means are kept.
TEST(CalibrationTest, StairsRiseAndKeepTheMean) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Forecast> all = scored(seed, 60);
    const Calibration fit = fit_stairs(all);
    double sum = 0, truth = 0;
    for (const Forecast& one : all) {
      sum += fit(one.probability);
      truth += one.truth;
    }
    EXPECT_NEAR(sum, truth, 1e-9);
    for (std::size_t i = 1; i < fit.steps.size(); ++i) {
      EXPECT_LT(fit.steps[i - 1].value, fit.steps[i].value);
      EXPECT_LT(fit.steps[i - 1].score, fit.steps[i].score);
    }
    // Any suffix of a block has a mean no higher than the block: else it would have been split.
    for (const auto& step : fit.steps) {
      EXPECT_EQ(fit(step.score), step.value);
    }
  }
}

// All rows that share anything with a query, nearest first, by sums in the order of the query.
std::vector<Neighbours::Near> slow_find(const SparseRows& rows,
                                        std::span<const SparseRows::Entry> query) {
  std::vector<Neighbours::Near> all;
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    float similarity = 0;
    for (const auto& asked : query) {
      for (const auto& entry : rows.row(row)) {
        if (entry.column == asked.column) similarity += asked.value * entry.value;
      }
    }
    if (similarity > 0) all.push_back({row, std::min(1.0f, similarity)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
  return all;
}

// To the last bit, with ties in order of rows, and with a scratch that other indices used.
TEST(NeighboursTest, FindsExactlyWhatASlowSearchFinds) {
  Neighbours::Scratch scratch;
  for (const std::size_t count_rows : {1, 15, 16, 17, 200}) {
    SparseRows rows;
    rows.columns = 60;
    std::vector<std::size_t> use;
    for (std::size_t i = 0; i < count_rows; ++i) {
      RandomStream stream(RandomKey(6, 0, Purpose::kTest), i % 50);  // Rows come again.
      for (std::uint32_t k = 0; k < 60; ++k) {
        if (stream.below(9) == 0) {
          rows.entries.push_back({k, static_cast<float>(stream.uniform())});
        }
      }
      rows.end_row();
      use.push_back(i);
    }
    const Neighbours neighbours = Neighbours::sparse(rows, use);
    for (std::uint32_t query = 0; query < count_rows; ++query) {
      const auto asked = neighbours.rows().row(query);
      const auto slow = slow_find(neighbours.rows(), asked);
      for (const std::size_t count : {1, 5, 16, 300}) {
        const auto near = neighbours.find(asked, count, scratch);
        ASSERT_EQ(near.size(), std::min(count, slow.size()));
        for (std::size_t i = 0; i < near.size(); ++i) {
          ASSERT_EQ(near[i].row, slow[i].row);
          ASSERT_EQ(near[i].similarity, slow[i].similarity);
        }
      }
      for (const auto& near : neighbours.find(asked, 300, scratch, query)) {
        ASSERT_NE(near.row, query);
      }
    }
  }
}

TEST(NeighboursTest, FindsWhatASlowSearchFinds) {
  const RandomKey key(5, 0, Purpose::kTest);
  SparseRows rows;
  rows.columns = 40;
  std::vector<std::size_t> use;
  for (std::size_t i = 0; i < 60; ++i) {
    RandomStream stream(key, i);
    double square = 0;
    const std::size_t begin = rows.entries.size();
    for (std::uint32_t k = 0; k < 40; ++k) {
      if (stream.below(4) != 0) continue;
      rows.entries.push_back({k, static_cast<float>(stream.uniform())});
      square += static_cast<double>(rows.entries.back().value * rows.entries.back().value);
    }
    for (std::size_t e = begin; e < rows.entries.size(); ++e) {
      rows.entries[e].value /= static_cast<float>(std::sqrt(square));
    }
    rows.end_row();
    use.push_back(i);
  }
  const Neighbours neighbours = Neighbours::sparse(rows, use);
  Neighbours::Scratch scratch;
  for (std::uint32_t query = 0; query < 60; ++query) {
    std::vector<double> dense(40, 0);
    for (const auto& entry : rows.row(query))
      dense[entry.column] = static_cast<double>(entry.value);
    double best = 0;
    for (std::uint32_t row = 0; row < 60; ++row) {
      if (row != query) best = std::max(best, dot(rows.row(row), dense.data()));
    }
    const auto near = neighbours.find(rows.row(query), 3, scratch, query);
    ASSERT_EQ(near.size(), 3u);
    EXPECT_NEAR(static_cast<double>(near[0].similarity), best, 1e-5);
    EXPECT_GE(near[0].similarity, near[1].similarity);
    EXPECT_EQ(neighbours.find(rows.row(query), 1, scratch)[0].row, query);
  }
}

}  // namespace
}  // namespace fare
