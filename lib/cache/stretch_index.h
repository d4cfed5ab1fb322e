#pragma once

#include <tsl/robin_map.h>
#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <vector>   // std::vector.

#include "cache/block_index.h"  // kNoNode.
#include "cache/stretch.h"      // NameLines.

namespace fare {

// Where the nodes of stretches stand: by a mark, 32 bits of the hash of what names a node, so that
// four entries share a cache line.  Nodes of the same mark are linked by their member `twin`, and
// whoever looks one up compares its whole name: of a million nodes some hundred have a twin.
template <class Node>
class StretchIndex {
 public:
  // The node of this mark for which `is(node)` holds; kNoNode if there is none.  The names of one
  // that is probably meant are fetched.
  template <class Is>
  std::uint32_t find(std::uint32_t mark, const std::vector<Node>& nodes, const NameLines& lines,
                     const Is& is) const {
    const auto found = places_.find(mark);
    if (found == places_.end()) return kNoNode;
    lines.fetch(found->second.line);
    std::uint32_t node = found->second.node;
    while (node != kNoNode && !is(nodes[node])) node = nodes[node].twin;
    return node;
  }

  // Enters a node; of equals the last one entered is found.
  void enter(std::uint32_t mark, std::uint32_t node, std::vector<Node>& nodes) {
    const auto [entry, is_new] = places_.try_emplace(mark);
    nodes[node].twin = is_new ? kNoNode : entry->second.node;
    entry.value() = {node, nodes[node].blocks.line};
  }

  // REQUIRES: the node was entered with this mark.
  void erase(std::uint32_t mark, std::uint32_t node, std::vector<Node>& nodes) {
    const auto found = places_.find(mark);
    std::uint32_t* link = &found.value().node;
    while (*link != node) link = &nodes[*link].twin;
    *link = nodes[node].twin;
    if (found->second.node == kNoNode) places_.erase(found);
  }

  // Tells that a node's names have come to stand in a line.
  void note_line(std::uint32_t mark, std::uint32_t node, const std::vector<Node>& nodes) {
    Place& place = places_.find(mark).value();
    if (place.node == node) place.line = nodes[node].blocks.line;
  }

  void clear() { places_.clear(); }

 private:
  struct Place {
    std::uint32_t node;  // The first of this mark.
    std::uint32_t line;  // Of its names when it was entered, to fetch both at once.
  };
  struct Same {
    std::size_t operator()(std::uint32_t mark) const { return mark; }
  };

  tsl::robin_map<std::uint32_t, Place, Same> places_;
};

}  // namespace fare
