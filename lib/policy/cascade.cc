#include "fare/cascade.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/r_c_shortest_paths.hpp>
#include <cmath>
#include <tuple>
#include <vector>

#include "fare/check.h"

namespace fare {
namespace {

constexpr Int128 kBillion = 1'000'000'000;
constexpr Int128 kOne = kBillion * kBillion;  // Of a reach or a quality.
constexpr Int128 kFloorSlack = 1'000'000;     // 1e-12.
constexpr Int128 kCostMax = kOne;             // A million dollars.
constexpr std::int64_t kCentury = 3'155'760'000;

Int128 rounded(Int128 numerator, Int128 denominator) {
  return (numerator + denominator / 2) / denominator;
}

Int128 billionths(double probability) {
  FARE_CHECK(probability >= 0);
  FARE_CHECK(probability <= 1);
  return static_cast<Int128>(std::llround(probability * 1e9));
}

void check_call(Cost cost, Duration time) {
  FARE_CHECK(cost >= Cost());
  FARE_CHECK(cost.count() <= kCostMax);
  FARE_CHECK(time >= Duration(0));
  FARE_CHECK(time <= std::chrono::seconds(kCentury));
}

// What a target and its score come to, in integers.
struct Stage {
  Int128 good;       // Billionths: the answer is good.
  Int128 kept;       // Billionths: it is good and accepted.
  Int128 escalated;  // Billionths: it is not accepted.
  Int128 cost;
  std::int64_t latency;
};

Stage stage_of(const CascadeTarget& target, const CascadeScorer& scorer) {
  const Int128 accept = billionths(scorer.true_accept);
  const Int128 mistake = billionths(scorer.false_accept);
  check_call(scorer.cost, scorer.time);
  check_call(target.cost, target.latency);
  const Int128 good = billionths(target.quality);
  const Int128 accepted = rounded(good * accept + (kBillion - good) * mistake, kBillion);
  return {good, rounded(good * accept, kBillion), kBillion - accepted, target.cost.count(),
          target.latency.count()};
}

std::vector<Stage> stages_of(std::span<const CascadeTarget> targets, const CascadeScorer& scorer) {
  std::vector<Stage> stages;
  for (const CascadeTarget& target : targets) stages.push_back(stage_of(target, scorer));
  return stages;
}

// A partial plan, up to and with the call of its last stage, not yet with its score.
struct Label {
  Int128 cost = 0;
  Int128 reach = kOne;    // Of the last stage.
  Int128 quality = 0;     // Of answers accepted so far.
  std::int64_t time = 0;  // At most eight centuries: fits.
  std::uint32_t tried = 0;
  std::size_t count = 0;

  auto key() const { return std::tie(cost, reach, quality, time, tried, count); }
  friend bool operator==(const Label& a, const Label& b) { return a.key() == b.key(); }
  friend bool operator<(const Label& a, const Label& b) { return a.key() < b.key(); }

  void call(const Stage& stage, std::size_t index) {
    cost += rounded(reach * stage.cost, kOne);
    time += stage.latency;
    tried |= std::uint32_t{1} << index;
    ++count;
  }
  void escalate(const Stage& stage, const CascadeScorer& scorer) {
    cost += rounded(reach * scorer.cost.count(), kOne);
    time += scorer.time.count();
    quality += rounded(reach * stage.kept, kBillion);
    reach = rounded(reach * stage.escalated, kBillion);
  }
  void finish(const Stage& stage) { quality += rounded(reach * stage.good, kBillion); }
};

CascadeOutlook outlook_of(const Label& done) {
  return {Cost(done.cost), static_cast<double>(done.quality) / 1e18, Duration(done.time),
          static_cast<double>(done.reach) / 1e18};
}

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    boost::property<boost::edge_index_t, std::size_t>>;
using Edge = boost::graph_traits<Graph>::edge_descriptor;

// Vertices 0 ... n - 1 are targets, n is where a plan begins, n + 1 where it ends.
Graph graph_of(std::size_t targets) {
  Graph graph(targets + 2);
  std::size_t edges = 0;
  const auto add = [&](std::size_t from, std::size_t to) {
    boost::add_edge(from, to, edges++, graph);
  };
  for (std::size_t i = 0; i < targets; ++i) {
    add(targets, i);
    for (std::size_t j = 0; j < targets; ++j) {
      if (i != j) add(i, j);
    }
    add(i, targets + 1);
  }
  return graph;
}

// What bounds the search beside the question's own bounds.
struct Limits {
  Int128 floor = 0;
  std::int64_t time_max = 0;
  std::optional<Int128> cost;   // Of some plan that will do; nothing dearer is worth a look.
  std::vector<Int128> quality;  // By stages left: above what any of them together may give.
};

// The quality that stages may add to a partial plan at `stage` is at most its reach times this.
Int128 quality_ahead(const Stage& stage, Int128 after) {
  return std::max(stage.good * kBillion,
                  stage.kept * kBillion + rounded(stage.escalated * after, kBillion) + 2);
}

// Extends a partial plan by an edge; false if that breaks a bound.
struct Extend {
  const std::vector<Stage>& stages;
  const CascadeScorer& scorer;
  const CascadeBounds& bounds;
  const Limits& limits;

  bool operator()(const Graph& graph, Label& to, const Label& from, Edge edge) const {
    to = from;
    const std::size_t source = boost::source(edge, graph);
    const std::size_t target = boost::target(edge, graph);
    if (target > stages.size()) {
      to.finish(stages[source]);
      return to.quality >= limits.floor;
    }
    if ((from.tried >> target & 1) != 0 || from.count == bounds.stages_max) return false;
    if (source < stages.size()) to.escalate(stages[source], scorer);
    to.call(stages[target], target);
    return to.time <= limits.time_max && may_do(to, stages[target]);
  }

  // Whether a plan that begins so may still reach the floor, and be cheaper than the one known.
  bool may_do(const Label& label, const Stage& last) const {
    if (limits.cost && label.cost > *limits.cost) return false;
    // In billionths of the reach, so that the product fits; rounded up.
    const Int128 ahead = quality_ahead(last, limits.quality[bounds.stages_max - label.count]);
    return label.quality + (label.reach / kBillion + 1) * (ahead / kBillion + 1) >= limits.floor;
  }
};

// A cheap plan that will do, among those of one and two stages, if there is one.
std::optional<Int128> cost_of_short_plans(const std::vector<Stage>& stages,
                                          const CascadeScorer& scorer, const CascadeBounds& bounds,
                                          const Limits& limits) {
  std::optional<Int128> least;
  const auto offer = [&](Label label, const Stage& last) {
    label.finish(last);
    const bool will_do = label.quality >= limits.floor && label.time <= limits.time_max;
    if (will_do && (!least || label.cost < *least)) least = label.cost;
  };
  for (std::size_t i = 0; i < stages.size(); ++i) {
    Label one;
    one.call(stages[i], i);
    offer(one, stages[i]);
    if (bounds.stages_max < 2) continue;
    one.escalate(stages[i], scorer);
    for (std::size_t j = 0; j < stages.size(); ++j) {
      if (j == i) continue;
      Label two = one;
      two.call(stages[j], j);
      offer(two, stages[j]);
    }
  }
  return least;
}

Limits limits_of(const std::vector<Stage>& stages, const CascadeScorer& scorer,
                 const CascadeBounds& bounds) {
  Limits limits;
  limits.floor = billionths(bounds.quality_floor) * kBillion - kFloorSlack;
  limits.time_max = bounds.latency_bound.value_or(Duration::max()).count();
  limits.cost = cost_of_short_plans(stages, scorer, bounds, limits);
  limits.quality = {0};
  for (std::size_t left = 1; left <= bounds.stages_max; ++left) {
    Int128 best = 0;
    for (const Stage& stage : stages) {
      best = std::max(best, quality_ahead(stage, limits.quality[left - 1]));
    }
    limits.quality.push_back(best);
  }
  return limits;
}

// Whatever `b` can go on to, `a` can, and it will cost no more and be as good.  What is still to
// come adds reach * G >= 0 to the cost and reach * H to the quality, 0 <= H <= 1; linear in H, so
// both ends decide, and the end at 0 follows from the other one and the reaches.
struct Dominates {
  bool operator()(const Label& a, const Label& b) const {
    return a.cost <= b.cost && a.reach <= b.reach && a.quality + a.reach >= b.quality + b.reach &&
           a.time <= b.time && (a.tried & ~b.tried) == 0 && a.count <= b.count;
  }
};

}  // namespace

CascadeOutlook evaluate_cascade(std::span<const CascadeTarget> targets, const CascadeScorer& scorer,
                                std::span<const std::uint8_t> plan) {
  FARE_CHECK(!plan.empty());
  FARE_CHECK(plan.size() <= kAttemptsMax);
  Label label;
  Stage last{};
  for (const std::uint8_t at : plan) {
    FARE_CHECK(at < targets.size());
    if (label.count > 0) label.escalate(last, scorer);
    last = stage_of(targets[at], scorer);
    label.call(last, at % kCandidatesMax);
  }
  label.finish(last);
  return outlook_of(label);
}

std::optional<CascadePlan> plan_cascade(std::span<const CascadeTarget> targets,
                                        const CascadeScorer& scorer, const CascadeBounds& bounds) {
  FARE_CHECK(targets.size() <= kCandidatesMax);
  FARE_CHECK(bounds.stages_max >= 1);
  FARE_CHECK(bounds.stages_max <= kAttemptsMax);
  const std::size_t n = targets.size();
  const std::vector<Stage> stages = stages_of(targets, scorer);
  const Graph graph = graph_of(n);
  const Limits limits = limits_of(stages, scorer, bounds);
  const Extend extend{stages, scorer, bounds, limits};
  std::vector<std::vector<Edge>> paths;
  std::vector<Label> labels;
  boost::r_c_shortest_paths(graph, boost::get(boost::vertex_index, graph),
                            boost::get(boost::edge_index, graph), n, n + 1, paths, labels, Label{},
                            extend, Dominates{},
                            std::allocator<boost::r_c_shortest_paths_label<Graph, Label>>(),
                            boost::default_r_c_shortest_paths_visitor());
  const auto best = std::min_element(labels.begin(), labels.end());
  if (best == labels.end() || best->count == 0) return std::nullopt;
  const std::vector<Edge>& path = paths[static_cast<std::size_t>(best - labels.begin())];
  CascadePlan plan;
  // A path stands in the order from its end to its beginning.
  for (auto edge = path.rbegin(); edge != path.rend(); ++edge) {
    const std::size_t target = boost::target(*edge, graph);
    if (target < n) plan.stages.push_back(static_cast<std::uint8_t>(target));
  }
  plan.outlook = outlook_of(*best);
  return plan;
}

}  // namespace fare
