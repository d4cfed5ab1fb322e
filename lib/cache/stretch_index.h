#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint32_t.
#include <vector>   // std::vector.

#include "base/probe_table.h"   // ProbeTable.
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
    const Place* const found = places_.find(mark);
    if (found == nullptr) return kNoNode;
    lines.fetch(found->line);
    std::uint32_t node = found->node;
    while (node != kNoNode && !is(nodes[node])) node = nodes[node].twin;
    return node;
  }

  // Lets the processor fetch what find() looks at first; then, once that has come, what it leads
  // to.
  void fetch(std::uint32_t mark) const { places_.fetch(mark); }
  void fetch_node(std::uint32_t mark, const std::vector<Node>& nodes,
                  const NameLines& lines) const {
    const Place* const found = places_.find(mark);
    if (found == nullptr) return;
    lines.fetch(found->line);
    fetch_line(&nodes[found->node]);
  }

  // Enters a node; of equals the last one entered is found.
  void enter(std::uint32_t mark, std::uint32_t node, std::vector<Node>& nodes) {
    Place& place = places_.make(mark);
    nodes[node].twin = place.node;
    place.node = node;
    place.line = nodes[node].blocks.line;
  }

  // REQUIRES: the node was entered with this mark.
  void erase(std::uint32_t mark, std::uint32_t node, std::vector<Node>& nodes) {
    Place* const found = places_.find(mark);
    std::uint32_t* link = &found->node;
    while (*link != node) link = &nodes[*link].twin;
    *link = nodes[node].twin;
    if (found->node == kNoNode) places_.erase(mark);
  }

  // Tells that a node's names have come to stand in a line.
  void note_line(std::uint32_t mark, std::uint32_t node, const std::vector<Node>& nodes) {
    Place& place = *places_.find(mark);
    if (place.node == node) place.line = nodes[node].blocks.line;
  }

  void clear() { places_.clear(); }

 private:
  struct Place {
    std::uint32_t node = kNoNode;           // The first of this mark.
    std::uint32_t line = Stretch::kNoLine;  // Of its names when it was entered, to fetch both.
  };
  struct Same {
    std::size_t operator()(std::uint32_t mark) const { return mark; }
  };

  ProbeTable<std::uint32_t, Place, Same> places_;
};

}  // namespace fare
