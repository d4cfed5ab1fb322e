#include "study/arrival_prompts.h"

#include <algorithm>
#include <span>

namespace routesim {
namespace {

using fare::Tokens;

bool needs_own_blocks(const WorldModel& model) {
  const std::optional<CacheModel>& cache = model.hosted.cache;
  return cache && (cache->blocks_max > 0 || cache->rules.unit == fare::CacheUnit::kUnits);
}

}  // namespace

ArrivalPrompts::ArrivalPrompts(const World& world, std::uint64_t seed, std::uint32_t replication) {
  if (!world.prompts) return;
  PromptMix mix = *world.prompts;
  mix.own_blocks = std::any_of(world.models.begin(), world.models.end(), needs_own_blocks);
  synthetic_.emplace(mix, seed, replication);
}

const Prompt* ArrivalPrompts::of(const Arrival& arrival, Tokens input) {
  if (arrival.block_tokens > Tokens()) return brought(arrival, input);
  if (!synthetic_) return nullptr;
  return &synthetic_->of(first_asked(arrival), input);
}

fare::PromptBlocks ArrivalPrompts::blocks_of(const Arrival& arrival) {
  if (arrival.block_tokens == Tokens()) return {};
  const Prompt* const prompt = brought(arrival, arrival.input);
  if (prompt == nullptr) return {};
  return {.blocks = prompt->blocks,
          .block_tokens = prompt->block_tokens,
          .positions = prompt->positions,
          .breakpoints = prompt->breakpoints};
}

void ArrivalPrompts::add_position(std::uint64_t blocks) {
  if (blocks == 0) return;
  if (position_count_ > 0 && positions_[position_count_ - 1].blocks >= blocks) return;
  const std::int64_t tokens = static_cast<std::int64_t>(blocks) * prompt_.block_tokens.count();
  positions_[position_count_++] = {blocks, Tokens(tokens)};
}

const Prompt* ArrivalPrompts::brought(const Arrival& arrival, Tokens input) {
  const std::int64_t block = arrival.block_tokens.count();
  const std::uint64_t all = fare::count_blocks(arrival.blocks);
  const std::uint64_t whole = std::min(all, static_cast<std::uint64_t>(input.count() / block));
  if (whole == 0) return nullptr;
  prompt_ = Prompt{.blocks = arrival.blocks, .block_tokens = arrival.block_tokens};
  if (whole < all) {
    runs_.clear();
    std::uint64_t left = whole;
    for (auto run = arrival.blocks.begin(); left > 0; ++run) {
      runs_.push_back({run->first, std::min(left, run->count)});
      left -= runs_.back().count;
    }
    prompt_.blocks = runs_;
  }
  position_count_ = 0;
  // A session without a text that others share is one run: its calls end within it.
  const std::uint64_t first = prompt_.blocks.front().count;
  const std::uint64_t before =
      std::min(whole, static_cast<std::uint64_t>(arrival.before.count() / block));
  add_position(std::min(first, before));
  add_position(std::max(first, before));
  add_position(whole);
  prompt_.positions = std::span(positions_).first(position_count_);
  breakpoints_[1].position = position_count_ - 1;
  prompt_.breakpoints = std::span(breakpoints_).first(position_count_ > 1 ? 2 : 1);
  return &prompt_;
}

}  // namespace routesim
