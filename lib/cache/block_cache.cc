#include "fare/block_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"
#include "cache/block_index.h"
#include "fare/check.h"

namespace fare {
namespace {

constexpr std::uint64_t kBlocksMax = 1'000'000'000;
constexpr std::array<std::string_view, 7> kNames = {"none", "lru-flat", "lru-leaf", "lru-rev",
                                                    "fifo", "lfu",      "optimal"};

// No bound, so that nothing but the names need be kept.
class BoundlessCache : public BlockCache {
 public:
  std::uint64_t match(BlockList blocks) const override { return match_in(index_, blocks); }

  std::uint64_t use(BlockList blocks, std::span<const std::uint32_t>) override {
    const std::uint64_t hits = match(blocks);
    for (const BlockRun& run : blocks) {
      for (std::uint64_t i = 0; i < run.count; ++i) index_.try_emplace(run.first + i, kNoNode);
    }
    return hits;
  }

  std::uint64_t blocks() const override { return index_.size(); }

 private:
  BlockIndex index_;
};

}  // namespace

std::string_view to_string(Eviction eviction) { return kNames[static_cast<std::size_t>(eviction)]; }

Expected<Eviction> parse_eviction(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<Eviction>(found - kNames.begin());
  return fail(ErrorCode::kUnknownName, "",
              fmt::format("must be one of \"{}\", but is \"{}\"{}", fmt::join(kNames, "\", \""),
                          name.substr(0, 64), did_you_mean(nearest(name, kNames))));
}

std::unique_ptr<BlockCache> BlockCache::create(const Options& options) {
  if (options.eviction == Eviction::kNone) return std::make_unique<BoundlessCache>();
  FARE_CHECK(options.blocks_max >= 1);
  FARE_CHECK(options.blocks_max <= kBlocksMax);
  if (options.eviction == Eviction::kLfu) return make_lfu_cache(options);
  if (options.eviction == Eviction::kOptimal) return make_optimal_cache(options);
  return make_list_cache(options);
}

}  // namespace fare
