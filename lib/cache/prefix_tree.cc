#include "cache/prefix_tree.h"

#include <algorithm>

namespace fare {

std::uint32_t PrefixTree::add(const Segment& segment) {
  const auto [entry, is_new] = index_.try_emplace(segment.first, kNoNode);
  if (is_new && free_.empty()) {
    entry.value() = static_cast<std::uint32_t>(segments_.size());
    segments_.emplace_back();
  } else if (is_new) {
    entry.value() = free_.back();
    free_.pop_back();
  }
  // Where names break their rule the block may have stood there before; then the new one counts.
  segments_[entry->second] = segment;
  return entry->second;
}

// Splits a segment, so that it has `count` blocks and another one has the rest.
void PrefixTree::cut(std::uint32_t segment, std::uint64_t count) {
  Segment rest = segments_[segment];
  if (count >= rest.count) return;
  segments_[segment].count = count;
  segments_[segment].unit = CacheLife();
  rest.first.block += count;
  rest.count -= count;
  add(rest);
}

void PrefixTree::write(std::uint64_t scope, BlockList blocks, const CacheLife& life,
                       Instant started) {
  RunCursor cursor(blocks);
  for (BlockRun run = cursor.run(); run.count > 0; run = cursor.run()) {
    const std::uint32_t segment = find(scope, run.first);
    if (segment == kNoNode) {
      add({.first = {scope, run.first}, .count = run.count, .life = life, .unit = {}});
      cursor.advance(run.count);
      continue;
    }
    cut(segment, run.count);
    segments_[segment].life.join(life, started);
    cursor.advance(segments_[segment].count);
  }
}

void PrefixTree::write_unit(std::uint64_t scope, BlockList blocks, std::uint64_t count,
                            const CacheLife& life, Instant started) {
  RunCursor cursor(blocks);
  for (BlockRun run = cursor.run(); count > 0 && run.count > 0; run = cursor.run()) {
    const std::uint32_t segment = find(scope, run.first);
    if (segment == kNoNode) return;
    cut(segment, count);
    const std::uint64_t step = segments_[segment].count;
    count -= step;
    if (count == 0) segments_[segment].unit.join(life, started);
    cursor.advance(step);
  }
}

void PrefixTree::extend(std::uint64_t scope, BlockList blocks, std::uint64_t count, Instant now) {
  RunCursor cursor(blocks);
  for (BlockRun run = cursor.run(); count > 0 && run.count > 0; run = cursor.run()) {
    const std::uint32_t segment = find(scope, run.first);
    if (segment == kNoNode) return;
    cut(segment, std::min(count, run.count));
    Segment& touched = segments_[segment];
    touched.life.extend(now);
    count -= touched.count;
    if (count == 0) touched.unit.extend(now);
    cursor.advance(touched.count);
  }
}

std::uint64_t PrefixTree::alive_prefix(std::uint64_t scope, BlockList blocks, Instant now) const {
  std::uint64_t alive = 0;
  RunCursor cursor(blocks);
  for (BlockRun run = cursor.run(); run.count > 0; run = cursor.run()) {
    const std::uint32_t found = find(scope, run.first);
    if (found == kNoNode || !segments_[found].life.alive(now)) return alive;
    const std::uint64_t step = std::min(run.count, segments_[found].count);
    alive += step;
    if (step < segments_[found].count) return alive;
    cursor.advance(step);
  }
  return alive;
}

void PrefixTree::sweep(Instant now) {
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.count == 0 || segment.life.alive(now)) continue;
    index_.erase(segment.first);
    segment.count = 0;
    free_.push_back(i);
  }
}

void PrefixTree::clear() {
  segments_.clear();
  free_.clear();
  index_.clear();
}

}  // namespace fare
