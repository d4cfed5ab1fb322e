#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.
#include <vector>   // std::vector.

namespace routesim {

// What money buys when a router chooses among several targets.
//
// Definitions are RouterBench's (Hu et al., "RouterBench: A benchmark for multi-LLM routing
// systems", 2024): the router takes the target with the largest lambda * quality - cost, as it
// forecasts them; every lambda is a point of mean cost and mean quality; their rising convex hull
// is what mixing the points can reach; AIQ is the mean height of the hull over a range of costs.
struct MenuRow {
  std::vector<double> quality, dollars;                    // What came true, by target.
  std::vector<double> forecast_quality, forecast_dollars;  // What the router believed.
};

struct CostPoint {
  double dollars;  // A mean, a request.
  double quality;
};

// Which target each row takes, by lambda.
using Choices = std::vector<std::vector<std::uint32_t>>;

// REQUIRES: `rows` not empty, all with the same number of targets, here and below.
Choices sweep(std::span<const MenuRow> rows);

// Every row takes the same target, one target after the other: the points of no router at all.
Choices single_targets(std::span<const MenuRow> rows);

struct CostFront {
  std::vector<CostPoint> hull;  // Ascending in both.
  double aiq = 0;               // Over [cheapest, dearest single target]; the cheapest one is part
                                // of every hull: any router can be told to take it always.
  double aiq_published = 0;     // As the published program: from the hull's own cheapest point,
                                // extended to the dearest target, divided by that cost.
  double cost_at_95 = 0;  // The least cost with 95 % of the best single target's quality, as a
                          // share of what that target costs; infinite if out of reach.
};

// `weight`: how often each row counts (a bootstrap sample); empty: once.
CostFront cost_front(std::span<const MenuRow> rows, const Choices& choices,
                     std::span<const std::uint32_t> weight);

// The mean cost and quality of every single target.
std::vector<CostPoint> single_points(std::span<const MenuRow> rows,
                                     std::span<const std::uint32_t> weight);

}  // namespace routesim
