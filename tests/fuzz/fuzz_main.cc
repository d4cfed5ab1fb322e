// Drives a fuzz target without a fuzzing engine: each file named on the command line, whole, and
// then a fixed number of seeded mutations of it, which "-runs=NUMBER" before the files sets, as it
// does with libFuzzer.  Deterministic: a crash comes again.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::uint64_t kMutations = 20'000;  // Of all seeds together.
constexpr std::uint64_t kBytesMax = 20
                                    << 20;  // Handed to the target in all, so that time is bounded.
constexpr std::size_t kSeedMax = 4'000;     // Longer seeds are cut into windows of this size.
constexpr std::string_view kRuns = "-runs=";
constexpr const char* kTokens[] = {"\"", "{",       "}",    "[",     "]",    ":",
                                   ",",  "-",       "0",    "1e999", "null", "99999999999999999999",
                                   "\n", "\\u0000", "\xff", "1.5"};

// Flips, inserts, removes or repeats a few bytes.
void mutate(std::string& text, fare::RandomStream& random) {
  const std::uint64_t changes = 1 + random.below(4);
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::size_t at = random.below(text.size() + 1);
    switch (random.below(5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.insert(at, kTokens[random.below(std::size(kTokens))]);
        break;
      case 2:
        text.erase(at, random.below(16));
        break;
      case 3:
        text.insert(at, text.substr(random.below(text.size() + 1), random.below(64)));
        break;
      default:
        text.resize(at);
    }
  }
}

void feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds = {""};
  std::uint64_t runs = kMutations;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with(kRuns)) {
      runs = std::stoull(std::string(word.substr(kRuns.size())));
      continue;
    }
    std::ifstream file(argv[i], std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    feed(seeds.back());
  }
  const fare::RandomKey key(1, 0, fare::Purpose::kFuzz);
  std::uint64_t bytes = 0;
  std::uint64_t done = 0;
  for (; done < runs && bytes < kBytesMax; ++done) {
    fare::RandomStream random(key, done);
    const std::string& seed = seeds[random.below(seeds.size())];
    // A whole small seed, or most often a window of a large one; its start keeps a header alive.
    std::string text = seed;
    if (seed.size() > kSeedMax && random.below(8) != 0) text.resize(kSeedMax);
    mutate(text, random);
    bytes += text.size();
    feed(text);
  }
  std::printf("%llu mutations of %zu seeds\n", static_cast<unsigned long long>(done), seeds.size());
  return 0;
}
