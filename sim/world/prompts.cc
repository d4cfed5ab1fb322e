#include "world/prompts.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

namespace json = fare::json;
using fare::Tokens;

// Names of blocks: prefixes below, each with 2^30 blocks; what only one request has, above, each
// with 2^20 blocks: what stands behind those nobody could share anyway.
constexpr std::uint64_t kOwn = std::uint64_t{1} << 62;
constexpr unsigned kOwnShift = 20;
constexpr std::uint64_t kOwnMax = std::uint64_t{1} << kOwnShift;
constexpr unsigned kPrefixShift = 30;
constexpr std::uint64_t kIndexMax = std::uint64_t{1} << 40;

// SplitMix64's finaliser, one to one: different blocks keep different names but for a chance of
// 2^-62 a pair.
std::uint64_t mix_bits(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::optional<PromptMix> read_prompt_mix(const fare::JsonNode& node) {
  PromptMix mix;
  fare::ObjectReader reader(node);
  std::int64_t prefixes = 1;
  std::int64_t prefix_tokens = 1;
  std::int64_t block_tokens = 1;
  std::size_t names = 0;
  reader.required("prefixes", prefixes, json::integer(1, 1'000'000'000));
  reader.optional("zipf_exponent", mix.zipf_exponent, json::number(0, 10));
  reader.required("prefix_tokens", prefix_tokens, json::integer(1, 1'000'000'000));
  reader.required("block_tokens", block_tokens, json::integer(1, 1'000'000));
  reader.optional("names", names, json::one_of({"runs", "hashes"}));
  reader.finish();
  mix.prefixes = static_cast<std::uint64_t>(prefixes);
  mix.prefix_tokens = Tokens(prefix_tokens);
  mix.block_tokens = Tokens(block_tokens);
  mix.hashed = names == 1;
  return reader.ok() ? std::optional<PromptMix>(mix) : std::nullopt;
}

SyntheticPrompts::SyntheticPrompts(const PromptMix& mix, std::uint64_t seed,
                                   std::uint32_t replication)
    : mix_(mix), key_(seed, replication, fare::Purpose::kPrompt) {
  prompt_.block_tokens = mix.block_tokens;
  prompt_.breakpoints = breakpoints_;
  if (mix.zipf_exponent > 0) zipf_.emplace(mix.prefixes, mix.zipf_exponent);
}

std::uint64_t SyntheticPrompts::draw_prefix(std::uint64_t index) const {
  fare::RandomStream stream(key_, index);
  return zipf_ ? (*zipf_)(stream)-1 : stream.below(mix_.prefixes);
}

const Prompt& SyntheticPrompts::of(std::uint64_t index, Tokens input) {
  FARE_CHECK(input > Tokens());
  FARE_CHECK(index < kIndexMax);
  if (index != index_ || input != input_) make(index, input);
  return prompt_;
}

void SyntheticPrompts::make(std::uint64_t index, Tokens input) {
  index_ = index;
  input_ = input;
  const std::int64_t block = mix_.block_tokens.count();
  const std::int64_t shared_tokens = std::min(input, mix_.prefix_tokens).count();
  // Of the prefix only whole blocks are shared: the next one holds words of the request's own.
  const auto shared = static_cast<std::uint64_t>(shared_tokens / block);
  const auto all = static_cast<std::uint64_t>((input.count() - 1) / block + 1);
  const std::uint64_t first = draw_prefix(index) << kPrefixShift;
  runs_.clear();
  if (mix_.hashed) {
    runs_.resize(shared);
    for (std::uint64_t i = 0; i < shared; ++i) runs_[i] = {mix_bits(first + i) >> 2, 1};
  } else if (shared > 0) {
    runs_.push_back({first, shared});
  }
  positions_[0] = {shared, Tokens(static_cast<std::int64_t>(shared) * block)};
  prompt_.positions = std::span(positions_).first(1);
  if (mix_.own_blocks && all > shared) {
    const std::uint64_t own = std::min(all - shared, kOwnMax);
    runs_.push_back({kOwn + (index << kOwnShift), own});
    positions_[1] = {shared + own, input};
    prompt_.positions = positions_;
  }
  prompt_.blocks = runs_;
}

}  // namespace routesim
