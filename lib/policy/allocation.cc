#include "fare/allocation.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/successive_shortest_path_nonnegative_weights.hpp>
#include <numeric>

#include "fare/check.h"

namespace fare {
namespace {

constexpr std::size_t kClassesMost = 65;  // Those of a policy, and requests without one.
constexpr std::size_t kTargetsMost = 1'000;
constexpr std::int64_t kCountMax = 1'000'000'000'000;
constexpr Int128 kCostMax = 10'000'000'000'000'000;  // Picodollars: a path of 2 * 65 fits 64 bits.

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Edge = Traits::edge_descriptor;
struct Arc {
  std::int64_t capacity = 0;
  std::int64_t residual = 0;
  // Modulo 2^64: the algorithm adds to the greatest distance, that of vertices it does not reach.
  std::uint64_t weight = 0;
  Edge reverse{};
};
using Graph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, Arc>;

// Vertices: classes, then targets, then where flow begins and ends.
class Network {
 public:
  Network(std::size_t classes, std::size_t targets)
      : graph_(classes + targets + 2), source_(classes + targets), sink_(source_ + 1) {}

  Edge add(std::size_t from, std::size_t to, std::int64_t capacity, std::uint64_t weight) {
    const Edge forth = boost::add_edge(from, to, graph_).first;
    const Edge back = boost::add_edge(to, from, graph_).first;
    graph_[forth] = {capacity, 0, weight, back};
    graph_[back] = {0, 0, 0 - weight, forth};
    return forth;
  }

  void solve() {
    boost::successive_shortest_path_nonnegative_weights(
        graph_, source_, sink_,
        boost::capacity_map(boost::get(&Arc::capacity, graph_))
            .residual_capacity_map(boost::get(&Arc::residual, graph_))
            .weight_map(boost::get(&Arc::weight, graph_))
            .reverse_edge_map(boost::get(&Arc::reverse, graph_)));
  }

  std::int64_t flow(Edge edge) const { return graph_[edge].capacity - graph_[edge].residual; }
  std::size_t source() const { return source_; }
  std::size_t sink() const { return sink_; }

 private:
  Graph graph_;
  std::size_t source_;
  std::size_t sink_;
};

void check_question(const AllocationQuestion& question) {
  FARE_CHECK(question.requests.size() <= kClassesMost);
  FARE_CHECK(question.capacity.size() <= kTargetsMost);
  FARE_CHECK(question.cost.size() == question.requests.size() * question.capacity.size());
  const auto is_count = [](std::int64_t count) { return count >= 0 && count <= kCountMax; };
  FARE_CHECK(std::all_of(question.requests.begin(), question.requests.end(), is_count));
  for (const std::optional<std::int64_t>& capacity : question.capacity) {
    FARE_CHECK(!capacity || is_count(*capacity));
  }
  for (const std::optional<Cost>& cost : question.cost) {
    FARE_CHECK(!cost || (cost->count() >= 0 && cost->count() <= kCostMax));
  }
}

}  // namespace

std::int64_t capacity_of_tokens(std::int64_t tokens, std::int64_t tokens_per_request) {
  FARE_CHECK(tokens >= 0);
  FARE_CHECK(tokens_per_request > 0);
  return tokens / tokens_per_request;
}

Allocation allocate(const AllocationQuestion& question) {
  check_question(question);
  const std::size_t classes = question.requests.size();
  const std::size_t targets = question.capacity.size();
  const std::int64_t all =
      std::accumulate(question.requests.begin(), question.requests.end(), std::int64_t{0});
  Network network(classes, targets);
  for (std::size_t c = 0; c < classes; ++c) {
    network.add(network.source(), c, question.requests[c], 0);
  }
  for (std::size_t t = 0; t < targets; ++t) {
    network.add(classes + t, network.sink(), question.capacity[t].value_or(all), 0);
  }
  std::vector<std::optional<Edge>> edges(question.cost.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (!question.cost[i]) continue;
    const std::size_t c = i / targets;
    edges[i] = network.add(c, classes + i % targets, question.requests[c],
                           static_cast<std::uint64_t>(question.cost[i]->count()));
  }
  network.solve();
  Allocation allocation;
  allocation.flow.resize(edges.size());
  std::int64_t served = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (!edges[i]) continue;
    const std::int64_t flow = network.flow(*edges[i]);
    allocation.flow[i] = flow;
    allocation.cost += Cost(question.cost[i]->count() * flow);
    served += flow;
  }
  allocation.unserved = all - served;
  allocation.is_feasible = allocation.unserved == 0;
  return allocation;
}

}  // namespace fare
