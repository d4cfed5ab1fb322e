#include "base/random.h"

#include <Random123/threefry.h>

#include "fare/check.h"

namespace fare {
namespace {

__extension__ typedef unsigned __int128 UInt128;

// The rounds are named here because a macro may change the library's default.
using Threefry = r123::Threefry2x64_R<20>;

// "fare": the second word of the key that hashes seeds into keys.
constexpr std::uint64_t kSeedDomain = 0x66617265;

}  // namespace

// For one seed Threefry permutes its counters, so two pairs (replication, purpose) never meet in
// one key; two seeds meet by chance only, once in 2^128.
RandomKey::RandomKey(std::uint64_t seed, std::uint32_t replication, Purpose purpose) {
  const auto block =
      Threefry()({{replication, static_cast<std::uint32_t>(purpose)}}, {{seed, kSeedDomain}});
  key_[0] = block[0];
  key_[1] = block[1];
}

RandomStream::RandomStream(const RandomKey& key, std::uint64_t entity)
    : key_{key.key_[0], key.key_[1]}, entity_(entity) {}

std::uint64_t RandomStream::bits() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const auto block = Threefry()({{entity_, block_++}}, {{key_[0], key_[1]}});
  spare_ = block[1];
  has_spare_ = true;
  return block[0];
}

double RandomStream::uniform() { return static_cast<double>(bits() >> 11 | 1) * 0x1p-53; }

std::uint64_t RandomStream::below(std::uint64_t bound) {
  FARE_CHECK(bound > 0);
  UInt128 product = UInt128{bits()} * bound;
  // Of the 2^64 low halves, the first (2^64 mod bound) belong to results that have one too many.
  // That remainder is below the bound, so the division is rarely paid for.
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t surplus = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < surplus) product = UInt128{bits()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace fare
