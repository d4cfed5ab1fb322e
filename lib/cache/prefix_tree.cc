#include "cache/prefix_tree.h"

#include <algorithm>

namespace fare {

template <class Test>
std::uint64_t PrefixTree::count_prefix(std::uint64_t scope, BlockList blocks,
                                       const Test& test) const {
  std::uint64_t count = 0;
  NameCursor cursor(blocks);
  while (!cursor.done()) {
    const std::uint32_t found = find(scope, cursor.name());
    if (found == kNoNode || !test(segments_[found].life)) return count;
    const std::uint64_t step = lines_.pass(segments_[found].blocks, cursor);
    count += step;
    if (step < segments_[found].blocks.count) return count;
  }
  return count;
}

std::uint64_t PrefixTree::alive_prefix(std::uint64_t scope, BlockList blocks, Instant now) const {
  return count_prefix(scope, blocks, [now](const CacheLife& life) { return life.alive(now); });
}

std::uint64_t PrefixTree::readable_prefix(std::uint64_t scope, BlockList blocks,
                                          Instant now) const {
  return count_prefix(scope, blocks, [now](const CacheLife& life) { return life.can_read(now); });
}

std::uint64_t PrefixTree::readable_unit(std::uint64_t scope, BlockList blocks, Instant now) const {
  std::uint64_t walked = 0;
  std::uint64_t best = 0;
  NameCursor cursor(blocks);
  while (!cursor.done()) {
    const std::uint32_t found = find(scope, cursor.name());
    if (found == kNoNode) return best;
    const std::uint64_t step = lines_.pass(segments_[found].blocks, cursor);
    if (step < segments_[found].blocks.count) return best;
    walked += step;
    if (found < units_.size() && units_[found].can_read(now)) best = walked;
  }
  return best;
}

std::uint32_t PrefixTree::add(const Segment& segment) {
  const std::uint32_t mark = mark_of(segment.scope, segment.blocks.first);
  // Where names break their rule the block may stand there already; then the new one counts.
  std::uint32_t added = find(segment.scope, segment.blocks.first);
  if (added != kNoNode) {
    index_.erase(mark, added, segments_);
    lines_.release(segments_[added].blocks);
  } else if (free_.empty()) {
    added = static_cast<std::uint32_t>(segments_.size());
    segments_.emplace_back();
  } else {
    added = free_.back();
    free_.pop_back();
  }
  segments_[added] = segment;
  index_.enter(mark, added, segments_);
  if (added < units_.size()) units_[added] = CacheLife();
  return added;
}

// Adds what is left of a list.
void PrefixTree::add_rest(std::uint64_t scope, NameCursor& cursor, const CacheLife& life) {
  while (!cursor.done()) {
    Segment segment{.scope = scope, .blocks = {}, .life = life, .twin = kNoNode};
    while (!cursor.done()) {
      const std::uint64_t added = lines_.append(segment.blocks, {cursor.name(), cursor.left()});
      if (added == 0) break;
      cursor.advance(added);
    }
    add(segment);
  }
}

// Splits a segment, so that it has `count` blocks and another one has the rest.
void PrefixTree::cut(std::uint32_t segment, std::uint64_t count) {
  if (count >= segments_[segment].blocks.count) return;
  Segment rest = segments_[segment];
  rest.blocks = lines_.cut(segments_[segment].blocks, static_cast<std::uint32_t>(count));
  const std::uint32_t added = add(rest);
  if (segment >= units_.size()) return;
  const CacheLife unit = units_[segment];
  units_[segment] = CacheLife();
  unit_of(added) = unit;
}

CacheLife& PrefixTree::unit_of(std::uint32_t segment) {
  if (segment >= units_.size()) units_.resize(segments_.size());
  return units_[segment];
}

void PrefixTree::write(std::uint64_t scope, BlockList blocks, const CacheLife& life,
                       Instant started) {
  NameCursor cursor(blocks);
  while (!cursor.done()) {
    const std::uint32_t segment = find(scope, cursor.name());
    if (segment == kNoNode) return add_rest(scope, cursor, life);
    cut(segment, lines_.pass(segments_[segment].blocks, cursor));
    segments_[segment].life.join(life, started);
  }
}

void PrefixTree::write_unit(std::uint64_t scope, BlockList blocks, std::uint64_t count,
                            const CacheLife& life, Instant started) {
  NameCursor cursor(blocks);
  while (count > 0 && !cursor.done()) {
    const std::uint32_t segment = find(scope, cursor.name());
    if (segment == kNoNode) return;
    const std::uint64_t step = lines_.pass(segments_[segment].blocks, cursor, count);
    cut(segment, step);
    count -= step;
    if (count == 0) unit_of(segment).join(life, started);
  }
}

void PrefixTree::extend(std::uint64_t scope, BlockList blocks, std::uint64_t count, Instant now) {
  NameCursor cursor(blocks);
  while (count > 0 && !cursor.done()) {
    const std::uint32_t segment = find(scope, cursor.name());
    if (segment == kNoNode) return;
    const std::uint64_t step = lines_.pass(segments_[segment].blocks, cursor, count);
    cut(segment, step);
    segments_[segment].life.extend(now);
    count -= step;
    if (count == 0 && segment < units_.size()) units_[segment].extend(now);
  }
}

void PrefixTree::sweep(Instant now) {
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.blocks.count == 0 || segment.life.alive(now)) continue;
    index_.erase(mark_of(segment.scope, segment.blocks.first), i, segments_);
    lines_.release(segment.blocks);
    segment.blocks.count = 0;
    free_.push_back(i);
  }
}

void PrefixTree::clear() {
  segments_.clear();
  units_.clear();
  lines_.clear();
  free_.clear();
  index_.clear();
}

}  // namespace fare
