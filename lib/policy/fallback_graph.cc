#include "policy/fallback_graph.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/strong_components.hpp>
#include <optional>

#include "policy/policy_reading.h"

namespace fare {
namespace {

// An edge's property is its place in fallback_edges().
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    boost::property<boost::edge_index_t, std::size_t>>;
using Edge = boost::graph_traits<Graph>::edge_descriptor;

// Remembers by which edge each vertex was found.
struct Finder : boost::default_bfs_visitor {
  explicit Finder(std::vector<std::optional<std::size_t>>& found) : found_by(&found) {}
  void tree_edge(Edge edge, const Graph& graph) {
    (*found_by)[boost::target(edge, graph)] = boost::get(boost::edge_index, graph, edge);
  }
  std::vector<std::optional<std::size_t>>* found_by;
};

// The shortest way from `start` back to it; empty if there is none.
std::vector<FallbackEdge> way_round(const Graph& graph, const std::vector<FallbackEdge>& edges,
                                    std::uint16_t start) {
  std::vector<std::optional<std::size_t>> found_by(boost::num_vertices(graph));
  boost::breadth_first_search(graph, start, boost::visitor(Finder(found_by)));
  const auto steps_to = [&](std::uint16_t vertex) {
    std::size_t steps = 0;
    for (; vertex != start; vertex = edges[*found_by[vertex]].from) ++steps;
    return steps;
  };
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (edges[i].to != start) continue;
    if (edges[i].from != start && !found_by[edges[i].from]) continue;
    if (!last || steps_to(edges[i].from) < steps_to(edges[*last].from)) last = i;
  }
  std::vector<FallbackEdge> path;
  if (!last) return path;
  path.push_back(edges[*last]);
  while (path.back().from != start) path.push_back(edges[*found_by[path.back().from]]);
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace

std::vector<FallbackEdge> fallback_edges(const PolicyData& data) {
  std::vector<FallbackEdge> edges;
  for (std::size_t r = 0; r < data.rules.size(); ++r) {
    const PolicyRule& rule = data.rules[r];
    for (const std::uint16_t from : rule.candidates) {
      for (const std::uint16_t to : rule.fallback) {
        if (!contains(rule.candidates, to)) edges.push_back({from, to, r});
      }
    }
  }
  return edges;
}

std::vector<std::vector<FallbackEdge>> fallback_cycles(const PolicyData& data) {
  const std::vector<FallbackEdge> edges = fallback_edges(data);
  Graph graph(data.targets.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    boost::add_edge(edges[i].from, edges[i].to, i, graph);
  }
  std::vector<std::size_t> component(data.targets.size());
  const std::size_t count = boost::strong_components(
      graph,
      boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, graph)));
  std::vector<std::size_t> size(count);
  for (const std::size_t one : component) ++size[one];
  std::vector<bool> told(count);
  std::vector<std::vector<FallbackEdge>> cycles;
  for (std::size_t t = 0; t < component.size(); ++t) {
    if (size[component[t]] < 2 || told[component[t]]) continue;
    told[component[t]] = true;
    cycles.push_back(way_round(graph, edges, static_cast<std::uint16_t>(t)));
  }
  return cycles;
}

std::string path_of(const PolicyData& data, const std::vector<FallbackEdge>& path) {
  std::string text;
  for (const FallbackEdge& edge : path) {
    if (text.empty()) text = data.targets[edge.from].name;
    text += " -> " + data.targets[edge.to].name;
  }
  return text;
}

}  // namespace fare
