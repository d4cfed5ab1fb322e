#include "study/prompt_history.h"

namespace routesim {

std::uint64_t PromptHistory::readable_of(const Entry& entry, fare::BlockList prompt,
                                         std::uint32_t model, fare::Duration now) const {
  if (options_.by_model && entry.model != model) return 0;
  if (now - entry.used > options_.ttl) return 0;
  if (!options_.readable_at_once && entry.readable > now) return 0;
  const std::uint64_t common = fare::common_prefix(entry.blocks, prompt);
  if (options_.whole) return common == entry.count ? common : 0;
  return common - common % options_.step_blocks;
}

std::uint64_t PromptHistory::read(fare::BlockList prompt, std::uint32_t model, fare::Duration now) {
  Entry* best = nullptr;
  std::uint64_t blocks = 0;
  for (Entry& entry : entries_) {
    const std::uint64_t readable = readable_of(entry, prompt, model, now);
    if (readable <= blocks) continue;
    best = &entry;
    blocks = readable;
  }
  if (best == nullptr || blocks < options_.minimum_blocks) return 0;
  best->used = now;
  return blocks;
}

void PromptHistory::store(fare::BlockList prompt, std::uint32_t model, fare::Duration now,
                          fare::Duration readable) {
  entries_.push_back({.blocks = {prompt.begin(), prompt.end()},
                      .count = fare::count_blocks(prompt),
                      .model = model,
                      .used = now,
                      .readable = readable});
  if (entries_.size() > options_.prompts_max) entries_.pop_front();
}

}  // namespace routesim
