#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "fare/check.h"
#include "study/latency_fit_rows.h"
#include "world/judge.h"
#include "world/pool.h"
#include "world/quality.h"

// Goal: no bytes make measured rows, a pool, its quality or a judge crash, or break their contract.
// Method: the bytes are read as each of them; a pool that is one serves a few requests to the end.

namespace {

using fare::Tokens;
using namespace routesim;

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

void run_pool(const PoolModel& model) {
  // A huge pool is as legal as a small one, but slow to make.
  if (model.scaling.replicas_max > 8) return;
  Pool pool(model, fare::RandomKey(1, 0, fare::Purpose::kFuzz));
  std::vector<PoolEvent> events;
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    pool.send({.slot = slot,
               .entity = slot,
               .input = Tokens(50),
               .cached = Tokens(10),
               .output = Tokens(20)},
              fare::Duration(slot), events);
  }
  fare::Duration now{};
  while (const auto next = pool.next_change()) pool.advance(now = *next, events);
  std::size_t ends = 0;
  for (const PoolEvent& event : events) {
    ends += event.kind == PoolEventKind::kFinished || event.kind == PoolEventKind::kRejected;
  }
  FARE_CHECK(ends == 5);
  FARE_CHECK(pool.requests() == 0);
  FARE_CHECK(pool.totals(now).cost >= fare::Cost());
}

// What a world says of answers: how hard a class is, and how good a model.
struct Quality {
  std::vector<Difficulty> difficulty;
  ModelQuality model;
};

std::optional<Quality> read_quality(const fare::JsonNode& node) {
  Quality quality;
  quality.difficulty.resize(2);
  fare::ObjectReader reader(node);
  reader.optional("difficulty", quality.difficulty[1], read_difficulty);
  read_model_quality(reader, {"simple", "complex"}, quality.model);
  reader.finish();
  return quality;
}

template <class Read, class Use>
void read_json(std::string_view text, Read read, Use use) {
  fare::Problems problems("fuzz");
  const fare::JsonDocument document(text, problems);
  const auto value = read(document.root());
  if (problems.empty()) {
    FARE_CHECK(value.has_value());
    use(*value);
  } else {
    check_errors(problems.take());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LatencyFormat format :
       {LatencyFormat::kVllm, LatencyFormat::kClaudeCode, LatencyFormat::kCsv}) {
    const auto rows = parse_latency_rows("fuzz", text, format);
    if (!rows) {
      check_errors(rows.error());
      continue;
    }
    FARE_CHECK(!rows->rows.empty());
    for (const LatencyRow& row : rows->rows) {
      FARE_CHECK(row.output.count() >= 1);
      FARE_CHECK(row.cached >= Tokens(0));
      FARE_CHECK(row.cached <= row.input);
      FARE_CHECK(rows->has_cached || row.cached == Tokens(0));
      FARE_CHECK(row.model < rows->models.size());
      FARE_CHECK(row.session < rows->sessions.size());
      FARE_CHECK(row.first_token <= row.total);
    }
  }
  read_json(text, read_pool, run_pool);
  read_json(text, read_judge, [](const JudgeModel& model) {
    const Judge judge(model, fare::RandomKey(1, 0, fare::Purpose::kFuzz), 0);
    const double score = judge.score(0.5, 1);
    const double grade =
        judge.grade({.status = AnswerQuality::Status::kKnown, .probability = 0.5}, 1);
    FARE_CHECK(grade >= 0);
    FARE_CHECK(grade <= 1);
    FARE_CHECK(score >= 0);
    FARE_CHECK(score <= 1);
    FARE_CHECK(judge.delay(1) >= fare::Duration());
  });
  read_json(text, read_quality, [](const Quality& quality) {
    const QualityDraws draws(quality.difficulty, 0.5, 1, 0);
    const AnswerQuality drawn = draws.draw(
        quality.model, {.request_class = 1, .request = 7, .answer = 7, .begun = fare::Duration()});
    FARE_CHECK(drawn.is_known() != quality.model.skill.empty());
    FARE_CHECK(drawn.probability >= 0);
    FARE_CHECK(drawn.probability <= 1);
  });
  return 0;
}
