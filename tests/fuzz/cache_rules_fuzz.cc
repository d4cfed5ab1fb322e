#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/random.h"
#include "fare/cache_rules.h"
#include "fare/check.h"
#include "fare/prompt_cache.h"

// Goal: no bytes make cache rules crash, or give some that break their contract.
// Method: the bytes are read as one file; every rule of a book runs a cache of random prompts,
// drawn from a seed that the bytes decide, whose bills must add up.

namespace {

using fare::CacheChoice;
using fare::CacheRuleBook;
using fare::Instant;
using fare::RandomStream;
using fare::Tokens;

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

void run_cache(const CacheChoice& choice, RandomStream random) {
  fare::PromptCache cache(*choice.rules);
  Instant now{};
  for (int step = 0; step < 20; ++step) {
    now += fare::Duration(random.below(1'000'000'000'000));
    const std::uint64_t count = 1 + random.below(30);
    const fare::BlockRun runs[] = {{random.below(3) * 1'000, count}, {5'000 + random.below(2), 1}};
    std::vector<fare::CachePosition> positions;
    for (std::uint64_t n = 1; n <= count + 1; ++n) {
      positions.push_back({n, Tokens(static_cast<std::int64_t>(n) * 300)});
    }
    const fare::CachePrompt prompt{.scope = random.below(2),
                                   .blocks = runs,
                                   .input = positions.back().tokens + Tokens(5),
                                   .block_tokens = Tokens(300),
                                   .minimum = choice.rules->minimum_for("gpt-5"),
                                   .positions = positions,
                                   .breakpoints = {},
                                   .lifetime = choice.lifetime,
                                   .life = random.uniform()};
    const fare::CacheAnswer answer = cache.begin(prompt, now);
    FARE_CHECK(answer.problem == fare::CacheProblem::kNone);
    FARE_CHECK(answer.hit_blocks <= count + 1);
    FARE_CHECK(answer.bill.read + answer.bill.all_written() + answer.bill.plain == prompt.input);
    cache.store(prompt, now, now + std::chrono::seconds(1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const CacheRuleBook::Source source{"fuzz", text};
  const auto book = CacheRuleBook::parse({&source, 1});
  if (!book) {
    check_errors(book.error());
    return 0;
  }
  const fare::RandomKey key(fare::NameHash()(text), 0, fare::Purpose::kFuzz);
  std::uint64_t entity = 0;
  for (const std::string& name : book->names()) {
    const auto choice = book->find(name, Instant::max());
    FARE_CHECK(choice.has_value());
    run_cache(*choice, RandomStream(key, entity++));
  }
  return 0;
}
