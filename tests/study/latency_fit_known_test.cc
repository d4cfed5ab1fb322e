#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "places.h"
#include "study/latency_fit_hosted.h"
#include "study/latency_fit_items.h"
#include "study/latency_fit_rows.h"
#include "study/prompt_history.h"
#include "traffic/prompt_trace.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Tokens;

constexpr Eigen::Index kKnown = 13;
using Known = Eigen::Matrix<double, kKnown, 1>;
// Calls alike in all of this are copies of one.
using CallKey = std::tuple<std::uint32_t, Duration, Tokens, Tokens, Duration, Duration>;

double log_of(Duration time) { return std::log1p(static_cast<double>(time.count()) / 1e9); }
double log_of(Tokens tokens) { return std::log1p(static_cast<double>(tokens.count())); }
double thousands(Tokens tokens) { return static_cast<double>(tokens.count()) / 1'000; }

// One session's calls in order of time: what is known of each before it is answered, and the shape
// of its answer.
class KnownCalls {
 public:
  Known add(const PromptTrace& trace, const PromptCall& call) {
    const auto blocks =
        static_cast<std::int64_t>(history_.read(trace.blocks(call), call.model, call.at));
    const Tokens cached(blocks * call.block_tokens.count());
    history_.store(trace.blocks(call), call.model, call.at, call.at + std::chrono::seconds(2));
    const auto busy =
        std::count_if(ends_.begin(), ends_.end(), [&](Duration end) { return end > call.at; });
    ends_.push_back(call.at + std::max(call.answer, Duration()));
    const double output = log_of(call.output);
    Known known;
    known << log_of(call.input - cached), log_of(cached), thousands(call.input - cached),
        log_of(call.think), log_of(call.at), std::log(static_cast<double>(ends_.size())),
        call.agent > 0, static_cast<double>(busy), call.first_token != kUnrecorded,
        call.input_items, call.output_items, output, output * output;
    return known;
  }

 private:
  PromptHistory history_{{.minimum_blocks = 16, .ttl = std::chrono::hours(1)}};
  std::vector<Duration> ends_;
};

std::map<CallKey, Known> known_of(const PromptTrace& trace) {
  std::vector<std::size_t> order(trace.calls.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&trace](std::size_t a, std::size_t b) {
    return trace.calls[a].at < trace.calls[b].at;
  });
  std::vector<KnownCalls> sessions(trace.sessions.size());
  std::map<CallKey, Known> known;
  for (const std::size_t i : order) {
    const PromptCall& call = trace.calls[i];
    const Known one = sessions[call.session].add(trace, call);
    known.try_emplace({call.model, call.at, call.input, call.output, call.first_token, call.answer},
                      one);
  }
  return known;
}

// The rows of one model and half: what is known of them, and ln(total / median of what a fit
// draws).
struct Offs {
  Eigen::MatrixXd known;
  Eigen::VectorXd off;
  std::vector<std::uint32_t> sessions;
};

Offs offs_of(const LatencyRows& rows, const std::map<CallKey, Known>& known, SessionHalf half,
             const HostedFit& fit) {
  constexpr std::ptrdiff_t kDraws = 41;
  const HostedItems items = hosted_items(rows, fit.model, half);
  std::vector<double> drawn = drawn_totals(items, fit, 1, kDraws);
  const auto count = static_cast<Eigen::Index>(items.size());
  Offs offs{.known = Eigen::MatrixXd(count, kKnown), .off = Eigen::VectorXd(count), .sessions = {}};
  Eigen::Index next = 0;
  for (const LatencyRow& row : rows.rows) {
    const bool is_even = row.session % 2 == 0;
    const bool is_in = is_even == (half == SessionHalf::kEven) && row.total > Duration();
    if (row.model != fit.model || !is_in) continue;
    const auto begin = drawn.begin() + kDraws * next;
    std::nth_element(begin, begin + kDraws / 2, begin + kDraws);
    offs.off[next] = std::log(static_cast<double>(row.total.count()) / 1e6 / begin[kDraws / 2]);
    offs.known.row(next++) =
        known.at({row.model, row.at, row.input, row.output, row.first_token, row.total});
    offs.sessions.push_back(row.session);
  }
  EXPECT_EQ(next, count);
  return offs;
}

// The offs without what is known explains, by a line through those of the fitted half (least
// squares with a ridge of 1 %, in standard deviations, none beyond four of them).
struct Line {
  Eigen::RowVectorXd middle, spread;
  Eigen::VectorXd slope;

  explicit Line(const Offs& fitted) {
    middle = fitted.known.colwise().mean();
    const Eigen::MatrixXd about = fitted.known.rowwise() - middle;
    spread = about.array().square().colwise().mean().sqrt().max(1e-9);
    const Eigen::MatrixXd x = standard(fitted);
    const auto rows = static_cast<double>(x.rows());
    const Eigen::MatrixXd normal =
        x.transpose() * x + 0.01 * rows * Eigen::MatrixXd::Identity(kKnown, kKnown);
    slope = normal.ldlt().solve(x.transpose() * fitted.off);
  }
  Eigen::MatrixXd standard(const Offs& offs) const {
    const Eigen::MatrixXd about = offs.known.rowwise() - middle;
    return (about.array().rowwise() / spread.array()).max(-4).min(4);
  }
  Eigen::VectorXd rest(const Offs& offs) const { return offs.off - standard(offs) * slope; }
};

double median(const Eigen::VectorXd& values) {
  std::vector<double> sorted(values.begin(), values.end());
  const double shares[] = {0.5};
  return quantiles_of(sorted, shares)[0];
}

// The standard deviation of sessions' levels, with what rows alone would make of it taken off
// (analysis of variance of a one-way layout).
double session_deviation(const Eigen::VectorXd& off, const std::vector<std::uint32_t>& sessions) {
  struct Sum {
    double rows = 0, sum = 0;
    double mean() const { return sum / rows; }
  };
  std::map<std::uint32_t, Sum> sums;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    sums[sessions[i]].rows += 1;
    sums[sessions[i]].sum += off[static_cast<Eigen::Index>(i)];
  }
  const auto count = static_cast<double>(sums.size());
  double mean = 0, between = 0, shares = 0, within = 0;
  for (const auto& [session, sum] : sums) mean += sum.mean() / count;
  for (const auto& [session, sum] : sums) {
    between += (sum.mean() - mean) * (sum.mean() - mean);
    shares += 1 / sum.rows;
  }
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const double about = off[static_cast<Eigen::Index>(i)] - sums[sessions[i]].mean();
    within += about * about;
  }
  const double row_variance = within / (static_cast<double>(sessions.size()) - count);
  const double noise = (count - 1) / count * shares * row_variance;
  return std::sqrt(std::max(0.0, between - noise) / (count - 1));
}

// Goal: why bar 5.3 cannot hold for every model.  Sessions of one model differ by 8 to 16 %, and
// what is known of their calls (new and cached input, the user's pause, the place in the session,
// sub-agents, other calls under way, streaming, content blocks, the answer's length), learnt on one
// half of the sessions and used on the other, leaves 68 to 97 % of that.  The medians of
// claude-sonnet-4's halves, 8 and 6 % off, come no nearer than 5 and 6 %.
TEST(LatencyFitKnownTest, MostOfWhatSessionsDifferByIsNotKnownBefore) {
  const std::string path =
      std::string(fare::kSourceDir) +
      "/../shared/data/traces/claudecode_weka/claudecode_sessions_rle.jsonl.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the Claude Code sessions are not there";
  const auto trace = read_prompt_trace(path, {.format = PromptFormat::kClaudeCode});
  ASSERT_TRUE(trace) << fare::to_text(trace.error());
  const auto rows = read_latency_rows(path, LatencyFormat::kClaudeCode);
  ASSERT_TRUE(rows) << fare::to_text(rows.error());
  const std::map<CallKey, Known> known = known_of(*trace);
  std::vector<double> ratios;
  double sonnet_off = 0;
  for (std::uint32_t model = 0; model < rows->models.size(); ++model) {
    for (const SessionHalf half : {SessionHalf::kEven, SessionHalf::kOdd}) {
      const SessionHalf other = half == SessionHalf::kEven ? SessionHalf::kOdd : SessionHalf::kEven;
      SCOPED_TRACE(rows->models[model] + (half == SessionHalf::kEven ? " from even" : " from odd"));
      if (hosted_items(*rows, model, half).size() < 900) continue;
      const auto fit = fit_hosted(*rows, model, half);
      ASSERT_TRUE(fit);
      const Offs fitted = offs_of(*rows, known, half, *fit);
      const Offs held_out = offs_of(*rows, known, other, *fit);
      const Line line(fitted);
      const Eigen::VectorXd rest = line.rest(held_out);
      const double before = session_deviation(held_out.off, held_out.sessions);
      const double after = session_deviation(rest, held_out.sessions);
      EXPECT_GT(before, 0.07);
      EXPECT_LT(before, 0.18);
      ratios.push_back(after / before);
      if (rows->models[model] != "claude-sonnet-4-20250514") continue;
      EXPECT_GT(std::abs(median(held_out.off) - median(fitted.off)), 0.05);
      const double off = std::abs(median(rest) - median(line.rest(fitted)));
      EXPECT_GT(off, 0.04);
      sonnet_off = std::max(sonnet_off, off);
    }
  }
  ASSERT_EQ(ratios.size(), 8u);
  EXPECT_GT(sonnet_off, 0.05);
  EXPECT_GT(*std::min_element(ratios.begin(), ratios.end()), 0.6);
  EXPECT_LT(*std::max_element(ratios.begin(), ratios.end()), 1);  // The line does learn something.
  EXPECT_NEAR(std::accumulate(ratios.begin(), ratios.end(), 0.0) / 8, 0.82, 0.08);
}

}  // namespace
}  // namespace routesim
