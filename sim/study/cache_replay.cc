#include "study/cache_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace routesim {
namespace {

constexpr std::uint64_t kUniqueBlocksMax = 200'000'000;  // Some 10 GB.
constexpr std::uint64_t kFutureMax = 1'000'000'000;      // 4 GB.
constexpr std::string_view kTokens =
    "tokens of hit blocks / tokens of all blocks, a last block that is not full by its tokens";
constexpr std::string_view kBlocks = "hit blocks / blocks, a last block that is not full as one";
constexpr std::string_view kFull = "hit blocks / blocks, only blocks that are full";
constexpr std::string_view kMean = "mean over calls of (tokens of hit blocks / tokens of the call)";

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::vector<fare::BlockList> block_lists(const PromptTrace& trace) {
  std::vector<fare::BlockList> lists;
  lists.reserve(trace.calls.size());
  for (const PromptCall& call : trace.calls) lists.push_back(trace.blocks(call));
  return lists;
}

}  // namespace

void HitTally::add(const PromptCall& call, std::uint64_t hits, std::int64_t tokens) {
  const std::uint64_t full = full_blocks(call);
  ++replay_.measured;
  replay_.hit_tokens += tokens;
  replay_.input_tokens += call.weight.count();
  replay_.hit_blocks += hits;
  replay_.blocks += call.blocks;
  full_hits_ += std::min(hits, full);
  full_blocks_ += full;
  shares_ += share(static_cast<double>(tokens), static_cast<double>(call.weight.count()));
}

BlockReplay HitTally::finish(std::uint64_t calls, bool second_half) {
  const auto rate = [](std::uint64_t part, std::uint64_t whole) {
    return share(static_cast<double>(part), static_cast<double>(whole));
  };
  const bool all = !second_half;
  replay_.calls = calls;
  replay_.rates = {
      {all ? "tok" : "tok_2nd",
       share(static_cast<double>(replay_.hit_tokens), static_cast<double>(replay_.input_tokens)),
       kTokens},
      {all ? "blk" : "blk_2nd", rate(replay_.hit_blocks, replay_.blocks), kBlocks},
      {all ? "full_blk" : "full_blk_2nd", rate(full_hits_, full_blocks_), kFull},
      {all ? "request_mean" : "request_mean_2nd",
       share(shares_, static_cast<double>(replay_.measured)), kMean}};
  return std::move(replay_);
}

std::string why_too_big(const PromptTrace& trace, fare::Eviction eviction) {
  if (trace.unique_blocks > kUniqueBlocksMax) {
    return fmt::format("{} distinct blocks are more than the {} that can be replayed one by one",
                       trace.unique_blocks, kUniqueBlocksMax);
  }
  std::uint64_t blocks = 0;
  for (const PromptCall& call : trace.calls) blocks += call.blocks;
  if (eviction == fare::Eviction::kOptimal && blocks > kFutureMax) {
    return fmt::format("{} blocks are more than the {} whose future the oracle can hold", blocks,
                       kFutureMax);
  }
  return {};
}

// A block of RAGPulse may stand for 0 tokens, where a short prompt has many parts.
std::uint64_t full_blocks(const PromptCall& call) {
  if (call.block_tokens == fare::Tokens()) return call.blocks;
  return std::min<std::uint64_t>(
      call.blocks, static_cast<std::uint64_t>(call.weight.count() / call.block_tokens.count()));
}

std::int64_t tokens_of(const PromptCall& call, std::uint64_t blocks) {
  return std::min(static_cast<std::int64_t>(blocks) * call.block_tokens.count(),
                  call.weight.count());
}

BlockReplay replay_blocks(const PromptTrace& trace, const BlockReplayOptions& options) {
  const std::unique_ptr<fare::BlockCache> cache = fare::BlockCache::create(options.cache);
  std::optional<fare::Future> future;
  if (options.cache.eviction == fare::Eviction::kOptimal) future.emplace(block_lists(trace));
  const std::size_t first = options.second_half ? trace.calls.size() / 2 : 0;
  HitTally tally;
  for (std::size_t i = 0; i < trace.calls.size(); ++i) {
    const PromptCall& call = trace.calls[i];
    const auto next_use = future ? future->of(i) : std::span<const std::uint32_t>();
    const std::uint64_t hits = cache->use(trace.blocks(call), next_use);
    if (i >= first) tally.add(call, hits, tokens_of(call, hits));
  }
  return tally.finish(trace.calls.size(), options.second_half);
}

}  // namespace routesim
