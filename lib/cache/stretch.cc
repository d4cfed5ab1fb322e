#include "cache/stretch.h"

#include <algorithm>

namespace fare {

std::uint64_t NameLines::append(Stretch& stretch, const BlockRun& run) {
  const bool is_run = stretch.line == Stretch::kNoLine;
  if (stretch.count == 0) stretch.first = run.first;
  if (is_run && run.first == stretch.first + stretch.count) {
    const std::uint64_t added = std::min(run.count, Stretch::kCountMax - stretch.count);
    stretch.count += static_cast<std::uint32_t>(added);
    return added;
  }
  if (stretch.count >= kNames) return 0;
  if (is_run) {
    stretch.line = new_line();
    std::uint64_t* const names = lines_[stretch.line].names.data();
    for (std::uint64_t i = 0; i < stretch.count; ++i) names[i] = stretch.first + i;
  }
  const std::uint64_t added = std::min(run.count, kNames - stretch.count);
  std::uint64_t* const end = lines_[stretch.line].names.data() + stretch.count;
  for (std::uint64_t i = 0; i < added; ++i) end[i] = run.first + i;
  stretch.count += static_cast<std::uint32_t>(added);
  return added;
}

Stretch NameLines::cut(Stretch& stretch, std::uint32_t count) {
  Stretch rest{.first = stretch.first + count, .count = stretch.count - count};
  stretch.count = count;
  if (stretch.line == Stretch::kNoLine) return rest;
  // A single block needs no line: its name is the first.
  rest.first = lines_[stretch.line].names[count];
  if (rest.count > 1) {
    rest.line = new_line();
    std::copy_n(lines_[stretch.line].names.data() + count, rest.count,
                lines_[rest.line].names.data());
  }
  if (count == 1) release(stretch);
  return rest;
}

void NameLines::drop_front(Stretch& stretch, std::uint32_t count) {
  stretch.count -= count;
  if (stretch.line == Stretch::kNoLine) {
    stretch.first += count;
    return;
  }
  std::uint64_t* const names = lines_[stretch.line].names.data();
  std::copy(names + count, names + count + stretch.count, names);
  stretch.first = names[0];
}

void NameLines::release(Stretch& stretch) {
  if (stretch.line == Stretch::kNoLine) return;
  lines_[stretch.line].names[0] = free_;
  free_ = stretch.line;
  stretch.line = Stretch::kNoLine;
}

void NameLines::clear() {
  lines_.clear();
  free_ = Stretch::kNoLine;
}

std::uint32_t NameLines::new_line() {
  if (free_ == Stretch::kNoLine) {
    lines_.emplace_back();
    return static_cast<std::uint32_t>(lines_.size() - 1);
  }
  const std::uint32_t line = free_;
  free_ = static_cast<std::uint32_t>(lines_[line].names[0]);
  return line;
}

}  // namespace fare
