#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "places.h"
#include "study/latency_fit_pool.h"
#include "study/latency_fit_rows.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;
using fare::Tokens;

std::string traces() { return std::string(fare::kSourceDir) + "/../shared/data/traces/"; }

PoolModel pool_of(std::int64_t sequences, std::int64_t blocks, std::int64_t replicas) {
  PoolModel pool;
  pool.batch.sequences_max = sequences;
  pool.batch.batch_tokens = 2'048;
  pool.batch.block_tokens = 16;
  pool.batch.blocks = blocks;
  pool.scaling.replicas_min = pool.scaling.replicas_max = replicas;
  pool.balance = PoolBalance::kRequests;
  return pool;
}

// Goal: what a pool did is enough to find its coefficients again.
TEST(LatencyFitPoolTest, FindsTheCoefficientsThatMadeTheRows) {
  LatencyRows rows;
  RandomStream random(RandomKey(3, 0, Purpose::kTest), 0);
  Duration at{};
  for (int i = 0; i < 400; ++i) {
    at += Duration(static_cast<std::int64_t>(random.uniform() * 300e6));
    rows.rows.push_back({.at = at,
                         .input = Tokens(static_cast<std::int64_t>(20 + random.below(3'000))),
                         .output = Tokens(static_cast<std::int64_t>(2 + random.below(500)))});
  }
  PoolModel truth = pool_of(64, 20'000, 1);
  set_coefficients(truth.batch, {9'000, 60, 0.08, 45});
  truth.overhead = std::chrono::milliseconds(7);
  const PoolReplay replay = replay_pool(rows, truth);
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    rows.rows[i].first_token = replay.answers[i].first_token;
    rows.rows[i].total = replay.answers[i].total;
  }
  const PoolFit fit = fit_pool(rows, {.pool = pool_of(64, 20'000, 1)});
  const PoolCoefficients found = coefficients_of(fit.pool.batch);
  EXPECT_NEAR(found[0], 9'000, 90);
  EXPECT_NEAR(found[1], 60, 6);
  EXPECT_NEAR(found[2], 0.08, 0.004);
  EXPECT_NEAR(found[3], 45, 1);
  EXPECT_NEAR(static_cast<double>(fit.pool.overhead.count()) / 1e6, 7, 0.7);
}

struct Configuration {
  const char* folder;
  PoolModel pool;
};

// From each folder's meta.json: sequences, and blocks for the first one.  The others' caches, some
// 30,000 blocks of what their memory has left, never fill.
std::vector<Configuration> configurations() {
  return {{"RTX4090_Llama-3.1-8B", pool_of(256, 2'588, 1)},
          {"RTXPRO6000_Llama-3.1-8B", pool_of(128, 33'000, 1)},
          {"RTXPRO6000_Qwen3-30B-A3B-Instruct-2507", pool_of(128, 33'000, 2)}};
}

// Goal: bar 5.3.  Each configuration is left out in turn: the others, fitted on all of their rows,
// give the priors; of its own rows the times of the first 60 of 300 (20 %) are used; the means over
// the other 240 are compared.  Arrivals and token counts of all 300 are the load.
TEST(LatencyFitPoolTest, PredictsTheMeasurementsOfEachLeftOutConfiguration) {
  if (!std::filesystem::exists(traces() + "vllm_measured")) {
    GTEST_SKIP() << "the vLLM measurements are not there";
  }
  std::vector<LatencyRows> rows;
  std::vector<PoolCoefficients> whole;
  for (const Configuration& one : configurations()) {
    const std::string path = traces() + "vllm_measured/" + one.folder + "/requests.jsonl.gz";
    auto read = read_latency_rows(path, LatencyFormat::kVllm);
    ASSERT_TRUE(read) << fare::to_text(read.error());
    rows.push_back(std::move(*read));
    ASSERT_EQ(rows.back().rows.size(), 300u);
    whole.push_back(coefficients_of(fit_pool(rows.back(), {.pool = one.pool}).pool.batch));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(configurations()[i].folder);
    PoolFitOptions options{.pool = configurations()[i].pool, .calibration_rows = 60};
    for (std::size_t j = 0; j < rows.size(); ++j) {
      if (j != i) options.priors.push_back(whole[j]);
    }
    const PoolFit fit = fit_pool(rows[i], options);
    const PoolErrors errors = compare_pool(rows[i], replay_pool(rows[i], fit.pool), 60, 300);
    EXPECT_LE(std::abs(errors.per_output_token.error_of_mean), 0.05);
    EXPECT_LE(std::abs(errors.end_to_end.error_of_mean), 0.05);
    EXPECT_LE(std::abs(errors.first_token.error_of_mean), 0.15);
    // The published simulator's own means over all rows: so these are the same measurements.
    const double published_ms[] = {86'578.3, 28'200.7, 32'344.6};
    EXPECT_NEAR(
        compare_pool(rows[i], replay_pool(rows[i], fit.pool), 0, 300).end_to_end.measured_mean,
        published_ms[i], 0.1);
  }
}

std::string errors_of(LatencyFormat format, const std::string& text) {
  const auto rows = parse_latency_rows("rows", text, format);
  return rows ? std::to_string(rows->rows.size()) + " rows" : fare::to_text(rows.error());
}

TEST(LatencyFitRowsTest, ReadsCsvInAnyOrderOfColumns) {
  const auto rows = parse_latency_rows("rows",
                                       "model,total_ms,input_tokens,output_tokens,first_token_ms\n"
                                       "a,812.5,100,20,300\nb,9,1,1,\na,10,1,1,10\n",
                                       LatencyFormat::kCsv);
  ASSERT_TRUE(rows) << fare::to_text(rows.error());
  ASSERT_EQ(rows->rows.size(), 3u);
  EXPECT_EQ(rows->rows[0].total, std::chrono::microseconds(812'500));
  EXPECT_EQ(rows->rows[0].first_token, std::chrono::milliseconds(300));
  EXPECT_EQ(rows->rows[1].first_token, kUnrecorded);
  EXPECT_EQ(rows->rows[2].model, 0u);
  EXPECT_THAT(rows->models, testing::ElementsAre("a", "b"));
}

TEST(LatencyFitRowsTest, ReadsWhatACacheGave) {
  const std::string header = "input_tokens,output_tokens,total_ms,cached_tokens\n";
  const auto rows =
      parse_latency_rows("rows", header + "100,20,5,0\n100,20,5,100\n", LatencyFormat::kCsv);
  ASSERT_TRUE(rows) << fare::to_text(rows.error());
  EXPECT_TRUE(rows->has_cached);
  EXPECT_EQ(rows->rows[0].cached, Tokens(0));
  EXPECT_EQ(rows->rows[1].cached, Tokens(100));
  EXPECT_EQ(errors_of(LatencyFormat::kCsv, header + "100,20,5,101\n100,20,5,-1\n100,20,5,\n"),
            "rows:2: cached_tokens must not be above input_tokens\n"
            "rows:3: cached_tokens must be a whole number from 0 to 1000000000000, but is \"-1\"\n"
            "rows:4: cached_tokens must be a whole number from 0 to 1000000000000, but is \"\"\n");
}

// 20 blocks; then 30 that begin with them, in time, too soon, too late, by another model, in
// another session; and prompts that share too little.
TEST(LatencyFitRowsTest, ReckonsWhatACacheGaveToASession) {
  const auto call = [](const std::string& model, double at, int blocks, const std::string& runs) {
    return R"({"t": )" + std::to_string(at) + R"(, "model": ")" + model + R"(", "in": )" +
           std::to_string(64 * blocks + 7) + R"(, "out": 5, "h": )" + runs + R"(, "api_time": 9})";
  };
  const auto session = [](const std::string& id, const std::string& calls) {
    return R"({"id": ")" + id + R"(", "block_size": 64, "requests": [)" + calls + "]}\n";
  };
  const std::string first = call("a", 0, 20, "[0, 20]");
  const std::string text =
      session("s", first + ", " + call("a", 1.9, 30, "[0, 30]") + ", " +
                       call("a", 2, 25, "[0, 20, 90, 5]") + ", " + call("b", 3, 30, "[0, 30]") +
                       ", " + call("a", 4, 30, "[0, 15, 90, 15]") + ", " +
                       call("a", 302, 26, "[0, 21, 70, 5]") + ", " +
                       call("a", 603, 30, "[0, 30]")) +
      session("other", call("a", 5, 20, "[0, 20]"));
  const auto rows = parse_latency_rows("rows", text, LatencyFormat::kClaudeCode);
  ASSERT_TRUE(rows) << fare::to_text(rows.error());
  std::vector<std::int64_t> blocks;
  for (const LatencyRow& row : rows->rows) blocks.push_back(row.cached.count() / 64);
  EXPECT_THAT(blocks, testing::ElementsAre(0, 0, 20, 0, 0, 20, 0, 0));
}

// Three copies of one log: of its first call, of its first two, and of the last with one more.
TEST(LatencyFitRowsTest, CopiesOfALogAreOneSession) {
  const auto call = [](int at, int output) {
    return R"({"t": )" + std::to_string(at) + R"(, "model": "m", "in": 50, "out": )" +
           std::to_string(output) + R"(, "h": [], "api_time": 2.5})";
  };
  const auto session = [](const std::string& id, const std::string& calls) {
    return R"({"id": ")" + id + R"(", "block_size": 64, "requests": [)" + calls + "]}\n";
  };
  const auto rows =
      parse_latency_rows("rows",
                         session("other", call(0, 7)) + session("a", call(0, 5)) +
                             session("b", call(0, 5) + ", " + call(9, 6)) +
                             session("c", call(9, 6) + ", " + call(9, 6) + ", " + call(3, 8)) +
                             session("same answer later", call(1, 5)),
                         LatencyFormat::kClaudeCode);
  ASSERT_TRUE(rows) << fare::to_text(rows.error());
  EXPECT_EQ(rows->repeated, 3u);
  EXPECT_EQ(rows->sessions.size(), 5u);
  std::string all;
  for (const LatencyRow& row : rows->rows) {
    all += rows->sessions[row.session] + " " + std::to_string(row.output.count()) + ", ";
  }
  EXPECT_EQ(all, "other 7, a 5, a 8, a 6, same answer later 5, ");
}

TEST(LatencyFitRowsTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(errors_of(LatencyFormat::kCsv, "input_tokens,output_token,total_ms,total_ms\n"),
            "rows:1: \"output_token\" is no column; did you mean \"output_tokens\"?\n"
            "rows:1: the column \"total_ms\" stands twice\n"
            "rows:1: needs the column \"output_tokens\"\n");
  EXPECT_EQ(errors_of(LatencyFormat::kCsv,
                      "input_tokens,output_tokens,total_ms,first_token_ms\n"
                      "0,1,5,\n1,1,x,1\n1,1,5,6\n1,1\n"),
            "rows:2: input_tokens must be a whole number from 1 to 1000000000000, but is \"0\"\n"
            "rows:3: total_ms must be a decimal number from 0 to 9000000000, but is \"x\"\n"
            "rows:4: first_token_ms must not be above total_ms\n"
            "rows:5: must have 4 fields, as its header, but has 2\n");
  EXPECT_EQ(errors_of(LatencyFormat::kCsv, ""), "rows: has no row, but must have at least one\n");
  EXPECT_EQ(errors_of(LatencyFormat::kVllm,
                      R"({"input_toks": 1, "output_toks": 2, "queued_ts": 3, "first_token_ts": 2,)"
                      R"( "last_token_ts": 4})"
                      "\n[]\n"),
            "rows:1: queued_ts, first_token_ts and last_token_ts must come in this order\n"
            "rows:2: must be a JSON object in one line\n");
}

}  // namespace
}  // namespace routesim
