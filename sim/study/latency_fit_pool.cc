#include "study/latency_fit_pool.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "fare/check.h"
#include "world/pool.h"

namespace routesim {
namespace {

using fare::Duration;
// The unknowns: the coefficients, and the overhead.
constexpr unsigned kUnknowns = kPoolCoefficients + 1;
constexpr unsigned kOverhead = kPoolCoefficients;
using Matrix = Eigen::Matrix<double, kUnknowns, kUnknowns>;
using Vector = Eigen::Matrix<double, kUnknowns, 1>;

constexpr std::size_t kRoundsMax = 60;
constexpr double kSettled = 1e-6;
constexpr double kBaseMin = 0.001;  // Of a BatchModel.

double to_us(Duration time) { return static_cast<double>(time.count()) / 1e3; }

PoolReplay::Work work_of(const BatchWork& done) {
  return {static_cast<double>(done.iterations), static_cast<double>(done.sequences),
          std::ldexp(static_cast<double>(done.resident_tokens), -Batch::kTokenBits),
          static_cast<double>(done.prefill_tokens)};
}

void subtract(PoolReplay::Work& from, const PoolReplay::Work& work) {
  for (std::size_t k = 0; k < work.size(); ++k) from[k] -= work[k];
}

class Replay {
 public:
  Replay(const LatencyRows& rows, const PoolModel& model)
      : rows_(rows.rows), model_(model), pool_(model, {0, 0, fare::Purpose::kTest}) {
    replay_.answers.resize(rows_.size());
    replicas_.resize(rows_.size());
  }

  PoolReplay run() {
    const std::int64_t places = model_.batch.sequences_max * model_.scaling.replicas_max;
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
      const Duration at = rows_[i].at + model_.overhead;
      while (pool_.next_change() && *pool_.next_change() < at) change();
      events_.clear();
      pool_.send({.slot = i,
                  .entity = i,
                  .input = rows_[i].input,
                  .cached = fare::Tokens(),
                  .output = rows_[i].output},
                 at, events_);
      const auto open = static_cast<std::int64_t>(pool_.requests()) - 1;
      replay_.answers[i].full = 2 * open >= places;
      replay_.answers[i].rejected = !events_.empty();
      replicas_[i] = pool_.replica_of(i).value_or(0);
    }
    while (pool_.next_change()) change();
    replay_.preemptions = pool_.totals(last_).done.preemptions;
    return std::move(replay_);
  }

 private:
  void change() {
    last_ = *pool_.next_change();
    events_.clear();
    pool_.advance(last_, events_);
    for (const PoolEvent& event : events_) {
      PoolReplay::Answer& answer = replay_.answers[event.slot];
      const Duration since = last_ - rows_[event.slot].at;
      const PoolReplay::Work done = work_of(pool_.done(replicas_[event.slot]));
      if (event.kind == PoolEventKind::kStarted) {
        answer.started = since;
        answer.to_first = done;
      } else if (event.kind == PoolEventKind::kFirstToken) {
        answer.first_token = since;
        answer.to_last = done;
        PoolReplay::Work first = done;
        subtract(first, answer.to_first);
        answer.to_first = first;
      } else if (event.kind == PoolEventKind::kFinished) {
        answer.total = since;
        PoolReplay::Work last = done;
        subtract(last, answer.to_last);
        answer.to_last = last;
      }
    }
  }

  const std::vector<LatencyRow>& rows_;
  const PoolModel& model_;
  Pool pool_;
  PoolReplay replay_;
  std::vector<std::size_t> replicas_;
  std::vector<PoolEvent> events_;
  Duration last_{};
};

// The least of x'Ax - 2 b'x over x >= 0, by trying which coefficients are zero.
Vector least_squares(const Matrix& a, const Vector& b) {
  Vector best = Vector::Zero();
  double least = std::numeric_limits<double>::infinity();
  for (unsigned set = 1; set < (1u << kUnknowns); ++set) {
    Matrix part = Matrix::Identity();
    Vector right = Vector::Zero();
    for (unsigned i = 0; i < kUnknowns; ++i) {
      if ((set >> i & 1u) == 0) continue;
      right[i] = b[i];
      for (unsigned j = 0; j < kUnknowns; ++j) {
        if (set >> j & 1u) part(i, j) = a(i, j);
      }
    }
    const Vector x = part.ldlt().solve(right);
    const double value = x.dot(a * x) - 2 * b.dot(x);
    if (x.minCoeff() < 0 || !(value < least)) continue;
    least = value;
    best = x;
  }
  return best;
}

// The geometric mean of the priors' ratios to their base; 0 for what none of them has.
PoolCoefficients prior_ratios(const std::vector<PoolCoefficients>& priors) {
  PoolCoefficients ratios{};
  for (std::size_t k = 1; k < kPoolCoefficients; ++k) {
    double sum = 0;
    int count = 0;
    for (const PoolCoefficients& prior : priors) {
      if (prior[k] <= 0 || prior[0] <= 0) continue;
      sum += std::log(prior[k] / prior[0]);
      ++count;
    }
    if (count > 0) ratios[k] = std::exp(sum / count);
  }
  return ratios;
}

// Normal equations of one kind of time, in units of `scale` and of the times themselves.
struct Equations {
  Matrix a = Matrix::Zero();
  Vector b = Vector::Zero();
  double count = 0;

  void add(const PoolReplay::Work& work, double constant, double time, double known,
           const Vector& scale) {
    Vector row;
    for (unsigned k = 0; k < kPoolCoefficients; ++k) row[k] = work[k] * scale[k] / time;
    row[kOverhead] = constant * scale[kOverhead] / time;
    parts += row;
    a += row * row.transpose();
    b += row * (1 - known / time);
    squares += (1 - known / time) * (1 - known / time);
    count += 1;
  }

  // The mean squared relative error that x leaves.
  double error(const Vector& x) const {
    return count == 0 ? 0 : std::max(1e-8, (x.dot(a * x) - 2 * b.dot(x) + squares) / count);
  }

  Vector parts = Vector::Zero();  // The sum of what the unknowns make up of each time.
  double squares = 0;
};

struct System {
  Equations answers, first_tokens;
  Vector iteration = Vector::Zero();  // What all iterations of the answers did: the parts' measure.
};

System system_of(const LatencyRows& rows, const PoolReplay& replay, std::size_t count,
                 Duration overhead, const Vector& scale) {
  System system;
  for (std::size_t i = 0; i < count; ++i) {
    const LatencyRow& row = rows.rows[i];
    const PoolReplay::Answer& answer = replay.answers[i];
    const double answered = to_us(row.total - row.first_token);
    if (row.output.count() > 1 && answered > 0) {
      system.answers.add(answer.to_last, 0, answered, 0, scale);
      for (unsigned k = 0; k < kPoolCoefficients; ++k) {
        system.iteration[k] += answer.to_last[k] * scale[k];
      }
    }
    const double first = to_us(row.first_token);
    if (answer.full || first <= 0) continue;
    const double in_line = to_us(answer.started - overhead);
    system.first_tokens.add(answer.to_first, 1, first, in_line, scale);
  }
  return system;
}

// Draws each coefficient to `ratio` times the base, measured by its part of an iteration; and where
// nothing else decides, to none of it.
void add_priors(const PoolCoefficients& ratios, const System& system, const Vector& scale,
                double prior_weight, double weight, Matrix& a) {
  constexpr double kTie = 1e-9;
  const double whole = system.iteration[0];
  if (whole <= 0) return;
  for (unsigned k = 1; k < kPoolCoefficients; ++k) {
    const double part = system.iteration[k] / whole;
    a(k, k) += kTie * weight * part * part;
    if (ratios[k] <= 0) continue;
    Vector pull = Vector::Zero();
    pull[k] = part;
    pull[0] = -ratios[k] * part * scale[0] / scale[k];
    a += prior_weight * weight * pull * pull.transpose();
  }
}

Vector solve(const System& system, const PoolCoefficients& ratios, const Vector& scale,
             double prior_weight, const Vector& before) {
  const double of_answers = 1 / system.answers.error(before);
  const double of_first =
      system.first_tokens.count == 0 ? 0 : 1 / system.first_tokens.error(before);
  Matrix a = of_answers * system.answers.a + of_first * system.first_tokens.a;
  add_priors(ratios, system, scale, prior_weight, of_answers * system.answers.count, a);
  return least_squares(a, of_answers * system.answers.b + of_first * system.first_tokens.b);
}

// By how much a step changes the mean time of its kind, at most, relative to it.
double moved(const Equations& equations, const Vector& step) {
  if (equations.count == 0) return 0;
  return step.cwiseProduct(equations.parts).cwiseAbs().maxCoeff() / equations.count;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Half of the median time per token: a base to start from.
double first_base(const LatencyRows& rows, std::size_t count) {
  std::vector<double> per_token;
  for (std::size_t i = 0; i < count; ++i) {
    const LatencyRow& row = rows.rows[i];
    if (row.output.count() < 2) continue;
    per_token.push_back(to_us(row.total - row.first_token) /
                        static_cast<double>(row.output.count() - 1));
  }
  return std::max(1.0, median_of(std::move(per_token)) / 2);
}

}  // namespace

PoolCoefficients coefficients_of(const BatchModel& batch) {
  return {batch.base_us, batch.us_per_sequence, batch.us_per_resident_token,
          batch.us_per_prefill_token};
}

void set_coefficients(BatchModel& batch, const PoolCoefficients& coefficients) {
  batch.base_us = coefficients[0];
  batch.us_per_sequence = coefficients[1];
  batch.us_per_resident_token = coefficients[2];
  batch.us_per_prefill_token = coefficients[3];
}

PoolReplay replay_pool(const LatencyRows& rows, const PoolModel& model) {
  return Replay(rows, model).run();
}

PoolFit fit_pool(const LatencyRows& rows, const PoolFitOptions& options) {
  const std::size_t count = options.calibration_rows == 0
                                ? rows.rows.size()
                                : std::min(options.calibration_rows, rows.rows.size());
  const PoolCoefficients ratios = prior_ratios(options.priors);
  PoolFit fit;
  fit.pool = options.pool;
  const double base = first_base(rows, count);
  Vector now(base, base * 1e-3, base * 1e-6, base * 1e-3, 0.0);
  while (fit.rounds < kRoundsMax && !fit.settled) {
    ++fit.rounds;
    set_coefficients(fit.pool.batch, {now[0], now[1], now[2], now[3]});
    fit.pool.overhead = Duration(static_cast<std::int64_t>(now[kOverhead] * 1e3));
    const PoolReplay replay = replay_pool(rows, fit.pool);
    const Vector floor(1.0, now[0] * 1e-4, now[0] * 1e-7, now[0] * 1e-4, now[0]);
    const Vector scale = now.cwiseMax(floor);
    const System system = system_of(rows, replay, count, fit.pool.overhead, scale);
    const Vector before = now.cwiseQuotient(scale);
    const Vector x = solve(system, ratios, scale, options.prior_weight, before);
    fit.settled = moved(system.answers, x - before) < kSettled &&
                  moved(system.first_tokens, x - before) < kSettled;
    // Half of the way: the batches of the next replay follow the coefficients.
    now = (before + (x - before) / 2).cwiseProduct(scale);
    now[0] = std::max(now[0], kBaseMin);
  }
  set_coefficients(fit.pool.batch, {now[0], now[1], now[2], now[3]});
  fit.in_range = now[0] <= 1e6 && now[1] <= 1e3 && now[2] <= 1 && now[3] <= 1e4;
  return fit;
}

namespace {

class Mean {
 public:
  void add(double measured, double replayed) {
    ++count_;
    measured_ += measured;
    replayed_ += replayed;
    differences_ += std::abs(replayed - measured);
  }
  PoolError error() const {
    if (count_ == 0 || measured_ == 0) return {};
    const auto count = static_cast<double>(count_);
    return {.measured_mean = measured_ / count,
            .replayed_mean = replayed_ / count,
            .error_of_mean = replayed_ / measured_ - 1,
            .mean_abs_error = differences_ / measured_};
  }

 private:
  std::size_t count_ = 0;
  double measured_ = 0, replayed_ = 0, differences_ = 0;
};

}  // namespace

PoolErrors compare_pool(const LatencyRows& rows, const PoolReplay& replay, std::size_t from,
                        std::size_t to) {
  Mean first;
  Mean token;
  Mean total;
  for (std::size_t i = from; i < to; ++i) {
    const LatencyRow& row = rows.rows[i];
    const PoolReplay::Answer& answer = replay.answers[i];
    first.add(to_us(row.first_token) / 1e3, to_us(answer.first_token) / 1e3);
    total.add(to_us(row.total) / 1e3, to_us(answer.total) / 1e3);
    const auto later = static_cast<double>(row.output.count() - 1);
    if (later < 1) continue;
    token.add(to_us(row.total - row.first_token) / 1e3 / later,
              to_us(answer.total - answer.first_token) / 1e3 / later);
  }
  return {.rows = to - from,
          .first_token = first.error(),
          .per_output_token = token.error(),
          .end_to_end = total.error()};
}

}  // namespace routesim
